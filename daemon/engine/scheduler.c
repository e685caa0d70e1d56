#include "scheduler.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"
#include "errortext.h"
#include "log.h"
#include "pause.h"
#include "schedule_set.h"
#include "strutil.h"
#include "xalloc.h"

/* Since when a schedule is there, in state.db: "HASH MICROSECONDS"; "" once it is gone. */
#define SETTING "schedule/"
/* Jobs that are due at the same instant start so many a pass of the loop, and no more once it has taken so long. */
#define STARTS_A_PASS 64
#define PASS_BUDGET (20 * USEC_PER_MSEC)
#define STORE_RETRY USEC_PER_SEC

struct scheduler {
        struct engine *engine;
        struct schedule_set set;
        struct loop_wall_timer *timer;
        usec_t armed_for;
        bool is_behind;
};

static void arm(struct scheduler *scheduler, usec_t at) {
        if (at == scheduler->armed_for)
                return;
        scheduler->armed_for = at;
        (void)loop_wall_timer_arm(scheduler->timer, at);
}

static void arm_for_first(struct scheduler *scheduler) {
        const struct schedule *first = schedule_set_first(&scheduler->set);

        arm(scheduler, first ? first->node.at : USEC_INFINITY);
}

/* What becomes of one due time, on its way into the record. */
struct decision {
        struct scheduler *scheduler;
        struct schedule *schedule;
        struct due_item item;
        bool late;
};

static void record(const struct decision *decision, enum due_outcome outcome, const char *reason,
                   const struct jval *run) {
        const char *job = decision->schedule->job->name;
        struct due_record due = {
                .job = job,
                .due_at = decision->item.due_at,
                .until = decision->item.until,
                .count = decision->item.count,
                .outcome = outcome,
                .reason = reason,
                .run_number = jval_get_int(run, "run_number", 0),
                .decided_at = now_realtime(),
        };
        char at[RFC3339_SIZE];

        (void)snprintf(due.run_id, sizeof(due.run_id), "%s", str_or(jval_get_str(run, "run_id"), ""));
        store_batch_put_due(decisions_batch(decision->scheduler->engine), &due);
        /* On time is no news, those missed are told together, and who paused or drained knows. */
        if (outcome == DUE_RAN || outcome == DUE_MISSED)
                return;
        log_at(streq_null(reason, "paused") || streq_null(reason, "drained") ? LOG_LEVEL_DEBUG : LOG_LEVEL_NOTICE,
               &(struct log_context){.job = job}, "%s: due %s: %s%s%s", job, format_rfc3339(at, decision->item.due_at),
               due_outcome_to_string(outcome), reason ? ": " : "", str_or(reason, ""));
}

/* The word for why a start was refused. */
static const char *refusal_word(const struct engine *engine, enum error_kind kind) {
        if (engine_drain_of(engine))
                return "drained";
        if (kind == ERROR_KIND_ALREADY_RUNNING)
                return "overlap";
        if (kind == ERROR_KIND_PAUSED)
                return "paused";
        return kind == ERROR_KIND_UNAVAILABLE ? "unavailable" : "refused";
}

static void start_decided(const struct jval *params, const struct engine_error *refusal, const struct jval *result,
                          void *user) {
        const struct decision *decision = user;

        (void)params;
        if (refusal) {
                const char *word = refusal_word(decision->scheduler->engine, refusal->kind);

                if (streq(word, "unavailable") || streq(word, "refused"))
                        log_at(LOG_LEVEL_WARNING, &(struct log_context){.job = decision->schedule->job->name},
                               "%s is due and does not start: %s", decision->schedule->job->name, refusal->message);
                record(decision, DUE_SKIPPED, word, NULL);
        } else {
                record(decision, decision->late ? DUE_RAN_LATE : DUE_RAN, NULL, result);
        }
}

static void start(struct decision *decision) {
        struct jval *params = jval_object();

        jval_set_str(params, "job", decision->schedule->job->name);
        jval_set_str(params, "triggered_by", trigger_to_string(decision->late ? TRIGGER_CATCH_UP : TRIGGER_SCHEDULE));
        jval_set_time(params, "due", decision->item.due_at);
        start_run(act_of_daemon(decision->scheduler->engine, METHOD_RUN_START, params, start_decided, decision));
}

