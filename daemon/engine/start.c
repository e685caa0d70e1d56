/* run.start: from a request to a run whose first steps are on their way. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"
#include "gate.h"
#include "pause.h"
#include "retry.h"
#include "start.h"
#include "strutil.h"
#include "strv.h"
#include "view.h"
#include "xalloc.h"

static struct jval *data_with(const char *key, const char *value) {
        struct jval *data = jval_object();

        jval_set_str(data, key, value);
        return data;
}

static struct jval *data_of_run(const struct run *run) {
        struct jval *data = data_with("job", run->record.job);

        jval_set_int(data, "run_number", run->record.run_number);
        jval_set_str(data, "run_id", run->record.run_id);
        return data;
}

struct job_entry *act_find_job(struct act *act, const char *name) {
        struct job_entry *entry = job_registry_find(&act->engine->jobs, name);
        const char *near;

        if (entry && entry->job)
                return entry;
        if (entry) {
                act_fail(act, ERROR_KIND_UNAVAILABLE, data_with("job", name),
                         "mend the file of job %s, then run: batchctl reload (%s)", name, entry->broken);
                return NULL;
        }
        near = job_registry_suggest(&act->engine->jobs, name);
        act_fail(act, ERROR_KIND_NOT_FOUND, near ? data_with("suggestion", near) : NULL, "there is no job %s%s%s%s",
                 name, near ? "; did you mean " : "; see: batchctl list", str_or(near, ""), near ? "?" : "");
        return NULL;
}

struct run *engine_active_run(const struct engine *engine, const char *job) {
        for (struct run *run = engine->runs; run; run = run->next)
                if (streq(run->record.job, job) && !run->ended && !run->backfill)
                        return run;
        return NULL;
}

/* "; since 2026-11-22T12:00:00.000000Z by alice: reason" */
static char *said_text(const struct jval *said) {
        const char *reason = jval_get_str(said, "reason"), *until = jval_get_str(said, "until");

        return xasprintf("since %s by %s%s%s%s%s", str_or(jval_get_str(said, "since"), "?"),
                         str_or(jval_get_str(said, "by"), "?"), until ? ", until " : "", str_or(until, ""),
                         reason ? ": " : "", str_or(reason, ""));
}

/* Whether nobody has said that nothing is to start; answers the request when somebody has. */
static bool nobody_holds(struct act *act, const char *job) {
        const struct jval *drain = engine_drain_of(act->engine), *pause = pause_of_job(act->engine, job);

        if (drain) {
                _cleanup_free_ char *said = said_text(drain);

                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL,
                         "the daemon is drained and starts nothing new (%s); take it back with: batchctl drain --off",
                         said);
                return false;
        }
        if (pause && !jval_get_bool(act->params, "force", false)) {
                _cleanup_free_ char *said = said_text(pause);
                struct jval *data = data_with("job", job);

                jval_set(data, "paused", jval_deep_copy(pause));
                act_fail(act, ERROR_KIND_PAUSED, data, "%s is paused (%s); batchctl resume %s, or start with --force",
                         job, said, job);
                return false;
        }
        return true;
}

bool act_may_start(struct act *act, const struct job *job) {
        struct engine *engine = act->engine;
        const char *trouble = store_trouble(engine->store);

        if (engine->stopping) {
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL, "try again when the daemon is back: it is stopping");
                return false;
        }
        if (act->origin && act->origin->is_held_back)
                return true;
        if (trouble) {
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL,
                         "make room or mend the state folder, then try again: state.db cannot be written: %s", trouble);
                return false;
        }
        return nobody_holds(act, job->name);
}

static void refuse_second(struct act *act, const struct run *active) {
        bool queued = active->machine.status == RUN_QUEUED;
        usec_t since = queued ? active->record.created_at : 0;
        char span[TIMESPAN_SIZE];

        act_fail(act, ERROR_KIND_ALREADY_RUNNING, data_of_run(active),
                 "wait for it, or start a second one with --force: %s is already %s: run %" PRId64 ", for %s",
                 active->record.job, queued ? "waiting to start" : "running", active->record.run_number,
                 format_timespan(span, queued ? now_realtime() - since : now_boottime() - active->started_boottime));
}

static void refuse_long_queue(struct act *act, const struct run *last, size_t waiting) {
        struct jval *data = data_of_run(last);

        jval_set_int(data, "waiting", (int64_t)waiting);
        act_fail(act, ERROR_KIND_ALREADY_RUNNING, data,
                 "wait until some have begun, or cancel some (see: batchctl status): %zu runs of %s wait already, and "
                 "no more than %d may",
                 waiting, last->record.job, STARTS_WAITING_MAX);
}

