/* batchctl retry: goes on where a run ended. */
#include <stddef.h>

#include "session.h"
#include "started.h"
#include "strutil.h"
#include "verb.h"

struct retry_options {
        const char *from;
        const char *reason;
        bool force;
        bool wait;
        bool follow;
        usec_t timeout;
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
        {.name = "reason", .value = "TEXT", .help = "Why, kept with the run", .kind = OPTION_STRING, MEMBER(reason)},
        {.letter = 'w',
         .name = "wait",
         .help = "Wait for its end; the exit status tells how it ended",
         .kind = OPTION_FLAG,
         MEMBER(wait)},
        {.letter = 'f', .name = "follow", .help = "Wait, and show its lines", .kind = OPTION_FLAG, MEMBER(follow)},
        {.name = "timeout",
         .value = "SPAN",
         .help = "Wait no longer than this (the run goes on); exit status 124",
         .kind = OPTION_SPAN,
         MEMBER(timeout)},
        {0},
};

static int run_retry(const struct context *context, const void *opaque, char *const *arguments) {
        const struct retry_options *options = opaque;
        _cleanup_session_ struct session session;
        _cleanup_jval_ struct jval *call = jval_object(), *result = NULL;
        jval_set_str(call, "run", arguments[0]);
        if (options->from)
                jval_set_str(call, "from", options->from);
        if (options->reason)
                jval_set_str(call, "reason", options->reason);
        if (options->force)
                jval_set_bool(call, "force", true);
        int status = session_open(&session, context);
        if (status == EXIT_DONE)
                status = session_call(&session, METHOD_RUN_RETRY, STEAL_PTR(call), &result);
        if (status != EXIT_DONE)
                return status;
        return start_told(
                &session, result,
                &(struct start_options){.wait = options->wait, .follow = options->follow, .timeout = options->timeout});
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
