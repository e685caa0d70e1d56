/* audit.list. */
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

void engine_audit_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        struct question *question = question_new(engine, params, fn, user);
        _cleanup_free_ char *run = selector_text(question->params, "run");
        int r = history_audit_list(engine->history, run, question->params, answered, question);

        if (r < 0)
                question_fail_history(question, r, NULL, "audit");
}