/* Whether the run may join those that are active; answers the request when it may not. */
static bool joins(struct act *act, const struct run *run) {
        struct engine *engine = act->engine;
        _cleanup_free_ struct run **runs = NULL;
        size_t n, other, waiting = starts_waiting(engine, run->record.job);
        _cleanup_free_ struct start_entry *entries = starts_entries(engine, &n, &runs);
        struct start_entry fresh = starts_entry(run);
        enum start_verdict verdict = start_decide(&fresh, entries, n, &other);

        if (verdict == START_REFUSED) {
                refuse_second(act, runs[other]);
                return false;
        }
        if (verdict == START_ENTERS && waiting >= STARTS_WAITING_MAX && other < n && fresh.group == 0) {
                refuse_long_queue(act, runs[other], waiting);
                return false;
        }
        return true;
}

/* Those that it takes the place of are on their way to their end: it begins behind them. */
static void replace_others(const struct run *run) {
        const struct start_entry fresh = starts_entry(run);

        for (struct run *other = run->engine->runs; other; other = other->next) {
                const struct start_entry entry = starts_entry(other);

                if (!other->ended && !other->backfill && start_replaces(&fresh, &entry))
                        run_cancel(other, REASON_REPLACED);
        }
}

static char **strings_of(const struct jval *array) {
        char **strings = NULL;

        for (size_t i = 0; i < jval_array_size(array); i++)
                strv_append(&strings, str_or(jval_str(jval_at(array, i)), ""));
        return strings;
}

static struct jval *options_of(struct run *run) {
        if (!run->record.options)
                run->record.options = jval_object();
        return run->record.options;
}

static void keep_gates_that_are_there(const struct run_plan *plan, char ***names) {
        char **kept = NULL;

        STRV_FOREACH (name, *names) {
                char *const one[] = {*name, NULL};

                if (gate_check_skipped(plan, one, NULL) == 0)
                        strv_append(&kept, *name);
        }
        strv_free(*names);
        *names = kept;
}

bool start_skip_gates(struct act *act, struct run *run) {
        _cleanup_strv_ char **names = strings_of(jval_get(act->params, "skip_gates")), **kept = NULL;
        _cleanup_free_ char *error = NULL;
        struct jval *skip;

        if (act->origin && act->origin->skips_gates_that_are_there)
                keep_gates_that_are_there(&run->plan, &names);
        if (gate_check_skipped(&run->plan, names, &error) < 0) {
                act_fail(act, ERROR_KIND_INVALID_PARAMS, data_with("parameter", "skip_gates"), "%s", error);
                return false;
        }
        if (!names)
                return true;
        skip = jval_array();
        /* Once each: what is kept is as small as the job's own gates. */
        STRV_FOREACH (name, names)
                if (!strv_contains(kept, *name)) {
                        strv_append(&kept, *name);
                        jval_add(skip, jval_string(*name));
                }
        jval_set(options_of(run), "skip_gates", skip);
        return true;
}

/* Fills plan and parameters; answers the request when they do not fit the job. */
static bool plan_run(struct act *act, struct run *run, struct job *job) {
        _cleanup_strv_ char **only = strings_of(jval_get(act->params, "steps"));
        _cleanup_free_ char *error = NULL, *parameter = NULL;
        const char *which = NULL;

        if (run_plan_make(&run->plan, job, jval_get_str(act->params, "mode"), only, &error, &which) < 0) {
                act_fail(act, ERROR_KIND_INVALID_PARAMS, data_with("parameter", which), "%s", error);
                return false;
        }
        if (parameters_check(job, jval_get(act->params, "params"), &run->record.parameters, &error, &parameter) < 0) {
                act_fail(act, ERROR_KIND_INVALID_PARAMS, data_with("parameter", parameter), "%s", error);
                return false;
        }
        if (run_check_items(run, &error) < 0) {
                act_fail(act, ERROR_KIND_INVALID_PARAMS, NULL, "%s", error);
                return false;
        }
        return start_skip_gates(act, run);
}

void start_fill_record(struct act *act, struct run *run) {
        struct run_record *record = &run->record;
        const struct job *job = run->plan.job;
        const char *trigger = jval_get_str(act->params, "triggered_by"), *due = jval_get_str(act->params, "due");
        const char *reason = jval_get_str(act->params, "reason");

        uuid_generate_text(record->run_id);
        record->run_number = act->engine->next_run_number;
        record->job = xstrdup(job->name);
        record->batch_type = xstrdup(job->type);
        record->batch_mode = xstrdup_or_null(run->plan.mode);
        record->triggered_by = trigger ? trigger_from_string(trigger) : TRIGGER_MANUAL;
        record->triggered_by_user = xstrdup_or_null(act->caller.on_behalf ? act->caller.on_behalf : act->caller.user);
        record->created_at = now_realtime();
        record->metrics = jval_object();
        record->warnings = jval_array();
        record->notes = jval_array();
        record->definition_hash = xstrdup(job->definition_hash);
        jval_set_str(options_of(run), "daemon_version", act->engine->config.version);
        if (jval_get_bool(act->params, "force", false))
                jval_set_bool(options_of(run), "force", true);
        /* It stands for no whole run of its job, but for the rest of the one that it goes on from. */
        if (jval_array_size(jval_get(act->params, "steps")) > 0 && record->triggered_by != TRIGGER_RETRY)
                jval_set_bool(options_of(run), "selected", true);
        if (act->origin) {
                record->retry_of = xstrdup_or_null(act->origin->retry_of);
                record->parent_run_id = xstrdup_or_null(act->origin->parent_run_id);
                if (act->origin->group != 0)
                        jval_set_int(options_of(run), "group", act->origin->group);
                if (act->origin->triggered_by_user) {
                        free(record->triggered_by_user);
                        record->triggered_by_user = xstrdup(act->origin->triggered_by_user);
                }
        }
        if (due)
                (void)parse_rfc3339(due, &record->due_at);
        if (reason)
                jval_add(record->notes, jval_stringn(reason, MIN(strlen(reason), (size_t)1000)));
}

