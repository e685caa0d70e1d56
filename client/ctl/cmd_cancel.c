/* batchctl cancel: ends a run. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "session.h"
#include "strutil.h"
#include "verb.h"

struct cancel_options {
        const char *reason;
};

static const struct option_row rows[] = {
        {.name = "reason",
         .value = "TEXT",
         .help = "Why, kept with the run",
         .kind = OPTION_STRING,
         .offset = offsetof(struct cancel_options, reason)},
        {0},
};

static int run_cancel(const struct context *context, const void *opaque, char *const *arguments) {
        const struct cancel_options *options = opaque;
        _cleanup_session_ struct session session = SESSION_INIT;
        _cleanup_jval_ struct jval *params = jval_object(), *result = NULL;
        if (arguments[0])
                jval_set_str(params, "run", arguments[0]);
        if (options->reason)
                jval_set_str(params, "reason", options->reason);
        int status = session_open(&session, context);
        if (status == EXIT_DONE)
                status = session_call(&session, METHOD_RUN_CANCEL, STEAL_PTR(params), &result);
        if (status != EXIT_DONE)
                return status;
        if (context_json(context))
                context_show_json(result);
        else if (!context->global.quiet)
                (void)printf("%s #%" PRIi64 " %s, %" PRIi64 " %s ended\n", str_or(jval_get_str(result, "job"), "run"),
                             jval_get_int(result, "run_number", 0), str_or(jval_get_str(result, "status"), "cancelled"),
                             jval_get_int(result, "processes_ended", 0),
                             jval_get_int(result, "processes_ended", 0) == 1 ? "process" : "processes");
        return EXIT_DONE;
}

const struct verb verb_cancel = {
        .name = "cancel",
        .arguments = "[RUN]",
        .max_arguments = 1,
        .summary = "End a run with all its processes: the given one, or the one that runs",
        .examples = "  batchctl cancel 42\n  batchctl cancel 42 --reason 'wrong week'\n",
        .details = "Its processes get SIGTERM, and SIGKILL when the step's grace has passed; cancel answers when they "
                   "are gone.",
        .options = rows,
        .options_size = sizeof(struct cancel_options),
        .run = run_cancel,
};
