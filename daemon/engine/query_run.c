/* run.current, run.list, log.read. */
#include <errno.h>
#include <stdlib.h>

#include "answer.h"
#include "engine_internal.h"
#include "selector.h"
#include "strutil.h"
#include "view.h"
#include "xalloc.h"

void engine_run_current(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        const char *job = jval_get_str(params, "job");
        struct jval *result = jval_object(), *runs = jval_array();

        for (const struct run *run = engine->runs; run; run = run->next)
                if (run_is_known(run) && (!job || streq(run->record.job, job)))
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
