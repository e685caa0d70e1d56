/* What keeps a job from running, and what there is to be done about a run that has ended. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "breaker_set.h"
#include "deadlines.h"
#include "engine_internal.h"
#include "pause.h"
#include "reason_text.h"
#include "scheduler.h"
#include "strutil.h"
#include "why.h"
#include "why_record.h"
#include "xalloc.h"

#define WARNINGS_SHOWN 5

static void tell_held(struct jval *facts, const char *kind, const char *what, const struct jval *said) {
        static const char *const members[] = {"since", "until", "by", "reason"};
        const char *by = jval_get_str(said, "by"), *reason = jval_get_str(said, "reason");
        struct jval *fact = why_add_fact(facts, kind, "%s%s%s%s%s", what, by ? " by " : "", str_or(by, ""),
                                         reason ? ": " : "", str_or(reason, ""));

        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                if (jval_get_str(said, members[i]))
                        jval_set(fact, members[i], jval_ref(jval_get(said, members[i])));
}

static void tell_breakers(struct jval *facts, struct jval *next, const struct engine *engine, const struct job *job) {
        for (size_t i = 0; job && i < job->n_steps; i++) {
                const char *step = job->steps[i].name;
                _cleanup_jval_ struct jval *breaker = breaker_json(engine, job->name, step);
                const char *state = str_or(jval_get_str(breaker, "state"), "closed");
                struct jval *fact;

                if (streq(state, "closed"))
                        continue;
                fact = why_add_fact(facts, "breaker",
                                    "step %s is not tried, its breaker is %s after %" PRId64 " failures: %s", step,
                                    state, jval_get_int(breaker, "failures", 0),
                                    str_or(jval_get_str(breaker, "error"), "no reason given"));
                jval_set_str(fact, "step_name", step);
                jval_set(fact, "since", jval_ref(jval_get(breaker, "opened_at")));
                jval_set(fact, "until", jval_ref(jval_get(breaker, "until")));
                why_add_next(next, "let the step be tried at once", "batchctl reset %s %s", job->name, step);
        }
}

/* What would start the job: its schedule, another job; and by when it must have succeeded. */
static void tell_starters(struct jval *facts, struct jval *next, struct engine *engine, const struct job *job) {
        usec_t due = scheduler_next_due(engine->scheduler, job->name),
               deadline = deadlines_next(engine->deadlines, job->name);

        for (size_t i = 0; i < job->after_jobs.count; i++) {
                const char *other = job->after_jobs.items[i].name;
                const struct run *active = engine_active_run(engine, other);

                if (active)
                        (void)why_add_fact(facts, "after_job",
                                           "a success of %s starts it, whose run %" PRId64 " is active", other,
                                           active->record.run_number);
                else
                        (void)why_add_fact(facts, "after_job", "a success of %s starts it, which does not run", other);
                why_add_next(next, "see why the job before it did not succeed, or how far it is", "batchctl why %s",
                             other);
        }
        if (due > 0)
                jval_set_time(why_add_fact(facts, "scheduled", "its schedule starts it next"), "due_at", due);
        else if (job->after_jobs.count == 0)
                (void)why_add_fact(facts, "unscheduled", "nothing of its own starts it: %s",
                                   job->on_calendar.count > 0 ? "no time of its OnCalendar= is to come"
                                                              : "its file has neither OnCalendar= nor AfterJob=");
        if (deadline > 0)
                jval_set_time(why_add_fact(facts, "deadline", "it must have succeeded by its Deadline="), "due_at",
                              deadline);
}

void why_tell_job(struct jval *facts, struct jval *next, struct engine *engine, const char *job) {
        const struct job_entry *entry = job_registry_find(&engine->jobs, job);
        const struct jval *pause = pause_of_job(engine, job), *drain = engine_drain_of(engine);
        const char *trouble = store_trouble(engine->store);

        if (!entry) {
                (void)why_add_fact(facts, "gone", "there is no job file of that name any more");
                return;
        }
        if (entry->broken) {
                struct jval *fact =
                        why_add_fact(facts, "broken",
                                     entry->job ? "its job file is wrong, the last good version is in force: %s"
                                                : "its job file is wrong, so that it cannot run: %s",
                                     entry->broken);

                jval_set_bool(fact, "in_force", entry->job != NULL);
                why_add_next(next, "read the job files again when it is mended", "batchctl reload");
        }
        if (drain) {
                tell_held(facts, "drained", "the daemon starts nothing new: drained", drain);
                why_add_next(next, "let jobs start again", "batchctl drain --off");
        }
        if (pause) {
                tell_held(facts, "paused", "the job is paused", pause);
                why_add_next(next, "end the pause", "batchctl resume %s", job);
        }
        if (trouble)
                (void)why_add_fact(facts, "unavailable", "nothing can be started, state.db cannot be written: %s",
                                   trouble);
        tell_breakers(facts, next, engine, entry->job);
        if (entry->job)
                tell_starters(facts, next, engine, entry->job);
}

