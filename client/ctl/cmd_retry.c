/* batchctl retry: goes on where a run ended. */
#include <stddef.h>

#include "session.h"
#include "started.h"
#include "strutil.h"
#include "verb.h"

struct retry_options {
        const char *from;
        bool force;
        struct start_options start;
};

#define MEMBER(member) .offset = offsetof(struct retry_options, member)
static const struct option_row rows[] = {
        {.name = "from",
         .value = "STEP",
         .help = "This step and all that come after it run, too",
         .kind = OPTION_STRING,
         MEMBER(from)},
        {.name = "force",
         .help = "Although the job has changed since, is paused, or a run of it is active",
         .kind = OPTION_FLAG,
         MEMBER(force)},
        START_OPTION_ROWS(struct retry_options, "its lines"),
        {0},
};

static int run_retry(const struct context *context, const void *opaque, char *const *arguments) {
        const struct retry_options *options = opaque;
        struct jval *call = jval_object();
        jval_set_str(call, "run", arguments[0]);
        if (options->from)
                jval_set_str(call, "from", options->from);
        if (options->force)
                jval_set_bool(call, "force", true);
        return start_run(context, METHOD_RUN_RETRY, call, &options->start, NULL);
}

const struct verb verb_retry = {
        .name = "retry",
        .arguments = "RUN",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "Go on where a run ended: the steps that did not succeed, in a new run",
        .examples = "  batchctl retry 42\n  batchctl retry 42 --from odds --follow\n",
        .details =
                "Parameters and mode are those of the run. When the job's file has changed since, it says what, and needs "
                "--force.",
        .options = rows,
        .options_size = sizeof(struct retry_options),
        .run = run_retry,
};
