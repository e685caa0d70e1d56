#include "starts.h"

#include <inttypes.h>
#include <stdlib.h>

#include "backfill.h"
#include "engine_internal.h"
#include "limits.h"
#include "log.h"
#include "message_ids.h"
#include "pause.h"
#include "strutil.h"
#include "xalloc.h"

struct start_entry starts_entry(const struct run *run) {
        return (struct start_entry){
                .job = run->record.job,
                .number = run->record.run_number,
                .priority = run->plan.job->priority,
                .overlap = run->plan.job->overlap,
                .queued = !run_machine_has_begun(&run->machine),
                .beside = jval_get_bool(run->record.options, "force", false),
                .group = jval_get_int(run->record.options, "group", 0),
        };
}

struct start_entry *starts_entries(const struct engine *engine, size_t *ret_count, struct run ***ret_runs) {
        struct start_entry *entries = xcalloc(engine->n_runs + 1, sizeof(*entries));
        struct run **runs = ret_runs ? xcalloc(engine->n_runs + 1, sizeof(struct run *)) : NULL;
        size_t n = 0;

        for (struct run *run = engine->runs; run; run = run->next) {
                if (run->ended || run->backfill)
                        continue;
                if (runs)
                        runs[n] = run;
                entries[n++] = starts_entry(run);
        }
        if (ret_runs)
                *ret_runs = runs;
        *ret_count = n;
        return entries;
}

size_t starts_waiting(const struct engine *engine, const char *job) {
        size_t n = 0;

        for (const struct run *run = engine->runs; run; run = run->next)
                n += !run->ended && !run_machine_has_begun(&run->machine) && streq(run->record.job, job);
        return n;
}

/* What people said that holds the run, as data; NULL: nothing. */
static const struct jval *hold_of(const struct run *run, const char **ret_kind) {
        const struct jval *drain = engine_drain_of(run->engine), *pause = pause_of_job(run->engine, run->record.job);

        *ret_kind = drain ? "drained" : "paused";
        if (drain)
                return drain;
        return jval_get_bool(run->record.options, "force", false) ? NULL : pause;
}

static struct jval *wait_for_run(const struct run *other) {
        struct jval *wait = jval_object();

        jval_set_str(wait, "kind", "run");
        jval_set_int(wait, "run_number", other->record.run_number);
        jval_set_str(wait, "run_id", other->record.run_id);
        jval_set_str(wait, "job", other->record.job);
        jval_set_str(wait, "status", run_status_to_string(other->record.status));
        jval_set_time(wait, "started_at", other->record.started_at);
        return wait;
}

static struct jval *wait_for_people(const char *kind, const struct jval *said) {
        struct jval *wait = jval_deep_copy(said);

        jval_set(wait, "held_since", jval_ref(jval_get(said, "since")));
        jval_set_str(wait, "kind", kind);
        return wait;
}

/* What ReadyWhen= said last; NULL before it has said anything. */
static struct jval *wait_until_ready(const struct run *run) {
        struct jval *wait = jval_object();

        jval_set_str(wait, "kind", "not_ready");
        jval_set_str(wait, "said", run->record.error_message);
        jval_set_time(wait, "since", run->record.created_at);
        return wait;
}

struct jval *run_waits_for(const struct run *run) {
        _cleanup_free_ struct start_entry *entries = NULL;
        _cleanup_free_ struct run **runs = NULL;
        const char *kind;
        const struct jval *said = hold_of(run, &kind);
        struct jval *wait = NULL;
        size_t n, self = 0, blocker;

        if (run->ended || run->machine.status != RUN_QUEUED)
                return NULL;
        if (run_machine_has_begun(&run->machine))
                return wait_until_ready(run);
        if (said) {
                wait = wait_for_people(kind, said);
        } else {
                entries = starts_entries(run->engine, &n, &runs);
                while (self < n && runs[self] != run)
                        self++;
                blocker = self < n ? start_blocker(entries, n, self) : n;
                wait = blocker < n ? wait_for_run(runs[blocker]) : limits_run_waits_for(run);
        }
        if (wait)
                jval_set_time(wait, "since", run->record.created_at);
        return wait;
}

