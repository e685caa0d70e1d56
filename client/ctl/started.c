#include "started.h"

#include <inttypes.h>
#include <stdio.h>

#include "strutil.h"
#include "verb.h"
#include "wait_text.h"
#include "watch.h"

/* " with odds, predictions" of a run that goes on where another ended. */
static void print_steps(const struct jval *steps) {
        for (size_t i = 0; i < jval_array_size(steps); i++)
                (void)printf("%s%s", i == 0 ? " with " : ", ", str_or(jval_str(jval_at(steps, i)), "?"));
}

static void tell_started(const struct context *context, const struct jval *result, bool watched) {
        int64_t number = jval_get_int(result, "run_number", 0);
        const char *job = str_or(jval_get_str(result, "job"), "run");
        _cleanup_free_ char *wait = text_wait(jval_get(result, "waits_for"), context->global.utc);
        if (context->global.quiet)
                return;
        if (jval_get_bool(result, "repeated", false))
                (void)printf("%s #%" PRIi64 " had been started for this due time already\n", job, number);
        else if (wait)
                (void)printf("%s #%" PRIi64 " is queued: it waits %s\n", job, number, wait);
        else {
                (void)printf("%s #%" PRIi64 " started", job, number);
                print_steps(jval_get(result, "steps"));
                (void)printf("\n");
        }
        if (!watched)
                (void)printf("watch it: batchctl tail -f %" PRIi64 "\n", number);
        (void)fflush(stdout);
}

/* With --wait the one JSON document is the run as it ended. */
static int show_ended(struct session *session, const char *run_id, int status) {
        _cleanup_jval_ struct jval *shown = NULL;
        int r = session_show_run(session, run_id, &shown);
        if (r != EXIT_DONE)
                return r;
        context_show_json(shown);
        return status;
}

static int tell_and_watch(struct session *session, const struct jval *result, const struct start_options *options) {
        const struct context *context = session->context;
        bool watched = options->wait || options->follow, json = context_json(context);
        if (json && !watched)
                context_show_json(result);
        if (!json)
                tell_started(context, result, watched);
        if (!watched)
                return EXIT_DONE;
        struct watch_options watch = {
                .run = jval_get_str(result, "run_id"),
                .lines = -1,
                .follow = true,
                .show_lines = options->follow,
                .show_steps = !json || options->follow,
                .timeout = options->timeout,
        };
        struct context quiet = *context;
        if (json && !options->follow) {
                quiet.global.quiet = true;
                session->context = &quiet;
        }
        int status = watch_run(session, &watch);
        if (json && !options->follow && status != EXIT_TIMED_OUT && status != EXIT_UNREACHABLE)
                status = show_ended(session, watch.run, status);
        session->context = context;
        return status;
}

int start_run(const struct context *context, enum method_id method, struct jval *call,
              const struct start_options *options,
              int (*otherwise)(const struct context *context, const struct jval *result)) {
        _cleanup_jval_ struct jval *owned = call, *result = NULL;
        _cleanup_session_ struct session session = SESSION_INIT;
        int status = session_open(&session, context);
        if (options->reason)
                jval_set_str(owned, "reason", options->reason);
        if (status == EXIT_DONE)
                status = session_call(&session, method, jval_ref(owned), &result);
        if (status != EXIT_DONE)
                return status;
        return jval_has(result, "run_number") || !otherwise ? tell_and_watch(&session, result, options)
                                                            : otherwise(context, result);
}
