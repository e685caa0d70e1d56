/* Answers to questions that change nothing. */
#pragma once

#include "engine.h"
#include "macro.h"

/* An answer that waits for the reader thread. */
struct question {
        struct engine *engine;
        engine_answer_fn fn;
        void *user;
        struct jval *params;
        int64_t run_number; /* where a question is about a run that was found first */
};

struct question *question_new(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
/* Each answers and frees. result is taken over. */
void question_answer(struct question *question, struct jval *result);
void question_fail(struct question *question, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* The error of a history function; what: "run", "log", ... for not_found. */
void question_fail_history(struct question *question, int error, const char *error_text, const char *what);
