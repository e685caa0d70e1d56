/* run.summary, run.quality. */
#include <stdlib.h>

#include "answer.h"
#include "engine_internal.h"
#include "selector.h"

static void answered(int error, const char *error_text, struct jval *answer, void *user) {
        struct question *question = user;

        if (error < 0)
                question_fail_history(question, error, error_text, "there is no such run");
        else
                question_answer(question, answer);
}

typedef int (*ask_fn)(struct history *history, const char *selector, history_fn fn, void *user);

static void ask(struct engine *engine, ask_fn history_ask, const struct jval *params, engine_answer_fn fn, void *user) {
        struct question *question = question_new(engine, params, fn, user);
        _cleanup_free_ char *selector = selector_or_active(engine, params);
        int r = history_ask(engine->history, selector, answered, question);

        if (r < 0)
                question_fail_history(question, r, NULL, "run");
}

void engine_run_summary(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        ask(engine, history_run_summary, params, fn, user);
}

void engine_run_quality(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        ask(engine, history_run_quality, params, fn, user);
}
