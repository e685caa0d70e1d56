/* run.current, run.list, run.show, log.read. */
#include <errno.h>
#include <stdlib.h>

#include "answer.h"
#include "engine_internal.h"
#include "selector.h"
#include "strutil.h"
#include "view.h"
#include "xalloc.h"

/* run.show stays well below a frame: a run of very many attempts is cut, and says so. */
#define ATTEMPTS_SHOWN 500

void engine_run_current(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        const char *job = jval_get_str(params, "job");
        struct jval *result = jval_object(), *runs = jval_array();

        for (const struct run *run = engine->runs; run; run = run->next)
                if (!run->ended && (!job || streq(run->record.job, job)))
                        jval_add(runs, run_current_json(run));
        jval_set(result, "runs", runs);
        fn(NULL, result, user);
}

static usec_t time_member(const struct jval *params, const char *key) {
        const char *text = jval_get_str(params, key);
        usec_t value = 0;

        if (text)
                (void)parse_rfc3339(text, &value);
        return value;
}

/* Strings are borrowed from params. */
static struct run_filter filter_of(const struct jval *params) {
        return (struct run_filter){
                .job = (char *)(uintptr_t)jval_get_str(params, "job"),
                .type = (char *)(uintptr_t)jval_get_str(params, "type"),
                .mode = (char *)(uintptr_t)jval_get_str(params, "mode"),
                .status = (char *)(uintptr_t)jval_get_str(params, "status"),
                .triggered_by = (char *)(uintptr_t)jval_get_str(params, "triggered_by"),
                .params = jval_get(params, "params"),
                .since = time_member(params, "since"),
                .until = time_member(params, "until"),
                .before = jval_get_int(params, "before", 0),
                .limit = (unsigned)jval_get_int(params, "limit", 50),
        };
}

static void answer_as_it_is(int error, const char *error_text, struct jval *answer, void *user) {
        struct question *question = user;

        if (error < 0)
                question_fail_history(question, error, error_text, "there is no such run");
        else
                question_answer(question, answer);
}

void engine_run_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        struct question *question = question_new(engine, params, fn, user);
        struct run_filter filter = filter_of(question->params);
        int r = history_run_list(engine->history, &filter, answer_as_it_is, question);

        if (r < 0)
                question_fail_history(question, r, NULL, "runs");
}

static bool same_step(const struct jval *a, const struct jval *b) {
        return streq_null(jval_get_str(a, "step_name"), jval_get_str(b, "step_name")) &&
               streq_null(jval_get_str(a, "item"), jval_get_str(b, "item"));
}

static struct jval *step_of_attempt(const struct jval *attempt) {
        struct jval *step = jval_deep_copy(attempt);
        int64_t number = jval_get_int(attempt, "attempt", 1);
        bool begun = jval_get_str(attempt, "started_at") != NULL;

        if (!begun && number == 1)
                jval_set_int(step, "attempt", 0);
        jval_set_int(step, "attempts", begun ? number : number - 1);
        return step;
}

/* One object a step: its latest attempt. Attempts come in the order of step, item, attempt. */
static struct jval *steps_of_attempts(const struct jval *attempts) {
        struct jval *steps = jval_array();

        for (size_t i = 0; i < jval_array_size(attempts); i++) {
                const struct jval *attempt = jval_at(attempts, i), *next = jval_at(attempts, i + 1);

                if (!next || !same_step(attempt, next))
                        jval_add(steps, step_of_attempt(attempt));
        }
        return steps;
}

static struct jval *progress_of_steps(const struct jval *steps, bool running) {
        struct jval *progress = jval_object();
        int64_t total = (int64_t)jval_array_size(steps), completed = 0, failed = 0;

        for (size_t i = 0; i < jval_array_size(steps); i++) {
                enum step_status status =
                        step_status_from_string(str_or(jval_get_str(jval_at(steps, i), "status"), ""));

                completed += (int)status >= 0 && step_status_is_final(status);
                failed += status == STEP_FAILED;
        }
        jval_set_int(progress, "total", total);
        jval_set_int(progress, "completed", completed);
        jval_set_int(progress, "failed", failed);
        jval_set_int(progress, "running", 0);
        jval_set_real(progress, "percent", !running ? 100.0 : total ? 100.0 * (double)completed / (double)total : 0.0);
        return progress;
}

/* Only those that began; what they printed is read with run.tail and log.read. */
static struct jval *begun_attempts(const struct jval *attempts, bool *ret_truncated) {
        struct jval *begun = jval_array();

        for (size_t i = 0; i < jval_array_size(attempts); i++) {
                struct jval *attempt = jval_at(attempts, i);

                jval_remove(attempt, "output_log");
                if (!jval_get_str(attempt, "started_at"))
                        continue;
                if (jval_array_size(begun) == ATTEMPTS_SHOWN) {
                        *ret_truncated = true;
                        break;
                }
                jval_add(begun, jval_ref(attempt));
        }
        return begun;
}

