#include "events.h"

#include <stdlib.h>

#include "engine_internal.h"
#include "strutil.h"
#include "strv.h"
#include "view.h"
#include "watch.h"
#include "xalloc.h"

struct event_watch {
        struct engine_watch base;
        struct engine *engine;
        struct event_watch *next;
        struct engine_watch_events events;
        void *user;
        char **jobs; /* only of these; empty: of all */
        uint64_t sent;
        uint64_t ends_seen;
        bool notified;
};

void events_done(struct events *events) {
        for (size_t i = 0; i < EVENT_ENDS_MAX; i++)
                jval_unref(events->ends[i].params);
}

static void notify_all(struct engine *engine) {
        struct event_watch *next;

        for (struct event_watch *watch = engine->events.watches; watch; watch = next) {
                next = watch->next;
                if (!watch->notified) {
                        watch->notified = true;
                        watch->events.ready(watch->user);
                }
        }
}

bool run_is_known(const struct run *run) {
        return run->record.run_number <= run->engine->events.known_number;
}

static void run_known(void *user) {
        struct run *run = user;
        struct events *events = &run->engine->events;

        if (run->record.run_number > events->known_number)
                events->known_number = run->record.run_number;
        events_run_changed(run);
}

void events_run_added(struct run *run) {
        decisions_after_commit(run->engine, run_known, run);
}

void events_run_changed(struct run *run) {
        run->changed_at = ++run->engine->events.sequence;
        if (run_is_known(run))
                notify_all(run->engine);
}

static struct jval *describe(const struct run *run) {
        struct jval *params = run_identity_json(run);

        jval_set_str(params, "batch_mode", run->record.batch_mode);
        jval_set_str(params, "triggered_by", trigger_to_string(run->record.triggered_by));
        return params;
}

void events_run_ended(struct run *run) {
        struct events *events = &run->engine->events;
        struct event_end *end = &events->ends[events->n_ends++ % EVENT_ENDS_MAX];

        jval_unref(end->params);
        end->sequence = ++events->sequence;
        end->params = describe(run);
        jval_set_bool(end->params, "ended", true);
        jval_set_str(end->params, "error_message", run->record.error_message);
        jval_set_real(end->params, "duration_seconds", (double)run->record.duration_usec / 1e6);
        jval_set(end->params, "progress", run_progress_json(run));
        notify_all(run->engine);
}

static bool wants(const struct event_watch *watch, const char *job) {
        return !watch->jobs || strv_contains(watch->jobs, job);
}

/* The active run that changed first since the watcher looked; NULL: none. An end that is not durable yet is not told.
 */
static struct run *next_changed(const struct event_watch *watch) {
        struct run *found = NULL;

        for (struct run *run = watch->engine->runs; run; run = run->next)
                if (!run->ended && run->changed_at > watch->sent && run_is_known(run) &&
                    wants(watch, run->record.job) && (!found || run->changed_at < found->changed_at))
                        found = run;
        return found;
}

/* The next end that it has not been told; how many of them are forgotten already goes into *ret_missed. */
static struct event_end *next_end(struct event_watch *watch, uint64_t *ret_missed) {
        struct events *events = &watch->engine->events;

        *ret_missed = 0;
        if (events->n_ends - watch->ends_seen > EVENT_ENDS_MAX) {
                *ret_missed = events->n_ends - watch->ends_seen - EVENT_ENDS_MAX;
                watch->ends_seen += *ret_missed;
        }
        for (; watch->ends_seen < events->n_ends; watch->ends_seen++) {
                struct event_end *end = &events->ends[watch->ends_seen % EVENT_ENDS_MAX];

                if (wants(watch, str_or(jval_get_str(end->params, "job"), "")))
                        return end;
        }
        return NULL;
}

static int event_watch_read(struct engine_watch *base, struct buf *out) {
        struct event_watch *watch = (struct event_watch *)base;
        struct run *run = next_changed(watch);
        uint64_t missed;
        struct event_end *end = next_end(watch, &missed);
        struct jval *params;

        if (!run && !end) {
                watch->notified = false;
                return 0;
        }
        if (missed > 0 || (end && (!run || end->sequence < run->changed_at))) {
                params = end ? jval_deep_copy(end->params) : jval_object();
                if (missed > 0)
                        jval_set_int(params, "missed", (int64_t)missed);
                if (end)
                        watch->ends_seen++;
        } else {
                params = describe(run);
                run_set_position(params, run);
                run_set_wait(params, run);
                jval_set(params, "progress", run_progress_json(run));
                watch->sent = run->changed_at;
        }
        return watch_append_notification(out, "run.changed", params);
}

static void event_watch_free(struct engine_watch *base) {
        struct event_watch *watch = (struct event_watch *)base;

        for (struct event_watch **link = &watch->engine->events.watches; *link; link = &(*link)->next)
                if (*link == watch) {
                        *link = watch->next;
                        break;
                }
        watch->engine->n_watches--;
        strv_free(watch->jobs);
        free(watch);
}

static const struct engine_watch_type event_watch_type = {.read = event_watch_read, .free = event_watch_free};

void engine_events_subscribe(struct engine *engine, const struct jval *params, const struct engine_watch_events *events,
                             void *events_user, struct engine_watch **ret_watch, engine_answer_fn fn, void *user) {
        const struct jval *jobs = jval_get(params, "jobs");
        struct event_watch *watch = NEW(struct event_watch);
        struct jval *result = jval_object(), *runs = jval_array();

        *watch = (struct event_watch){.base = {&event_watch_type},
                                      .engine = engine,
                                      .events = *events,
                                      .user = events_user,
                                      .sent = engine->events.sequence,
                                      .ends_seen = engine->events.n_ends,
                                      .next = engine->events.watches};
        for (size_t i = 0; i < jval_array_size(jobs); i++)
                strv_append(&watch->jobs, str_or(jval_str(jval_at(jobs, i)), ""));
        engine->events.watches = watch;
        engine->n_watches++;
        *ret_watch = &watch->base;
        for (const struct run *run = engine->runs; run; run = run->next)
                if (run_is_known(run) && wants(watch, run->record.job))
                        jval_add(runs, run_current_json(run));
        jval_set(result, "runs", runs);
        fn(NULL, result, user);
}
