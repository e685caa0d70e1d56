/* batchctl pause, resume, drain: what holds jobs back. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "session.h"
#include "strutil.h"
#include "text.h"
#include "verb.h"
#include "when.h"

struct pause_options {
        const char *reason;
        const char *until;
};

static const struct option_row pause_rows[] = {
        {.name = "reason",
         .value = "TEXT",
         .help = "Why, shown with the job",
         .kind = OPTION_STRING,
         .offset = offsetof(struct pause_options, reason)},
        {.name = "until",
         .value = "TIME",
         .help = "When the pause ends by itself: 'tomorrow', '+2h', '2026-12-01 08:00'",
         .kind = OPTION_STRING,
         .offset = offsetof(struct pause_options, until)},
        {0},
};

static int call(const struct context *context, enum method_id method, struct jval *params, struct jval **ret) {
        _cleanup_session_ struct session session = SESSION_INIT;
        _cleanup_jval_ struct jval *owned = params;
        int status = session_open(&session, context);

        if (status == EXIT_DONE)
                status = session_call(&session, method, jval_ref(owned), ret);
        if (status == EXIT_DONE && context_json(context))
                context_show_json(*ret);
        return status;
}

static bool speaks(const struct context *context, int status) {
        return status == EXIT_DONE && !context_json(context) && !context->global.quiet;
}

static int run_pause(const struct context *context, const void *opaque, char *const *arguments) {
        const struct pause_options *options = opaque;
        _cleanup_jval_ struct jval *params = jval_object(), *result = NULL;
        usec_t until;
        char text[TEXT_SIZE];
        int status;

        if (options->until && when_parse(options->until, now_realtime(), context->global.utc, &until) < 0) {
                context_complain(context,
                                 "--until takes a time such as 'tomorrow', '+2h' or '2026-12-01 08:00', not '%s'",
                                 options->until);
                return EXIT_USAGE;
        }
        jval_set_str(params, "job", arguments[0]);
        if (options->until)
                jval_set_time(params, "until", until);
        if (options->reason)
                jval_set_str(params, "reason", options->reason);
        status = call(context, METHOD_JOB_PAUSE, STEAL_PTR(params), &result);
        if (speaks(context, status))
                (void)printf("%s is paused%s%s\n", arguments[0], options->until ? " until " : "",
                             options->until
                                     ? text_instant(text, jval_get(result, "paused"), "until", context->global.utc)
                                     : "");
        return status;
}

static int run_resume(const struct context *context, const void *opaque, char *const *arguments) {
        _cleanup_jval_ struct jval *params = jval_object(), *result = NULL;
        int status;

        (void)opaque;
        jval_set_str(params, "job", arguments[0]);
        status = call(context, METHOD_JOB_RESUME, STEAL_PTR(params), &result);
        if (speaks(context, status))
                (void)printf(jval_get_bool(result, "was_paused", true) ? "%s goes on\n" : "%s was not paused\n",
                             arguments[0]);
        return status;
}

struct drain_options {
        bool off;
        const char *reason;
};

static const struct option_row drain_rows[] = {
        {.name = "off",
         .help = "Take it back: jobs start again",
         .kind = OPTION_FLAG,
         .offset = offsetof(struct drain_options, off)},
        {.name = "reason",
         .value = "TEXT",
         .help = "Why, shown with what is refused",
         .kind = OPTION_STRING,
         .offset = offsetof(struct drain_options, reason)},
        {0},
};

static int run_drain(const struct context *context, const void *opaque, char *const *arguments) {
        const struct drain_options *options = opaque;
        _cleanup_jval_ struct jval *params = jval_object(), *result = NULL;
        char text[TEXT_SIZE];
        int status;

        (void)arguments;
        jval_set_bool(params, "off", options->off);
        if (options->reason)
                jval_set_str(params, "reason", options->reason);
        status = call(context, METHOD_DAEMON_DRAIN, STEAL_PTR(params), &result);
        if (speaks(context, status) && options->off)
                (void)printf("jobs start again\n");
        else if (speaks(context, status))
                (void)printf("nothing new starts; %s still active\n",
                             text_count(text, jval_get_int(result, "runs", 0), "run"));
        return status;
}

const struct verb verb_pause = {
        .name = "pause",
        .arguments = "JOB",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "Start no run of a job until it is resumed; what runs goes on",
        .examples = "  batchctl pause weekly_update --reason 'bye week' --until '2026-12-01 08:00'\n",
        .options = pause_rows,
        .options_size = sizeof(struct pause_options),
        .run = run_pause,
};

const struct verb verb_resume = {
        .name = "resume",
        .arguments = "JOB",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "End the pause of a job; due times that it skipped do not come again",
        .examples = "  batchctl resume weekly_update\n",
        .run = run_resume,
};

const struct verb verb_drain = {
        .name = "drain",
        .arguments = "",
        .summary = "Start nothing new and let finish what runs, until --off",
        .examples = "  batchctl drain --reason 'database upgrade'\n  batchctl drain --off\n",
        .options = drain_rows,
        .options_size = sizeof(struct drain_options),
        .run = run_drain,
};
