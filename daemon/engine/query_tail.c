/* run.tail: where following begins, or a page of lines. */
#include <errno.h>
#include <stdlib.h>

#include "answer.h"
#include "engine_internal.h"
#include "macro.h"
#include "selector.h"
#include "strutil.h"
#include "view.h"
#include "xalloc.h"

#define PAGE_LINES 500

/* The sequence number of the first line that the caller wants of an active run. */
static uint64_t first_wanted(const struct run *run, const struct jval *params) {
        uint64_t next = run->ring->next_sequence;
        int64_t lines = jval_get_int(params, "lines", RING_LINES), after = jval_get_int(params, "after", -1);

        if (after >= 0)
                return MIN((uint64_t)after + 1, next);
        if (lines <= 0)
                return next;
        return (uint64_t)lines >= next ? 1 : next - (uint64_t)lines;
}

static void follow(struct run *run, const struct jval *params, const struct engine_watch_events *events,
                   void *events_user, struct engine_watch **ret_watch, struct question *question) {
        struct jval *result = jval_object();
        uint64_t first = first_wanted(run, params);

        jval_set_int(result, "run_number", run->record.run_number);
        jval_set_str(result, "run_id", run->record.run_id);
        jval_set_str(result, "job", run->record.job);
        jval_set_str(result, "status", run_status_to_string(run_told_status(run)));
        jval_set_bool(result, "following", true);
        jval_set(result, "lines", jval_array());
        jval_set_int(result, "last", (int64_t)first - 1);
        *ret_watch = watch_new(run, first, events, events_user);
        question_answer(question, result);
}

static void page_read(int error, const char *error_text, struct jval *page, void *user) {
        struct question *question = user;

        if (error < 0) {
                question_fail_history(question, error, error_text, "the lines of this run are not kept any more");
                return;
        }
        for (void *i = jval_iter(question->params); i; i = jval_iter_next(question->params, i))
                if (!jval_has(page, jval_iter_key(i)))
                        jval_set(page, jval_iter_key(i), jval_ref(jval_iter_value(i)));
        question_answer(question, page);
}

/* The run is known: what is asked becomes what the answer says of the run, beside its lines. */
static void read_page(struct question *question, const struct jval *run) {
        const char *run_id = str_or(jval_get_str(run, "run_id"), "");
        int64_t lines = jval_get_int(question->params, "lines", PAGE_LINES),
                after = jval_get_int(question->params, "after", -1);
        struct jval *head = jval_object();
        int r;

        jval_set_int(head, "run_number", jval_get_int(run, "run_number", 0));
        jval_set_str(head, "run_id", run_id);
        jval_set_str(head, "job", jval_get_str(run, "job"));
        jval_set_str(head, "status", jval_get_str(run, "status"));
        jval_set_str(head, "reason", jval_get_str(run, "reason"));
        jval_set_str(head, "error_message", jval_get_str(run, "error_message"));
        jval_set_bool(head, "following", false);
        jval_unref(question->params);
        question->params = head;
        if (after >= 0)
                r = history_run_lines(question->engine->history, run_id, (uint64_t)after, 0, PAGE_LINES, page_read,
                                      question);
        else
                r = history_run_lines(question->engine->history, run_id, 0, (unsigned)MAX(lines, (int64_t)1),
                                      (unsigned)MIN(MAX(lines, (int64_t)1), (int64_t)PAGE_LINES), page_read, question);
        if (r < 0)
                question_fail_history(question, r, NULL, "lines");
}

static void found_run(int error, const char *error_text, struct jval *found, void *user) {
        struct question *question = user;

        if (error < 0) {
                question_fail_history(question, error, error_text, "there is no such run");
                return;
        }
        read_page(question, jval_get(found, "run"));
        jval_unref(found);
}

void engine_run_tail(struct engine *engine, const struct jval *params, const struct engine_watch_events *events,
                     void *events_user, struct engine_watch **ret_watch, engine_answer_fn fn, void *user) {
        struct question *question = question_new(engine, params, fn, user);
        _cleanup_free_ char *selector = selector_text(question->params, "run");
        struct run *run = selector ? engine_find_run(engine, selector) : engine->runs;
        int r;

        *ret_watch = NULL;
        if (run && jval_get_bool(params, "follow", false)) {
                follow(run, question->params, events, events_user, ret_watch, question);
                return;
        }
        r = history_run_show(engine->history, run ? run->record.run_id : selector, NULL, found_run, question);
        if (r < 0)
                question_fail_history(question, r, NULL, "run");
}
