#include "history.h"

#include <errno.h>
#include <stdlib.h>

#include "errortext.h"
#include "history_internal.h"
#include "store_internal.h"
#include "xalloc.h"

/* Lives until it is closed and the last question has come back. */
struct history {
        unsigned references;
        bool closed;
        struct reader *reader;
};

static void history_unref(struct history *history) {
        if (--history->references == 0)
                free(history);
}

int history_open(struct history **ret, struct loop *loop, struct store *store, char **ret_error) {
        struct history *history = NEW(struct history);

        history->references = 1;
        history->reader = store_reader(store);
        *ret = history;
        return 0;
}

struct history *history_close(struct history *history) {
        if (history) {
                history->closed = true;
                history_unref(history);
        }
        return NULL;
}

static void question_free(struct question *question) {
        free(question->filter.job);
        free(question->filter.type);
        free(question->filter.mode);
        free(question->filter.status);
        free(question->filter.triggered_by);
        free(question->params_text);
        free(question->selector);
        free(question->job);
        free(question->step);
        free(question->item);
        free(question->run_id);
        free(question->request_id);
        if (question->chore)
                chore_free(question->chore);
        free(question->error_text);
        (void)jval_unref(question->answer);
        history_unref(question->history);
        free(question);
}

static bool question_work(struct reader_task *task, sqlite3 *db, const char *state_dir) {
        struct question *question = CONTAINER_OF(task, struct question, task);

        question->error = question->ask(question, db, state_dir, &question->answer, &question->error_text);
        return !task->is_chore || question->error != -EINPROGRESS;
}

static void question_answered(struct reader_task *task) {
        struct question *question = CONTAINER_OF(task, struct question, task);

        if (!question->history->closed && question->fn)
                question->fn(question->error, question->error_text, STEAL_PTR(question->answer), question->user);
        question_free(question);
}

static void question_release(struct reader_task *task) {
        question_free(CONTAINER_OF(task, struct question, task));
}

static struct question *question_new(struct history *history, question_fn ask, history_fn fn, void *user) {
        struct question *question = NEW(struct question);

        question->task =
                (struct reader_task){.work = question_work, .done = question_answered, .release = question_release};
        question->history = history;
        history->references++;
        question->ask = ask;
        question->fn = fn;
        question->user = user;
        return question;
}

/* What is done in slices: files are made away with, thousands of them perhaps, and nobody waits. */
static struct question *chore_new(struct history *history, question_fn ask, history_fn fn, void *user) {
        struct question *question = question_new(history, ask, fn, user);

        question->task.is_chore = true;
        question->chore = NEW(struct chore);
        *question->chore = (struct chore){0};
        return question;
}

static int submit(struct question *question) {
        int r = reader_submit(question->history->reader, &question->task);

        if (r < 0)
                question_free(question);
        return r;
}

int history_run_list(struct history *history, const struct run_filter *filter, history_fn fn, void *user) {
        struct question *question = question_new(history, ask_run_list, fn, user);

        question->filter = *filter;
        question->filter.job = xstrdup_or_null(filter->job);
        question->filter.type = xstrdup_or_null(filter->type);
        question->filter.mode = xstrdup_or_null(filter->mode);
        question->filter.status = xstrdup_or_null(filter->status);
        question->filter.triggered_by = xstrdup_or_null(filter->triggered_by);
        question->filter.params = NULL;
        question->params_text = filter->params ? jval_dump(filter->params) : NULL;
        return submit(question);
}

int history_run_show(struct history *history, const char *selector, const char *job, history_fn fn, void *user) {
        struct question *question = question_new(history, ask_run_show, fn, user);

        question->selector = xstrdup_or_null(selector);
        question->job = xstrdup_or_null(job);
        return submit(question);
}

static int submit_selector(struct history *history, question_fn ask, const char *selector, history_fn fn, void *user) {
        struct question *question = question_new(history, ask, fn, user);

        question->selector = xstrdup_or_null(selector);
        return submit(question);
}

int history_run_summary(struct history *history, const char *selector, history_fn fn, void *user) {
        return submit_selector(history, ask_run_summary, selector, fn, user);
}

int history_run_quality(struct history *history, const char *selector, history_fn fn, void *user) {
        return submit_selector(history, ask_run_quality, selector, fn, user);
}

int history_run_why(struct history *history, const char *selector, const char *job, history_fn fn, void *user) {
        struct question *question = question_new(history, ask_run_why, fn, user);

        question->selector = xstrdup_or_null(selector);
        question->job = xstrdup_or_null(job);
        return submit(question);
}

int history_job_health(struct history *history, const struct jval *filter, history_fn fn, void *user) {
        struct question *question = question_new(history, ask_job_health, fn, user);

        question->params_text = jval_dump(filter);
        return submit(question);
}