void why_tell_due_times(struct jval *facts, const struct jval *due_times) {
        for (size_t i = 0; i < jval_array_size(due_times); i++) {
                const struct jval *due = jval_at(due_times, i);
                const char *outcome = str_or(jval_get_str(due, "outcome"), ""), *reason = jval_get_str(due, "reason");
                const char *meaning = due_reason_meaning(reason);
                struct jval *fact;

                if (streq(outcome, due_outcome_to_string(DUE_RAN)))
                        continue;
                fact = why_add_fact(facts, "due_time", "a due time %s%s%s",
                                    streq(outcome, due_outcome_to_string(DUE_RAN_LATE)) ? "was run late"
                                    : streq(outcome, due_outcome_to_string(DUE_MISSED)) ? "was missed"
                                                                                        : "was skipped",
                                    reason ? ": " : "", reason ? str_or(meaning, reason) : "");
                jval_set(fact, "due_at", jval_ref(jval_get(due, "due_at")));
                jval_set_str(fact, "outcome", outcome);
                jval_set_str(fact, "reason", reason);
                if (jval_has(due, "run_number"))
                        jval_set(fact, "run_number", jval_ref(jval_get(due, "run_number")));
        }
}

void why_tell_children(struct jval *facts, struct jval *next, const struct engine *engine, const struct jval *run,
                       const struct jval *children) {
        const char *run_id = str_or(jval_get_str(run, "run_id"), "");

        for (const struct run *child = engine->runs; child; child = child->next)
                if (!child->ended && streq_null(child->record.parent_run_id, run_id))
                        jval_set_int(why_add_fact(facts, "child", "its run %" PRId64 " is %s", child->record.run_number,
                                                  run_status_to_string(child->record.status)),
                                     "run_number", child->record.run_number);
        for (size_t i = 0; i < jval_array_size(children); i++) {
                const struct jval *child = jval_at(children, i);
                const char *error = jval_get_str(child, "error_message");
                _cleanup_free_ char *value = jval_dump(jval_get(child, "parameters"));
                int64_t number = jval_get_int(child, "run_number", 0);

                jval_set_int(why_add_fact(facts, "child", "its run %" PRId64 " %s ended %s%s%s", number, value,
                                          str_or(jval_get_str(child, "status"), "?"), error ? ": " : "",
                                          str_or(error, "")),
                             "run_number", number);
                if (i == 0)
                        why_add_next(next, "see why the first of them did", "batchctl why %" PRId64, number);
        }
}

/* "step odds (KC) warned, stale: the prices are a day old" */
static void tell_warning(struct jval *facts, const struct jval *warning) {
        const char *step = jval_get_str(warning, "step"), *item = str_or(jval_get_str(warning, "item"), "");
        _cleanup_free_ char *who =
                step ? xasprintf("step %s%s%s%s", step, item[0] ? " (" : "", item, item[0] ? ")" : "")
                     : xstrdup("the daemon");
        struct jval *fact = why_add_fact(facts, "warning", "%s warned, %s: %s", who,
                                         str_or(jval_get_str(warning, "category"), "general"),
                                         str_or(jval_get_str(warning, "text"), ""));

        jval_set_str(fact, "category", jval_get_str(warning, "category"));
        jval_set_str(fact, "step_name", step);
        jval_set_str(fact, "item", item);
}

void why_tell_warnings(struct jval *facts, const struct jval *warnings) {
        size_t n = jval_array_size(warnings);

        for (size_t i = 0; i < MIN(n, (size_t)WARNINGS_SHOWN); i++)
                tell_warning(facts, jval_at(warnings, i));
        if (n > WARNINGS_SHOWN)
                (void)why_add_fact(facts, "more", "%zu more warnings are not shown", n - WARNINGS_SHOWN);
}

void why_tell_alerts(struct jval *facts, const struct jval *alerts, int64_t run_number) {
        const struct jval *list = jval_get(alerts, "alerts"), *waiting = jval_get(alerts, "waiting");
        struct jval *fact;

        for (size_t i = 0; i < jval_array_size(waiting); i++) {
                const struct jval *message = jval_at(waiting, i);
                const char *error = jval_get_str(message, "error");

                if (jval_get_int(message, "run_number", 0) != run_number)
                        continue;
                fact = why_add_fact(facts, "alert", "alert %s has not told of its %s yet%s%s",
                                    str_or(jval_get_str(message, "alert"), ""),
                                    str_or(jval_get_str(message, "event"), "end"), error ? ": " : "",
                                    str_or(error, ""));
                jval_set_str(fact, "alert", jval_get_str(message, "alert"));
                jval_set(fact, "until", jval_ref(jval_get(message, "next_attempt_at")));
        }
        for (size_t i = 0; i < jval_array_size(list); i++) {
                const struct jval *alert = jval_at(list, i);
                const char *error = jval_get_str(alert, "last_error");

                if (!error || jval_get_int(alert, "last_run_number", 0) != run_number)
                        continue;
                fact = why_add_fact(facts, "alert", "alert %s could not tell of its %s: %s",
                                    str_or(jval_get_str(alert, "alert"), ""),
                                    str_or(jval_get_str(alert, "last_event"), "end"), error);
                jval_set_str(fact, "alert", jval_get_str(alert, "alert"));
        }
}

