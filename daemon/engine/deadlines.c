#include "deadlines.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alerts.h"
#include "engine_internal.h"
#include "errortext.h"
#include "log.h"
#include "pause.h"
#include "schedule_set.h"
#include "strutil.h"
#include "xalloc.h"

/* Up to which instant the deadlines of a job are judged, in state.db: "HASH MICROSECONDS". */
#define SETTING "deadline/"

struct deadlines {
        struct engine *engine;
        struct schedule_set set; /* of the calendars of Deadline= */
        struct loop_wall_timer *timer;
};

static const struct job_calendars *calendars_of(const struct job *job) {
        return &job->deadline;
}

static void arm(struct deadlines *deadlines) {
        const struct schedule *first = schedule_set_first(&deadlines->set);

        (void)loop_wall_timer_arm(deadlines->timer, first ? first->node.at : USEC_INFINITY);
}

static void place(struct deadlines *deadlines, struct schedule *schedule, usec_t cursor) {
        _cleanup_free_ char *key = xasprintf(SETTING "%s", schedule->job->name);
        _cleanup_free_ char *value = xasprintf("%s %" PRIu64, schedule->hash, cursor);

        store_batch_put_setting(decisions_batch(deadlines->engine), key, value);
        schedule_place(&deadlines->set, schedule, cursor);
}

/* Of those that lie behind the last one counts: it tells what the others would. */
static void judge(struct deadlines *deadlines, struct schedule *schedule, usec_t now) {
        usec_t deadline = schedule->next, next, before = 0;

        for (unsigned n = 0; n < DUE_COUNT_MAX && due_next(&schedule->due, deadline, &next, NULL) == 0 && next <= now;
             n++)
                deadline = next;
        (void)due_previous(&schedule->due, deadline, &before);
        if (pause_of_job(deadlines->engine, schedule->job->name))
                log_notice("%s is paused: that its deadline passes is not told", schedule->job->name);
        else
                alerts_deadline_passed(deadlines->engine->alerts, schedule->job, deadline, before);
        place(deadlines, schedule, deadline);
}

static void time_came(bool clock_was_set, void *user) {
        struct deadlines *deadlines = user;
        usec_t now = now_realtime();
        struct schedule *first;

        if (clock_was_set)
                schedule_set_clock(&deadlines->set, now);
        while ((first = schedule_set_first(&deadlines->set)) && first->node.at <= now)
                judge(deadlines, first, now);
        arm(deadlines);
}

static void place_new_ones(struct deadlines *deadlines) {
        usec_t now = now_realtime();

        for (size_t i = 0; i < deadlines->set.count; i++)
                if (deadlines->set.items[i]->unplaced)
                        place(deadlines, deadlines->set.items[i], now);
        arm(deadlines);
}

void deadlines_take_jobs(struct deadlines *deadlines) {
        schedule_set_take(&deadlines->set, &deadlines->engine->jobs, store_instance(deadlines->engine->store));
        place_new_ones(deadlines);
}

static void take_up(const char *name, const char *value, usec_t last_due, void *user) {
        struct deadlines *deadlines = user;
        struct schedule *schedule = schedule_set_find(&deadlines->set, name);
        const char *space = strchr(value, ' ');
        usec_t now = now_realtime();
        int64_t judged;

        (void)last_due;
        if (!schedule) {
                _cleanup_free_ char *key = xasprintf(SETTING "%s", name);

                store_batch_put_setting(decisions_batch(deadlines->engine), key, "");
        } else if (space && startswith(value, schedule->hash) && parse_int64(space + 1, &judged) == 0) {
                schedule_place(&deadlines->set, schedule, MIN((usec_t)judged, now + SCHEDULE_CLOCK_TRUST));
        }
}

int deadlines_new(struct deadlines **ret, struct engine *engine, char **ret_error) {
        struct deadlines *deadlines = NEW(struct deadlines);
        int r;

        deadlines->engine = engine;
        deadlines->set.calendars_of = calendars_of;
        schedule_set_take(&deadlines->set, &engine->jobs, store_instance(engine->store));
        r = loop_wall_timer_new(engine->loop, &deadlines->timer, time_came, deadlines);
        if (r == 0)
                r = store_load_settings(engine->store, SETTING, 0, take_up, deadlines);
        if (r < 0) {
                (void)deadlines_free(deadlines);
                return error_set(ret_error, r, "the deadlines cannot be taken up: %s", strerror(-r));
        }
        place_new_ones(deadlines);
        *ret = deadlines;
        return 0;
}

struct deadlines *deadlines_free(struct deadlines *deadlines) {
        if (!deadlines)
                return NULL;
        deadlines->timer = loop_wall_timer_free(deadlines->timer);
        schedule_set_done(&deadlines->set);
        free(deadlines);
        return NULL;
}

usec_t deadlines_next(const struct deadlines *deadlines, const char *job) {
        const struct schedule *schedule = schedule_set_find(&deadlines->set, job);

        return schedule && schedule->next != USEC_INFINITY ? schedule->next : 0;
}
