/* batchctl summary: what came of a run. */
#include <stddef.h>

#include "session.h"
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
        _cleanup_session_ struct session session;
        _cleanup_jval_ struct jval *result = NULL;
        struct jval *params = jval_object();
        if (arguments[0])
                jval_set_str(params, "run", arguments[0]);
        int status = session_open(&session, context);
        if (status == EXIT_DONE)
                status = session_call(&session, options->quality ? METHOD_RUN_QUALITY : METHOD_RUN_SUMMARY, params,
                                      &result);
        else
                (void)jval_unref(params);
        if (status != EXIT_DONE)
                return status;
        if (context_json(context)) {
                context_show_json(result);
                return EXIT_DONE;
        }
        _cleanup_buf_ struct buf text = BUF_INIT(SCREEN_MAX);
        if (options->quality)
                view_quality(context, result, &text);
        else
                view_summary(context, result, &text);
        context_show(context, &text, true);
        return EXIT_DONE;
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