/* A restarted daemon has to know the job as it was when the run began. */
static void keep_definition(struct engine *engine, struct job_entry *entry) {
        _cleanup_free_ char *key = NULL, *sources = NULL;

        if (entry->sources_kept || !entry->sources)
                return;
        sources = job_sources_to_json(entry->sources);
        key = xasprintf("definition/%s", entry->job->definition_hash);
        store_batch_put_setting(decisions_batch(engine), key, sources);
        entry->sources_kept = true;
}

static struct jval *answer_of(const struct run *run) {
        struct jval *result = jval_object();

        jval_set_int(result, "run_number", run->record.run_number);
        jval_set_str(result, "run_id", run->record.run_id);
        jval_set_str(result, "job", run->record.job);
        jval_set_str(result, "status", run_status_to_string(run->record.status));
        if (run->record.retry_of) {
                struct jval *steps = jval_array();

                for (size_t i = 0; i < run->plan.n_steps; i++)
                        jval_add(steps, jval_string(run->plan.steps[i].step->name));
                jval_set_str(result, "retry_of", run->record.retry_of);
                jval_set(result, "steps", steps);
        }
        run_set_wait(result, run);
        return result;
}

void start_append(struct run *run, struct job_entry *entry) {
        struct engine *engine = run->engine;
        struct run **link = &engine->runs;

        while (*link)
                link = &(*link)->next;
        *link = run;
        engine->n_runs++;
        engine->next_run_number++;
        if (entry)
                keep_definition(engine, entry);
        run_mark(run);
        events_run_added(run);
        starts_look(engine);
}

/* A run as the request wants it, which nobody knows of yet; NULL: the request has been answered. */
static struct run *make_run(struct act *act, struct job *job) {
        struct run *run = run_new(act->engine, NULL);
        uint64_t lines;
        int r;

        if (!plan_run(act, run, job)) {
                run_free(run);
                return NULL;
        }
        start_fill_record(act, run);
        if (!joins(act, run)) {
                run_free(run);
                return NULL;
        }
        r = run_prepare(run, &lines);
        if (r < 0) {
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL, "make %s writable, then try again: %s",
                         str_or(run->dir, act->engine->config.state_dir), strerror(-r));
                run_free(run);
                return NULL;
        }
        return run;
}

void start_run(struct act *act) {
        struct engine *engine = act->engine;
        bool has_job = act->origin && act->origin->job;
        struct job_entry *entry = has_job ? NULL : act_find_job(act, jval_get_str(act->params, "job"));
        struct job *job = has_job ? act->origin->job : entry ? entry->job : NULL;
        struct effects effects = {0};
        struct run *run;

        if (!job || !act_may_start(act, job))
                return;
        run = make_run(act, job);
        if (!run)
                return;
        replace_others(run);
        start_append(run, entry);
        run_prepare_records(run);
        if (act->origin && act->origin->outcomes)
                retry_items(run, act->origin, &effects);
        run_find_items(run, &effects);
        run_apply(run, &effects);
        starts_settle(engine);
        act_succeed(act, answer_of(run), run->record.run_id);
}

void engine_run_start(struct engine *engine, const struct jval *params, const struct caller *caller,
                      engine_answer_fn fn, void *user) {
        act_begin(engine, METHOD_RUN_START, params, caller, fn, user, start_run);
}

/* The job does what was asked for; its name is the protocol's. */
static void start_readiness(struct act *act) {
        static const char *const names[] = {"season", "week", "season_type"};
        struct jval *params = jval_object();

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (jval_get(act->params, names[i]))
                        jval_set(params, names[i], jval_ref(jval_get(act->params, names[i])));
        jval_set_str(act->params, "job", "data_readiness");
        jval_set(act->params, "params", params);
        start_run(act);
}

void engine_readiness_refresh(struct engine *engine, const struct jval *params, const struct caller *caller,
                              engine_answer_fn fn, void *user) {
        act_begin(engine, METHOD_READINESS_REFRESH, params, caller, fn, user, start_readiness);
}