/* Decides one due time that is there. False: it waits for the end of a run. */
static bool decide(struct decision *decision, bool latest, usec_t now) {
        const struct schedule *schedule = decision->schedule;
        const struct engine *engine = decision->scheduler->engine;

        decision->late = now - due_fires_at(&schedule->due, decision->item.due_at) > DUE_LATE;
        if (!decision->item.run) {
                record(decision, DUE_MISSED,
                       decision->item.due_at < engine->started_realtime ? "daemon_down" : "clock_jump", NULL);
                return true;
        }
        if (schedule->job->persistent == PERSISTENT_ALL && (decision->late || !latest || schedule->catching_up) &&
            engine_active_run(engine, schedule->job->name) && !engine_drain_of(engine) &&
            !pause_of_job(engine, schedule->job->name))
                return false;
        start(decision);
        return true;
}

static void log_missed(const struct schedule *schedule, const struct due_behind *behind) {
        size_t n = 0, first = 0;
        char at[RFC3339_SIZE];

        for (size_t i = 0; i < behind->count; i++)
                if (!behind->items[i].run && n++ == 0)
                        first = i;
        if (n == 0)
                return;
        log_at(LOG_LEVEL_WARNING, &(struct log_context){.job = schedule->job->name},
               "%s: %zu%s due time%s missed, the first at %s; see: batchctl next %s --from %s", schedule->job->name, n,
               behind->items[first].until > 0 ? " and more" : "", n == 1 ? "" : "s",
               format_rfc3339(at, behind->items[first].due_at), schedule->job->name, at);
}

/* Everything that is there of one schedule. */
static void settle(struct scheduler *scheduler, struct schedule *schedule, usec_t now) {
        struct due_behind behind;
        usec_t cursor = schedule->cursor;

        due_settle(&schedule->due, cursor, now, schedule->job->persistent, &behind);
        log_missed(schedule, &behind);
        for (size_t i = 0; i < behind.count; i++) {
                struct decision decision = {scheduler, schedule, behind.items[i], false};

                if (!decide(&decision, i + 1 == behind.count, now)) {
                        schedule->waiting = schedule->catching_up = true;
                        break;
                }
                cursor = MAX(behind.items[i].due_at, behind.items[i].until);
        }
        schedule->catching_up = schedule->waiting;
        due_behind_done(&behind);
        schedule_place(&scheduler->set, schedule, cursor);
}

static void time_came(bool clock_was_set, void *user) {
        struct scheduler *scheduler = user;
        usec_t now = now_realtime(), began = now_boottime();
        struct schedule *first;

        scheduler->is_behind = false;
        scheduler->armed_for = 0; /* whatever it was, the timer has to be armed again */
        if (clock_was_set) {
                log_notice("the clock was set; schedules go by the new time");
                schedule_set_clock(&scheduler->set, now);
        }
        if (scheduler->engine->stopping)
                return;
        /* What cannot be recorded is not started. */
        if (store_trouble(scheduler->engine->store)) {
                arm(scheduler, now + STORE_RETRY);
                return;
        }
        for (unsigned n = 0; n < STARTS_A_PASS && now_boottime() - began < PASS_BUDGET; n++) {
                first = schedule_set_first(&scheduler->set);
                if (!first || first->node.at > now)
                        break;
                settle(scheduler, first, now);
        }
        first = schedule_set_first(&scheduler->set);
        scheduler->is_behind = first && first->node.at <= now;
        arm_for_first(scheduler);
}

void scheduler_run_ended(struct scheduler *scheduler, const char *job) {
        struct schedule *schedule = schedule_set_find(&scheduler->set, job);

        if (!schedule || !schedule->waiting || engine_active_run(scheduler->engine, job))
                return;
        schedule->waiting = false;
        schedule_place(&scheduler->set, schedule, schedule->cursor);
        arm_for_first(scheduler);
}

/* Keeps since when the schedule is there: a daemon that starts later finds what it missed. */
static void keep_since(struct scheduler *scheduler, const struct schedule *schedule, usec_t since) {
        _cleanup_free_ char *key = xasprintf(SETTING "%s", schedule->job->name);
        _cleanup_free_ char *value = xasprintf("%s %" PRIu64, schedule->hash, since);

        store_batch_put_setting(decisions_batch(scheduler->engine), key, value);
}

