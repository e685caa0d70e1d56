/* batchctl tail: the lines of a run, live. */
#include <stddef.h>

#include "session.h"
#include "verb.h"
#include "watch.h"

struct tail_options {
        bool follow;
        int64_t lines;
        usec_t timeout;
};

static const struct tail_options defaults = {.lines = -1};

#define MEMBER(member) .offset = offsetof(struct tail_options, member)
static const struct option_row rows[] = {
        {.letter = 'f',
         .name = "follow",
         .help = "Go on until the run ends; the exit status tells how",
         .kind = OPTION_FLAG,
         MEMBER(follow)},
        {.letter = 'n',
         .name = "lines",
         .value = "N",
         .help = "Begin with the last N lines; else all that the live buffer holds",
         .kind = OPTION_INTEGER,
         .maximum = 100000,
         MEMBER(lines)},
        {.name = "timeout",
         .value = "SPAN",
         .help = "Follow no longer than this; exit status 124",
         .kind = OPTION_SPAN,
         MEMBER(timeout)},
        {0},
};

static int run_tail(const struct context *context, const void *opaque, char *const *arguments) {
        const struct tail_options *options = opaque;
        _cleanup_session_ struct session session = SESSION_INIT;
        int status = session_open(&session, context);
        if (status != EXIT_DONE)
                return status;
        struct watch_options watch = {
                .run = arguments[0],
                .lines = options->lines,
                .follow = options->follow,
                .show_lines = true,
                .show_steps = options->follow,
                .timeout = options->timeout,
        };
        return watch_run(&session, &watch);
}

const struct verb verb_tail = {
        .name = "tail",
        .arguments = "[RUN]",
        .max_arguments = 1,
        .summary = "Show the lines of a run: the given one, the one that runs, or the latest",
        .examples = "  batchctl tail -f\n  batchctl tail -n 20 42\n  batchctl tail -f 42 -o json\n",
        .details = "'|' stands before what a step wrote to standard output, '!' before standard error.",
        .options = rows,
        .options_size = sizeof(struct tail_options),
        .defaults = &defaults,
        .run = run_tail,
};
