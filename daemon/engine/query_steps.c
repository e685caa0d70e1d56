/* step.list. */
#include "answer.h"
#include "engine_internal.h"

static void answered(int error, const char *error_text, struct jval *answer, void *user) {
        struct question *question = user;

        if (error < 0)
                question_fail_history(question, error, error_text, "there are no such steps");
        else
                question_answer(question, answer);
}

void engine_step_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        struct question *question = question_new(engine, params, fn, user);
        int r = history_step_list(engine->history, question->params, answered, question);

        if (r < 0)
                question_fail_history(question, r, NULL, "steps");
}
