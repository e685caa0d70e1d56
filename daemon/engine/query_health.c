/* job.health. */
#include "answer.h"
#include "engine_internal.h"

static void answered(int error, const char *error_text, struct jval *answer, void *user) {
        struct question *question = user;

        if (error < 0)
                question_fail_history(question, error, error_text, "there are no such jobs");
        else
                question_answer(question, answer);
}

void engine_job_health(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        struct question *question = question_new(engine, params, fn, user);
        int r = history_job_health(engine->history, question->params, answered, question);

        if (r < 0)
                question_fail_history(question, r, NULL, "jobs");
}