static void show_ended(struct jval *result, const struct jval *found, const struct jval *attempts) {
        struct jval *steps = steps_of_attempts(attempts);

        jval_set(result, "run", jval_ref(jval_get(found, "run")));
        jval_set(result, "progress", progress_of_steps(steps, false));
        jval_set_real(result, "elapsed_seconds", jval_get_real(jval_get(found, "run"), "duration_seconds", 0));
        jval_set_int(result, "last_seq", jval_get_int(found, "last_seq", 0));
        jval_set(result, "steps", steps);
}

/* The task that an attempt on disk belongs to when it is that task's current one. Both come in the order of the plan,
 * so the search begins where the last one ended. */
static const struct task_run *task_of(const struct run *run, const struct jval *attempt, size_t *hint) {
        const char *step = str_or(jval_get_str(attempt, "step_name"), ""),
                   *item = str_or(jval_get_str(attempt, "item"), "");

        for (size_t n = 0; n < run->machine.n_tasks; n++) {
                size_t i = (*hint + n) % run->machine.n_tasks;
                const struct attempt_record *record = &run->tasks[i]->record;

                if (!streq(record->step_name, step) || !streq(record->item, item))
                        continue;
                *hint = i;
                return record->attempt == jval_get_int(attempt, "attempt", 0) ? run->tasks[i] : NULL;
        }
        return NULL;
}

/* What is on disk of the attempts that go on is older than what is known here. */
static void freshen_attempts(struct jval *attempts, const struct run *run) {
        size_t hint = 0;

        for (size_t k = 0; k < jval_array_size(attempts); k++) {
                struct jval *attempt = jval_at(attempts, k), *fresh;
                const struct task_run *task = task_of(run, attempt, &hint);

                if (!task)
                        continue;
                fresh = attempt_record_to_json(&task->record);
                for (void *m = jval_iter(fresh); m; m = jval_iter_next(fresh, m))
                        jval_set(attempt, jval_iter_key(m), jval_ref(jval_iter_value(m)));
                jval_unref(fresh);
        }
}

static void show_active(struct jval *result, const struct run *run) {
        struct jval *record = run_record_to_json(&run->record);

        run_set_wait(record, run);
        jval_set(result, "run", record);
        jval_set(result, "progress", run_progress_json(run));
        run_set_position(result, run);
        jval_set_int(result, "last_seq", (int64_t)(run->ring->next_sequence - 1));
        jval_set(result, "steps", run_steps_json(run));
}

static void ask_again(void *user);

static void show_run(int error, const char *error_text, struct jval *found, void *user) {
        struct question *question = user;
        struct jval *result, *attempts;
        const struct run *run;
        bool truncated = false;

        if (error < 0) {
                question_fail_history(question, error, error_text, "there is no such run");
                return;
        }
        attempts = jval_get(found, "steps");
        run = engine_find_run(question->engine, str_or(jval_get_str(jval_get(found, "run"), "run_id"), ""));
        /* While nothing can be recorded, what is recorded is told. */
        if (run && run->ended && store_trouble(question->engine->store))
                run = NULL;
        if (run && run->ended) {
                /* Decided and not yet durable: an end is told when it is. */
                jval_unref(found);
                decisions_after_commit(question->engine, ask_again, question);
                return;
        }
        if (run)
                freshen_attempts(attempts, run);
        result = jval_object();
        jval_set(result, "attempts", begun_attempts(attempts, &truncated));
        if (run)
                show_active(result, run);
        else
                show_ended(result, found, attempts);
        if (truncated)
                jval_set_bool(result, "truncated", true);
        jval_unref(found);
        question_answer(question, result);
}

static void ask_again(void *user) {
        struct question *question = user;
        _cleanup_free_ char *selector = selector_or_active(question->engine, question->params);
        int r = history_run_show(question->engine->history, selector, NULL, show_run, question);

        if (r < 0)
                question_fail_history(question, r, NULL, "run");
}

void engine_run_show(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        ask_again(question_new(engine, params, fn, user));
}

void engine_log_read(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        struct question *question = question_new(engine, params, fn, user);
        _cleanup_free_ char *selector = selector_or_active(engine, question->params);
        bool base64 = streq_null(jval_get_str(params, "encoding"), "base64");
        int64_t offset = jval_get_int(params, "offset", 0), limit = jval_get_int(params, "limit", 131072);
        int r;

        if (offset < 0 || limit < 1) {
                question_fail(question, ERROR_KIND_INVALID_PARAMS, "offset is 0 or more, limit is 1 to 131072");
                return;
        }
        r = history_log_read(engine->history, selector, jval_get_str(params, "step"), jval_get_str(params, "item"),
                             (int)jval_get_int(params, "attempt", 0), (uint64_t)offset, (uint64_t)limit, base64,
                             answer_as_it_is, question);
        if (r < 0)
                question_fail_history(question, r, NULL, "log");
}
