/* batchctl next: due times ahead, and what became of those past. */
#include <stddef.h>
#include <stdio.h>

#include "ask.h"
#include "strutil.h"
#include "verb.h"
#include "view.h"
#include "when.h"

struct next_options {
        int64_t count;
        const char *from;
};

static const struct option_row rows[] = {
        {.letter = 'n',
         .name = "count",
         .value = "N",
         .help = "How many (20 unless said)",
         .kind = OPTION_INTEGER,
         .minimum = 1,
         .maximum = 1000,
         .offset = offsetof(struct next_options, count)},
        {.name = "from",
         .value = "TIME",
         .help = "From then on: 'tomorrow', '2027-03-28'; a time past shows what became of the due times since",
         .kind = OPTION_STRING,
         .offset = offsetof(struct next_options, from)},
        {0},
};

static int run_next(const struct context *context, const void *opaque, char *const *arguments) {
        const struct next_options *options = opaque;
        _cleanup_jval_ struct jval *params = jval_object();
        usec_t from;

        if (options->from && when_parse(options->from, now_realtime(), context->global.utc, &from) < 0) {
                context_complain(context, "--from takes a time such as " WHEN_EXAMPLES ", not '%s'", options->from);
                return EXIT_USAGE;
        }
        if (options->from)
                jval_set_time(params, "from", from);
        if (arguments[0])
                jval_set_str(params, "job", arguments[0]);
        if (options->count > 0)
                jval_set_int(params, "count", options->count);
        return ask_and_show(context, METHOD_SCHEDULE_LIST, STEAL_PTR(params), view_due_times);
}

const struct verb verb_next = {
        .name = "next",
        .arguments = "[JOB]",
        .max_arguments = 1,
        .summary = "List the due times ahead, or what became of those past",
        .examples = "  batchctl next\n  batchctl next roster_refresh -n 5\n  batchctl next --from yesterday\n",
        .details =
                "Times are shown in the zone of the schedule and in UTC; those that a change of clocks moves are marked.",
        .options = rows,
        .options_size = sizeof(struct next_options),
        .run = run_next,
};
