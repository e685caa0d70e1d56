/* run.why: why a run waits, did not start, or ended as it did, in facts from the record and from what is active. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "alerts.h"
#include "answer.h"
#include "engine_internal.h"
#include "reason_text.h"
#include "selector.h"
#include "strutil.h"
#include "view.h"
#include "why.h"
#include "xalloc.h"

static void ask(void *user);

/* What was found is told as it is. */
static void take_members(struct jval *result, const struct jval *found) {
        static const char *const members[] = {"failures",     "failures_total", "failures_more", "skipped",
                                              "last_success", "changes",        "ended_by"};

        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                if (jval_has(found, members[i]))
                        jval_set(result, members[i], jval_ref(jval_get(found, members[i])));
}

static char *cancelled_text(const struct jval *run, const struct jval *found) {
        const struct jval *by = jval_get(found, "ended_by");
        const char *user = str_or(jval_get_str(by, "on_behalf"), jval_get_str(by, "user")),
                   *reason = jval_get_str(by, "reason");

        if (!user)
                return xasprintf("it was cancelled: %s",
                                 reason_meaning(reason_from_string(jval_get_str(run, "reason"))));
        return xasprintf("it was cancelled by %s%s%s", user, reason ? ": " : "", str_or(reason, ""));
}

/* One sentence of a run that has ended. */
static char *ended_text(const struct jval *run, const struct jval *found) {
        const char *error = jval_get_str(run, "error_message"), *said = jval_get_str(found, "condition_said");
        const char *meaning = reason_meaning(reason_from_string(jval_get_str(run, "reason")));
        enum run_status status = run_status_from_string(str_or(jval_get_str(run, "status"), ""));

        switch (status) {
        case RUN_SUCCESS:
                return xstrdup("it did all of its work");
        case RUN_PARTIAL:
                return error ? xasprintf("it went on, but %s", error) : xstrdup("it did its work, and warned");
        case RUN_FAILED:
                return xstrdup(error ? error : meaning);
        case RUN_CANCELLED:
                return cancelled_text(run, found);
        case RUN_SKIPPED:
                return said ? xasprintf("it was skipped, its condition said: %s", said)
                            : xasprintf("it was skipped: %s", meaning);
        case RUN_QUEUED:
        case RUN_RUNNING:
        case _RUN_STATUS_MAX:
        case _RUN_STATUS_INVALID:
                break;
        }
        /* Recorded as active, and nobody has it: the next start of the daemon settles it. */
        return xstrdup("it is recorded as active");
}

static char *active_text(const struct run *run, const struct jval *facts) {
        const char *first = jval_get_str(jval_at(facts, 0), "text");
        _cleanup_jval_ struct jval *progress = run_progress_json(run);

        if (run->machine.status == RUN_QUEUED)
                return xstrdup(str_or(first, "it is queued"));
        return xasprintf("it runs: %" PRId64 " of %" PRId64 " done, %" PRId64 " failed",
                         jval_get_int(progress, "completed", 0), jval_get_int(progress, "total", 0),
                         jval_get_int(progress, "failed", 0));
}

/* What makes a start impossible now; a file that is wrong does only where no good version is in force. */
static const char *hold_text(const struct jval *facts) {
        static const char *const holds[] = {"gone", "broken", "drained", "paused", "unavailable"};

        for (size_t i = 0; i < jval_array_size(facts); i++)
                for (size_t k = 0; k < ELEMENTSOF(holds); k++)
                        if (streq_null(jval_get_str(jval_at(facts, i), "kind"), holds[k]) &&
                            !jval_get_bool(jval_at(facts, i), "in_force", false))
                                return jval_get_str(jval_at(facts, i), "text");
        return NULL;
}

/* Of a job that does not run: what holds it, or else its last run's fate. */
static char *idle_text(const struct jval *facts, const struct jval *run, const struct jval *found) {
        const char *hold = hold_text(facts);
        _cleanup_free_ char *ended = NULL;

        if (hold)
                return xasprintf("it does not run: %s", hold);
        if (!run)
                return xstrdup("it has never run");
        ended = ended_text(run, found);
        return xasprintf("it does not run now; of its latest run: %s", ended);
}

