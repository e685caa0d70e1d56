/* batchctl summary: what came of a run. */
#include <stddef.h>

#include "ask.h"
#include "verb.h"
#include "view.h"

struct summary_options {
        bool quality;
};

static const struct option_row rows[] = {
        {.name = "quality",
         .help = "The quality of its data alone, item by item",
         .kind = OPTION_FLAG,
         .offset = offsetof(struct summary_options, quality)},
        {0},
};

static int run_summary(const struct context *context, const void *opaque, char *const *arguments) {
        const struct summary_options *options = opaque;
        struct jval *params = jval_object();

        if (arguments[0])
                jval_set_str(params, "run", arguments[0]);
        return options->quality ? ask_and_show(context, METHOD_RUN_QUALITY, params, view_quality)
                                : ask_and_show(context, METHOD_RUN_SUMMARY, params, view_summary);
}

const struct verb verb_summary = {
        .name = "summary",
        .arguments = "[RUN]",
        .max_arguments = 1,
        .summary = "What came of a run, step by step, against what is usual",
        .examples = "  batchctl summary\n  batchctl summary 42\n  batchctl summary 42 --quality\n",
        .details = "What is usual is the median of up to 20 earlier runs in the same mode.",
        .options = rows,
        .options_size = sizeof(struct summary_options),
        .run = run_summary,
};