static void place_new_ones(struct scheduler *scheduler) {
        usec_t now = now_realtime();

        for (size_t i = 0; i < scheduler->set.count; i++) {
                struct schedule *schedule = scheduler->set.items[i];

                if (!schedule->unplaced)
                        continue;
                keep_since(scheduler, schedule, now);
                schedule_place(&scheduler->set, schedule, now);
        }
        arm_for_first(scheduler);
}

static void forget(struct scheduler *scheduler, const char *name) {
        _cleanup_free_ char *key = xasprintf(SETTING "%s", name);

        store_batch_put_setting(decisions_batch(scheduler->engine), key, "");
}

void scheduler_take_jobs(struct scheduler *scheduler) {
        size_t n = scheduler->set.count;
        char **names = xcalloc(n + 1, sizeof(*names));

        for (size_t i = 0; i < n; i++)
                names[i] = xstrdup(scheduler->set.items[i]->job->name);
        schedule_set_take(&scheduler->set, &scheduler->engine->jobs, store_instance(scheduler->engine->store));
        for (size_t i = 0; i < n; i++) {
                if (!schedule_set_find(&scheduler->set, names[i]))
                        forget(scheduler, names[i]);
                free(names[i]);
        }
        free(names);
        place_new_ones(scheduler);
}

/* A schedule as an earlier daemon left it. */
static void take_up(const char *name, const char *value, usec_t last_due, void *user) {
        struct scheduler *scheduler = user;
        struct schedule *schedule = schedule_set_find(&scheduler->set, name);
        const char *space = strchr(value, ' ');
        int64_t since;
        usec_t now = now_realtime(), cursor;

        if (!schedule) {
                if (*value)
                        forget(scheduler, name);
                return;
        }
        if (!space || strlen(schedule->hash) != (size_t)(space - value) ||
            strncmp(value, schedule->hash, strlen(schedule->hash)) != 0 || parse_int64(space + 1, &since) < 0)
                return;
        cursor = MAX((usec_t)since, last_due);
        schedule_place(&scheduler->set, schedule, cursor > now + SCHEDULE_CLOCK_TRUST ? now : cursor);
}

int scheduler_new(struct scheduler **ret, struct engine *engine, char **ret_error) {
        struct scheduler *scheduler = NEW(struct scheduler);
        int r;

        scheduler->engine = engine;
        schedule_set_take(&scheduler->set, &engine->jobs, store_instance(engine->store));
        r = loop_wall_timer_new(engine->loop, &scheduler->timer, time_came, scheduler);
        if (r == 0)
                r = store_load_settings(engine->store, SETTING, now_realtime() + SCHEDULE_CLOCK_TRUST, take_up,
                                        scheduler);
        if (r < 0) {
                (void)scheduler_free(scheduler);
                return error_set(ret_error, r, "the schedules cannot be taken up: %s", strerror(-r));
        }
        place_new_ones(scheduler);
        *ret = scheduler;
        return 0;
}

struct scheduler *scheduler_free(struct scheduler *scheduler) {
        if (!scheduler)
                return NULL;
        scheduler->timer = loop_wall_timer_free(scheduler->timer);
        schedule_set_done(&scheduler->set);
        free(scheduler);
        return NULL;
}

bool scheduler_is_behind(const struct scheduler *scheduler) {
        return scheduler && scheduler->is_behind;
}

usec_t scheduler_next_due(const struct scheduler *scheduler, const char *job) {
        const struct schedule *schedule = schedule_set_find(&scheduler->set, job);

        return schedule && schedule->next != USEC_INFINITY ? schedule->next : 0;
}

const struct schedule_set *scheduler_set(const struct scheduler *scheduler) {
        return &scheduler->set;
}

char *scheduler_status(const struct scheduler *scheduler) {
        const struct schedule *first = schedule_set_first(&scheduler->set);
        char at[RFC3339_SIZE];

        if (!first)
                return xstrdup("");
        return xasprintf("; next due %s at %s", first->job->name, format_time_local(at, first->next, false));
}