static void tell_alerts(struct jval *facts, const struct engine *engine, int64_t run_number) {
        _cleanup_jval_ struct jval *alerts = alerts_json(engine->alerts);

        why_tell_alerts(facts, alerts, run_number);
}

static struct jval *tell(struct question *question, const struct jval *found, const struct run *active) {
        struct jval *result = jval_object(), *facts = jval_array(), *next = jval_array(), *run = NULL;
        const char *job = jval_get_str(question->params, "job");
        _cleanup_free_ char *summary = NULL;

        if (active)
                run = run_record_to_json(&active->record);
        else if (jval_is_object(jval_get(found, "run")))
                run = jval_ref(jval_get(found, "run"));
        if (active) {
                why_tell_active(facts, next, active);
                summary = active_text(active, facts);
        } else {
                if (job) {
                        why_tell_job(facts, next, question->engine, job);
                        why_tell_due_times(facts, jval_get(found, "due_times"));
                }
                summary = job ? idle_text(facts, run, found) : ended_text(run, found);
                if (run)
                        why_tell_next(next, question->engine, run, found);
                else if (job)
                        why_add_next(next, "start it", "batchctl run %s", job);
        }
        if (run && !streq_null(jval_get_str(run, "status"), "success"))
                why_tell_warnings(facts, jval_get(run, "warnings"));
        if (run && !active)
                tell_alerts(facts, question->engine, jval_get_int(run, "run_number", 0));
        if (run)
                why_tell_children(facts, next, question->engine, run, jval_get(found, "children"));
        jval_set_str(result, "job", job ? job : jval_get_str(run, "job"));
        jval_set_str(result, "state", job && !active ? "idle" : jval_get_str(run, "status"));
        jval_set_str(result, "summary", summary);
        jval_set(result, "run", run ? run : jval_null());
        jval_set(result, "facts", facts);
        take_members(result, found);
        jval_set(result, "next", next);
        return result;
}

static void answered(int error, const char *error_text, struct jval *found, void *user) {
        struct question *question = user;
        const char *run_id = jval_get_str(jval_get(found, "run"), "run_id");
        const struct run *active = run_id ? engine_find_run(question->engine, run_id) : NULL;
        struct jval *result;

        if (error < 0) {
                question_fail_history(question, error, error_text, "there is no such run");
                return;
        }
        /* While nothing can be recorded, what is recorded is told. */
        if (active && active->ended && store_trouble(question->engine->store))
                active = NULL;
        if (active && active->ended) {
                /* Decided and not yet durable: an end is told when it is. */
                (void)jval_unref(found);
                decisions_after_commit(question->engine, ask, question);
                return;
        }
        result = tell(question, found, active);
        (void)jval_unref(found);
        question_answer(question, result);
}

static void ask(void *user) {
        struct question *question = user;
        struct engine *engine = question->engine;
        const char *job = jval_get_str(question->params, "job");
        const struct run *active = job ? engine_active_run(engine, job) : NULL;
        _cleanup_free_ char *selector = active ? xstrdup(active->record.run_id)
                                        : job  ? NULL
                                               : selector_or_active(engine, question->params);
        int r = history_run_why(engine->history, selector, job, answered, question);

        if (r < 0)
                question_fail_history(question, r, NULL, "run");
}

void engine_run_why(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        struct question *question = question_new(engine, params, fn, user);
        const char *job = jval_get_str(params, "job");
        const char *near =
                job && !job_registry_find(&engine->jobs, job) ? job_registry_suggest(&engine->jobs, job) : NULL;

        if (job && jval_has(params, "run")) {
                question_fail(question, ERROR_KIND_INVALID_PARAMS, "give a run or a job, not both");
                return;
        }
        if (job && !job_registry_find(&engine->jobs, job)) {
                question_fail(question, ERROR_KIND_NOT_FOUND, "there is no job %s%s%s%s", job,
                              near ? "; did you mean " : "; see: batchctl list", str_or(near, ""), near ? "?" : "");
                return;
        }
        ask(question);
}
