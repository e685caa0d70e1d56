#include "answer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "strutil.h"
#include "xalloc.h"

struct question *question_new(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        struct question *question = NEW(struct question);

        *question = (struct question){.engine = engine, .fn = fn, .user = user};
        question->params = params ? jval_deep_copy(params) : jval_object();
        return question;
}

static void question_free(struct question *question) {
        jval_unref(question->params);
        free(question);
}

void question_answer(struct question *question, struct jval *result) {
        question->fn(NULL, result, question->user);
        question_free(question);
}

void question_fail(struct question *question, enum error_kind kind, const char *format, ...) {
        _cleanup_free_ char *message = NULL;
        va_list arguments;

        va_start(arguments, format);
        message = xvasprintf(format, arguments);
        va_end(arguments);
        question->fn(&(struct engine_error){.kind = kind, .message = message}, NULL, question->user);
        question_free(question);
}

void question_fail_history(struct question *question, int error, const char *error_text, const char *what) {
        if (error == -ENOENT)
                question_fail(question, ERROR_KIND_NOT_FOUND, "%s", str_or(error_text, what));
        else if (error == -EINVAL)
                question_fail(question, ERROR_KIND_INVALID_PARAMS, "%s", str_or(error_text, what));
        else if (error == -EAGAIN)
                question_fail(question, ERROR_KIND_UNAVAILABLE, "try again in a moment: too many questions wait");
        else
                question_fail(question, ERROR_KIND_UNAVAILABLE, "try again: the history cannot be read: %s",
                              str_or(error_text, strerror(-error)));
}
