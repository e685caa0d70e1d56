/* run.show: a run with its steps and attempts, page by page. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "engine_internal.h"
#include "macro.h"
#include "selector.h"
#include "strutil.h"
#include "view.h"
#include "xalloc.h"

/* Of steps and of attempts. What is more, or does not fit a frame beside the run itself, is on the next page. */
#define PAGE_ROWS ((size_t)500)
#define PAGE_BYTES ((size_t)750 * 1024)

static size_t after_of(const struct question *question) {
        return (size_t)jval_get_int(question->params, "after", 0);
}

/* The task that an attempt on disk belongs to when it is that task's current one. */
static const struct task_run *task_of(struct run *run, const struct jval *attempt) {
        uint32_t index = run_machine_find(&run->machine, str_or(jval_get_str(attempt, "step_name"), ""),
                                          str_or(jval_get_str(attempt, "item"), ""));
        const struct task_run *task = index == TASK_NONE ? NULL : run->tasks[index];

        return task && task->record.attempt == jval_get_int(attempt, "attempt", 0) ? task : NULL;
}

/* What is on disk of the attempts that go on is older than what is known here. */
static void freshen_attempts(struct jval *attempts, struct run *run) {
        for (size_t k = 0; k < jval_array_size(attempts); k++) {
                struct jval *attempt = jval_at(attempts, k), *fresh;
                const struct task_run *task = task_of(run, attempt);

                if (!task)
                        continue;
                fresh = attempt_record_to_json(&task->record);
                for (void *m = jval_iter(fresh); m; m = jval_iter_next(fresh, m))
                        if (!streq(jval_iter_key(m), "output_log"))
                                jval_set(attempt, jval_iter_key(m), jval_ref(jval_iter_value(m)));
                jval_unref(fresh);
        }
}

static void show_active(struct jval *result, const struct run *run) {
        struct jval *record = run_record_to_json(&run->record);

        jval_set_str(record, "reason", reason_to_string(run_told_reason(run)));
        run_set_wait(record, run);
        jval_set(result, "run", record);
        jval_set(result, "progress", run_progress_json(run));
        run_set_position(result, run);
        jval_set_int(result, "last_seq", (int64_t)(run->ring->next_sequence - 1));
        if (run->plan.n_lists > 0)
                jval_set(result, "items", run_items_json(run));
}

static void show_ended(struct jval *result, const struct jval *found) {
        struct jval *progress = jval_object();

        jval_set_int(progress, "total", jval_get_int(found, "total", 0));
        jval_set_int(progress, "completed", jval_get_int(found, "completed", 0));
        jval_set_int(progress, "failed", jval_get_int(found, "failed", 0));
        jval_set_int(progress, "running", 0);
        jval_set_real(progress, "percent", 100.0);
        jval_set(result, "run", jval_ref(jval_get(found, "run")));
        jval_set(result, "progress", progress);
        jval_set_real(result, "elapsed_seconds", jval_get_real(jval_get(found, "run"), "duration_seconds", 0));
        jval_set_int(result, "last_seq", jval_get_int(found, "last_seq", 0));
}

static size_t weight(const struct jval *list, size_t i) {
        const struct jval *value = jval_at(list, i);
        _cleanup_free_ char *text = value ? jval_dump(value) : NULL;

        return text ? strlen(text) : 0;
}

/* How many steps, and as many attempts, fit into one answer; at least one. */
static size_t rows_that_fit(const struct jval *steps, const struct jval *attempts) {
        size_t n = MIN(MAX(jval_array_size(steps), jval_array_size(attempts)), PAGE_ROWS), bytes = 0;

        for (size_t i = 0; i < n; i++) {
                bytes += weight(steps, i) + weight(attempts, i);
                if (bytes > PAGE_BYTES && i > 0)
                        return i;
        }
        return n;
}

static struct jval *first_rows(const struct jval *list, size_t n) {
        struct jval *rows = jval_array();

        for (size_t i = 0; i < MIN(n, jval_array_size(list)); i++)
                jval_add(rows, jval_ref(jval_at(list, i)));
        return rows;
}

/* Both lists came with one row more than a page holds where there is one. */
static void set_page(struct jval *result, size_t after, const struct jval *steps, const struct jval *attempts) {
        size_t n = rows_that_fit(steps, attempts);

        jval_set(result, "steps", first_rows(steps, n));
        jval_set(result, "attempts", first_rows(attempts, n));
        if (jval_array_size(steps) > n || jval_array_size(attempts) > n)
                jval_set_int(result, "next", (int64_t)(after + n));
}

static void ask(void *user);

static void answered(int error, const char *error_text, struct jval *found, void *user) {
        struct question *question = user;
        struct jval *result, *attempts;
        struct run *run;

        if (error < 0) {
                question_fail_history(question, error, error_text, "there is no such run");
                return;
        }
        attempts = jval_get(found, "attempts");
        run = engine_find_run(question->engine, str_or(jval_get_str(jval_get(found, "run"), "run_id"), ""));
        /* While nothing can be recorded, what is recorded is told. */
        if (run && run->ended && store_trouble(question->engine->store))
                run = NULL;
        if (run && run->ended) {
                /* Decided and not yet durable: an end is told when it is. */
                jval_unref(found);
                decisions_after_commit(question->engine, ask, question);
                return;
        }
        result = jval_object();
        if (run) {
                _cleanup_jval_ struct jval *steps = run_steps_json(run, after_of(question), PAGE_ROWS + 1);

                freshen_attempts(attempts, run);
                show_active(result, run);
                set_page(result, after_of(question), steps, attempts);
        } else {
                show_ended(result, found);
                set_page(result, after_of(question), jval_get(found, "steps"), attempts);
        }
        if (jval_get(found, "children"))
                jval_set(result, "children", jval_ref(jval_get(found, "children")));
        jval_unref(found);
        question_answer(question, result);
}

static void ask(void *user) {
        struct question *question = user;
        _cleanup_free_ char *selector = selector_or_active(question->engine, question->params);
        int r = history_run_page(question->engine->history, selector, after_of(question), (unsigned)PAGE_ROWS + 1,
                                 answered, question);

        if (r < 0)
                question_fail_history(question, r, NULL, "run");
}

void engine_run_show(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        ask(question_new(engine, params, fn, user));
}
