/* batchctl steps: the steps of all runs. */
#include <stddef.h>

#include "ask.h"
#include "macro.h"
#include "params.h"
#include "verb.h"
#include "view.h"

struct steps_options {
        const char *item;
        const char *job;
        const char *type;
        const char *status;
        const char *since;
        const char *until;
        int64_t count;
        bool group;
};

static const struct steps_options defaults = {.count = 50};
static const char *const statuses[] = {"success", "failed", "skipped", "cancelled", NULL};

#define MEMBER(member) .offset = offsetof(struct steps_options, member)
static const struct option_row rows[] = {
        {.letter = 'i',
         .name = "item",
         .value = "ITEM",
         .help = "Only steps of this item",
         .kind = OPTION_STRING,
         MEMBER(item)},
        {.letter = 'j',
         .name = "job",
         .value = "JOB",
         .help = "Only steps of this job",
         .kind = OPTION_STRING,
         MEMBER(job)},
        {.letter = 't',
         .name = "type",
         .value = "TYPE",
         .help = "Only steps of runs of this batch type",
         .kind = OPTION_STRING,
         MEMBER(type)},
        {.letter = 's',
         .name = "status",
         .value = "STATUS",
         .help = "Only success, failed, skipped or cancelled ones",
         .kind = OPTION_STRING,
         .words = statuses,
         MEMBER(status)},
        {.letter = 'S',
         .name = "since",
         .value = "TIME",
         .help = "Only steps that ended since then: 'yesterday', '-1h', '2026-09-22 14:00'",
         .kind = OPTION_STRING,
         MEMBER(since)},
        {.letter = 'U',
         .name = "until",
         .value = "TIME",
         .help = "Only steps that ended before then",
         .kind = OPTION_STRING,
         MEMBER(until)},
        {.letter = 'n',
         .name = "count",
         .value = "N",
         .help = "The newest N (50 unless said)",
         .kind = OPTION_INTEGER,
         .minimum = 1,
         .maximum = 1000000,
         MEMBER(count)},
        {.letter = 'g',
         .name = "group",
         .help = "Counts by name and status instead of the steps themselves",
         .kind = OPTION_FLAG,
         MEMBER(group)},
        {0},
};

static int make_filter(const struct context *context, const struct steps_options *options, const char *step,
                       struct jval *filter) {
        const struct {
                const char *key, *value;
        } words[] = {{"step", step},
                     {"item", options->item},
                     {"job", options->job},
                     {"type", options->type},
                     {"status", options->status}};
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (words[i].value)
                        jval_set_str(filter, words[i].key, words[i].value);
        if (options->group)
                jval_set_bool(filter, "group", true);
        return params_set_period(context, filter, options->since, options->until);
}

static void view_list(const struct context *context, const struct jval *steps, struct buf *out) {
        if (jval_array_size(steps) == 0)
                (void)buf_append_str(out, "no such steps\n");
        else
                view_steps(context, steps, out);
}

static void view_counts(const struct context *context, const struct jval *counts, struct buf *out) {
        if (jval_array_size(counts) == 0)
                (void)buf_append_str(out, "no such steps\n");
        else
                view_step_counts(context, counts, out);
}

static int run_steps(const struct context *context, const void *opaque, char *const *arguments) {
        const struct steps_options *options = opaque;
        _cleanup_jval_ struct jval *filter = jval_object();
        int status = make_filter(context, options, arguments[0], filter);

        if (status != EXIT_DONE)
                return status;
        return ask_pages_and_show(context, METHOD_STEP_LIST, filter, "steps", options->count,
                                  options->group ? view_counts : view_list);
}

const struct verb verb_steps = {
        .name = "steps",
        .arguments = "[STEP]",
        .max_arguments = 1,
        .summary = "List the steps of all runs, newest first, or count them",
        .examples = "  batchctl steps factor_analysis --status success -n 1\n"
                    "  batchctl steps --item P2 --since yesterday\n"
                    "  batchctl steps --group --since 2026-11-01\n",
        .options = rows,
        .options_size = sizeof(struct steps_options),
        .defaults = &defaults,
        .run = run_steps,
};
