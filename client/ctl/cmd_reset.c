/* batchctl reset: closes circuit breakers. */
#include <inttypes.h>
#include <stdio.h>

#include "breaker_text.h"
#include "session.h"
#include "strutil.h"
#include "text.h"
#include "verb.h"
#include "xalloc.h"

static void tell(const struct context *context, const char *job, const char *step, const struct jval *closed) {
        if (jval_array_size(closed) == 0)
                (void)printf("%s%s%s: no breaker was open, and none has counted failures\n", job, step ? " " : "",
                             str_or(step, ""));
        for (size_t i = 0; i < jval_array_size(closed); i++) {
                const struct jval *breaker = jval_at(closed, i);
                _cleanup_free_ char *was = text_breaker(breaker, context->global.utc);

                (void)printf("%s %s: closed (it was %s)\n", job, str_or(jval_get_str(breaker, "step"), "?"), was);
        }
}

static int run_reset(const struct context *context, const void *opaque, char *const *arguments) {
        _cleanup_session_ struct session session = SESSION_INIT;
        _cleanup_jval_ struct jval *params = jval_object(), *result = NULL;
        int status = session_open(&session, context);

        (void)opaque;
        jval_set_str(params, "job", arguments[0]);
        if (arguments[1])
                jval_set_str(params, "step", arguments[1]);
        if (status == EXIT_DONE)
                status = session_call(&session, METHOD_BREAKER_RESET, jval_ref(params), &result);
        if (status != EXIT_DONE)
                return status;
        if (context_json(context))
                context_show_json(result);
        else if (!context->global.quiet)
                tell(context, arguments[0], arguments[1], jval_get(result, "reset"));
        return status;
}

const struct verb verb_reset = {
        .name = "reset",
        .arguments = "JOB [STEP]",
        .min_arguments = 1,
        .max_arguments = 2,
        .summary = "Close the circuit breakers of a job's steps, or of one step",
        .examples = "  batchctl reset nba_daily scrape\n",
        .details = "A step with BreakerFailures= that keeps failing is not tried for a while; 'batchctl show JOB' and "
                   "'batchctl status' tell which. Reset, it is tried by the next run, and its failures count from 0.",
        .run = run_reset,
};