/* The command that starts such a run again: its mode, and the parameters that the job would not choose itself. */
static char *run_command(const struct engine *engine, const struct jval *run) {
        const char *job = str_or(jval_get_str(run, "job"), ""), *mode = jval_get_str(run, "batch_mode");
        const struct job_entry *entry = job_registry_find(&engine->jobs, job);
        const struct jval *parameters = jval_get(run, "parameters");
        struct buf command = BUF_INIT(65536);

        (void)buf_appendf(&command, "batchctl run %s", job);
        if (mode && !(entry && entry->job && streq_null(entry->job->default_mode, mode)))
                (void)buf_appendf(&command, " -m %s", mode);
        for (void *i = jval_is_object(parameters) ? jval_iter(parameters) : NULL; i;
             i = jval_iter_next(parameters, i)) {
                const char *name = jval_iter_key(i);
                const struct parameter *parameter = entry && entry->job ? job_find_parameter(entry->job, name) : NULL;
                _cleanup_free_ char *value = parameter_text(parameters, name), *word = NULL, *assignment = NULL;

                if (!value || (parameter && streq_null(parameter->default_value, value)))
                        continue;
                assignment = xasprintf("%s=%s", name, value);
                word = shell_word(assignment);
                (void)buf_appendf(&command, " -p %s", word);
        }
        return buf_steal(&command);
}

static void tell_logs(struct jval *next, int64_t number, const struct jval *failure) {
        const char *name = str_or(jval_get_str(failure, "step_name"), ""),
                   *item = str_or(jval_get_str(failure, "item"), "");
        /* What a step inside of it printed is in the log of the step. */
        _cleanup_free_ char *step = xstrndup(name, strcspn(name, "/"));
        _cleanup_free_ char *step_word = shell_word(step), *item_word = shell_word(item);

        why_add_next(next, "read all that the step printed", "batchctl logs %" PRId64 " %s%s%s", number, step_word,
                     item[0] ? " -i " : "", item[0] ? item_word : "");
}

/* A retry of a run whose job has changed since has to be forced. */
static void tell_retry(struct jval *next, const struct engine *engine, const struct jval *run) {
        const struct job_entry *entry = job_registry_find(&engine->jobs, str_or(jval_get_str(run, "job"), ""));
        bool changed =
                entry && entry->job && !streq_null(entry->job->definition_hash, jval_get_str(run, "definition_hash"));

        why_add_next(next,
                     changed ? "go on where it failed, with its parameters, though the job has changed since"
                             : "go on where it failed, with its parameters",
                     "batchctl retry %" PRId64 "%s", jval_get_int(run, "run_number", 0), changed ? " --force" : "");
}

void why_tell_next(struct jval *next, const struct engine *engine, const struct jval *run, const struct jval *found) {
        const struct jval *failure = jval_at(jval_get(found, "failures"), 0);
        enum run_status status = run_status_from_string(str_or(jval_get_str(run, "status"), ""));
        int64_t number = jval_get_int(run, "run_number", 0);
        _cleanup_free_ char *command = NULL;
        const char *advice;
        enum reason reason;

        if (status == RUN_SUCCESS || status == RUN_SKIPPED)
                return;
        if (failure)
                tell_logs(next, number, failure);
        if (status == RUN_PARTIAL && !failure) {
                why_add_next(next, "read its warnings", "batchctl status %" PRId64, number);
                return;
        }
        if (failure)
                tell_retry(next, engine, run);
        command = run_command(engine, run);
        reason = reason_from_string(jval_get_str(failure ? failure : run, "reason"));
        advice = reason_advice(reason);
        if (reason == REASON_BREAKER)
                why_add_next(next, advice, "batchctl reset %s %s", str_or(jval_get_str(run, "job"), ""),
                             str_or(jval_get_str(failure, "step_name"), ""));
        else if (reason == REASON_GATE)
                why_add_next(next, advice, "%s --skip-gate coverage", command);
        else
                why_add_next(next, str_or(advice, "run it again"), "%s", command);
}
