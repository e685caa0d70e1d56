/* batchctl why: why a run waits or failed, or why a job does not run. */
#include <string.h>

#include "ask.h"
#include "strutil.h"
#include "verb.h"
#include "view.h"

/* A number, or digits of an id; a name of a job otherwise. What is both (a job named deadbeef) is the job's if there is
 * one: the daemon tells. */
static bool looks_like_run(const char *text) {
        size_t len = strlen(text);
        return text[strspn(text, "0123456789")] == '\0' || (len >= 8 && strspn(text, "0123456789abcdefABCDEF-") == len);
}

static int run_why(const struct context *context, const void *options, char *const *arguments) {
        struct jval *params = jval_object();

        if (arguments[0])
                jval_set_str(params, looks_like_run(arguments[0]) ? "run" : "job", arguments[0]);
        return ask_and_show(context, METHOD_RUN_WHY, params, view_why);
}

const struct verb verb_why = {
        .name = "why",
        .arguments = "[RUN|JOB]",
        .max_arguments = 1,
        .summary = "Why a run waits or ended as it did, or why a job does not run; and what to do",
        .examples = "  batchctl why\n  batchctl why 42\n  batchctl why weekly_update\n",
        .run = run_why,
};