int history_step_list(struct history *history, const struct jval *filter, history_fn fn, void *user) {
        struct question *question = question_new(
                history, jval_get_bool(filter, "group", false) ? ask_step_counts : ask_step_list, fn, user);

        question->params_text = jval_dump(filter);
        return submit(question);
}

int history_audit_list(struct history *history, const char *run, const struct jval *filter, history_fn fn, void *user) {
        struct question *question = question_new(history, ask_audit_list, fn, user);

        question->selector = xstrdup_or_null(run);
        question->params_text = jval_dump(filter);
        return submit(question);
}

int history_run_page(struct history *history, const char *selector, size_t after, unsigned limit, history_fn fn,
                     void *user) {
        struct question *question = question_new(history, ask_run_page, fn, user);

        question->selector = xstrdup_or_null(selector);
        question->offset = after;
        question->limit = limit;
        return submit(question);
}

int history_run_lines(struct history *history, const char *run_id, uint64_t after, unsigned last_lines, unsigned limit,
                      history_fn fn, void *user) {
        struct question *question = question_new(history, ask_run_lines, fn, user);

        question->run_id = xstrdup(run_id);
        question->after = after;
        question->last_lines = last_lines;
        question->limit = limit;
        return submit(question);
}

int history_log_read(struct history *history, const char *selector, const char *step, const char *item, int attempt,
                     uint64_t offset, uint64_t limit, bool base64, history_fn fn, void *user) {
        struct question *question = question_new(history, ask_log_read, fn, user);

        question->selector = xstrdup_or_null(selector);
        question->step = xstrdup_or_null(step);
        question->item = xstrdup_or_null(item);
        question->attempt = attempt;
        question->offset = offset;
        question->limit = limit;
        question->base64 = base64;
        return submit(question);
}

int history_run_outcome(struct history *history, const char *selector, history_fn fn, void *user) {
        struct question *question = question_new(history, ask_run_outcome, fn, user);

        question->selector = xstrdup(selector);
        return submit(question);
}

int history_value_runs(struct history *history, const char *job, const char *mode, const char *parameter,
                       const struct jval *params, history_fn fn, void *user) {
        struct question *question = question_new(history, ask_value_runs, fn, user);

        question->job = xstrdup(job);
        question->step = xstrdup_or_null(mode);
        question->item = xstrdup(parameter);
        question->params_text = jval_dump(params);
        return submit(question);
}

int history_request(struct history *history, const char *request_id, int64_t uid, history_fn fn, void *user) {
        struct question *question = question_new(history, ask_request, fn, user);

        question->request_id = xstrdup(request_id);
        question->uid = uid;
        return submit(question);
}

int history_last_runs(struct history *history, history_fn fn, void *user) {
        return submit(question_new(history, ask_last_runs, fn, user));
}

int history_step_records(struct history *history, const struct step_records_question *about, history_fn fn,
                         void *user) {
        struct question *question = question_new(history, ask_step_records, fn, user);

        question->job = xstrdup(about->job);
        question->filter.mode = xstrdup_or_null(about->mode);
        question->step = xstrdup(about->step);
        question->item = xstrdup(about->item);
        question->filter.until = about->before;
        question->limit = about->limit;
        return submit(question);
}

int history_due_times(struct history *history, const char *job, usec_t from, usec_t until, unsigned limit,
                      history_fn fn, void *user) {
        struct question *question = question_new(history, ask_due_times, fn, user);

        question->job = xstrdup_or_null(job);
        question->filter.since = from;
        question->filter.until = until;
        question->limit = limit;
        return submit(question);
}

int history_superfluous(struct history *history, const struct jval *rules, history_fn fn, void *user) {
        struct question *question = question_new(history, ask_superfluous, fn, user);

        question->params_text = jval_dump(rules);
        return submit(question);
}

int history_uncounted(struct history *history, history_fn fn, void *user) {
        return submit(question_new(history, ask_uncounted, fn, user));
}

int history_ownerless(struct history *history, history_fn fn, void *user) {
        return submit(question_new(history, ask_ownerless, fn, user));
}

int history_remove_folders(struct history *history, const struct jval *run_ids, history_fn fn, void *user) {
        struct question *question = chore_new(history, ask_remove_folders, fn, user);

        question->params_text = jval_dump(run_ids);
        return submit(question);
}

int history_tidy_run(struct history *history, const char *run_dir, int64_t run_number, history_fn fn, void *user) {
        struct question *question = chore_new(history, ask_tidy_run, fn, user);

        question->selector = xstrdup(run_dir);
        question->filter.before = run_number;
        return submit(question);
}