static void log_waiting(const struct run *run, const struct run *blocker) {
        log_at(LOG_LEVEL_INFO,
               &(struct log_context){
                       .message_id = MESSAGE_ID_RUN_QUEUED, .run_id = run->record.run_id, .job = run->record.job},
               "%s #%" PRId64 " waits for #%" PRId64, run->record.job, run->record.run_number,
               blocker->record.run_number);
}

void run_begin(struct run *run) {
        struct effects effects = {0};

        run->lacks = NULL;
        run->in_a_circle = false;
        (void)run_machine_start(&run->machine, &effects);
        run_apply(run, &effects);
        log_at(LOG_LEVEL_INFO,
               &(struct log_context){
                       .message_id = MESSAGE_ID_RUN_STARTED, .run_id = run->record.run_id, .job = run->record.job},
               "%s #%" PRId64 " started%s%s (%s by %s)", run->record.job, run->record.run_number,
               run->plan.mode ? " in mode " : "", str_or(run->plan.mode, ""),
               trigger_to_string(run->record.triggered_by), str_or(run->record.triggered_by_user, "?"));
}

/* Those that nothing holds begin. True when one did: then others may have to be looked at again. */
static bool begin_some(struct engine *engine) {
        _cleanup_free_ struct start_entry *entries = NULL;
        _cleanup_free_ struct run **runs = NULL, **candidates = NULL;
        size_t n, n_candidates = 0;
        bool any = false;

        entries = starts_entries(engine, &n, &runs);
        candidates = xcalloc(n + 1, sizeof(struct run *));
        for (size_t i = 0; i < n; i++) {
                const char *kind;
                size_t blocker;

                if (!entries[i].queued)
                        continue;
                runs[i]->lacks = NULL;
                runs[i]->in_a_circle = false;
                if (hold_of(runs[i], &kind))
                        continue;
                blocker = start_blocker(entries, n, i);
                if (blocker < n) {
                        if (!runs[i]->wait_told)
                                log_waiting(runs[i], runs[blocker]);
                        runs[i]->wait_told = true;
                        continue;
                }
                if (runs[i]->plan.job->limits.count > 0) {
                        candidates[n_candidates++] = runs[i];
                        continue;
                }
                run_begin(runs[i]);
                entries[i].queued = false;
                any = true;
        }
        return limits_serve(engine, candidates, n_candidates) || any;
}

/* The next pause that ends by itself while a run waits for that. */
static usec_t next_end_of_pause(const struct engine *engine) {
        usec_t first = USEC_INFINITY, until;

        for (const struct run *run = engine->runs; run; run = run->next) {
                const char *text = !run_machine_has_begun(&run->machine)
                                           ? jval_get_str(pause_of_job(engine, run->record.job), "until")
                                           : NULL;

                if (text && parse_rfc3339(text, &until) == 0)
                        first = MIN(first, until);
        }
        return first;
}

void starts_settle(struct engine *engine) {
        /* What is made here looks at the queue, too: that is done in the next round. */
        if (engine->starts.is_settling || engine->recovering)
                return;
        engine->starts.is_settling = true;
        while (engine->starts.look && !engine->stopping) {
                engine->starts.look = false;
                backfill_settle(engine);
                while (begin_some(engine))
                        ;
                (void)loop_wall_timer_arm(engine->starts.timer, next_end_of_pause(engine));
        }
        engine->starts.is_settling = false;
}

void starts_look(struct engine *engine) {
        engine->starts.look = true;
}

static void pause_ended(bool clock_was_set, void *user) {
        (void)clock_was_set;
        starts_look(user);
}

int starts_begin(struct engine *engine) {
        engine->starts.look = true;
        return loop_wall_timer_new(engine->loop, &engine->starts.timer, pause_ended, engine);
}

void starts_done(struct engine *engine) {
        engine->starts.timer = loop_wall_timer_free(engine->starts.timer);
}
