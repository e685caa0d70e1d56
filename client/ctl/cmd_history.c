/* batchctl history: the runs of the past. */
#include <stddef.h>

#include "ask.h"
#include "macro.h"
#include "params.h"
#include "verb.h"
#include "view.h"

struct history_options {
        const char *job;
        const char *mode;
        const char *status;
        const char *type;
        const char *triggered_by;
        char **params;
        const char *since;
        const char *until;
        int64_t count;
        const char *compare;
        bool summary;
};

static const struct history_options defaults = {.count = 50};
static const char *const statuses[] = {"queued", "running",   "success", "partial",
                                       "failed", "cancelled", "skipped", NULL};
static const char *const triggers[] = {"manual", "api",      "timer",    "schedule", "ci",
                                       "retry",  "backfill", "catch_up", "job",      NULL};

#define MEMBER(member) .offset = offsetof(struct history_options, member)
static const struct option_row rows[] = {
        {.letter = 'j',
         .name = "job",
         .value = "JOB",
         .help = "Only runs of this job",
         .kind = OPTION_STRING,
         MEMBER(job)},
        {.letter = 'm',
         .name = "mode",
         .value = "MODE",
         .help = "Only runs in this mode",
         .kind = OPTION_STRING,
         MEMBER(mode)},
        {.letter = 's',
         .name = "status",
         .value = "STATUS",
         .help = "Only success, partial, failed, cancelled, skipped, running or queued ones",
         .kind = OPTION_STRING,
         .words = statuses,
         MEMBER(status)},
        {.letter = 't',
         .name = "type",
         .value = "TYPE",
         .help = "Only runs of this batch type",
         .kind = OPTION_STRING,
         MEMBER(type)},
        {.name = "triggered-by",
         .value = "WORD",
         .help = "Only runs that this asked for: manual, api, timer, schedule, ci, ...",
         .kind = OPTION_STRING,
         .words = triggers,
         MEMBER(triggered_by)},
        {.letter = 'p',
         .name = "param",
         .value = "NAME=VALUE",
         .help = "Only runs with this parameter (repeatable)",
         .kind = OPTION_STRINGS,
         MEMBER(params)},
        {.letter = 'S',
         .name = "since",
         .value = "TIME",
         .help = "Only runs asked for since then: 'yesterday', '-1h', '2026-09-22 14:00'",
         .kind = OPTION_STRING,
         MEMBER(since)},
        {.letter = 'U',
         .name = "until",
         .value = "TIME",
         .help = "Only runs asked for before then",
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
        {.name = "summary",
         .help = "How each job has been doing instead: success rate, durations, runs without a record",
         .kind = OPTION_FLAG,
         MEMBER(summary)},
        {.name = "compare",
         .value = "TIME",
         .help = "How each job has been doing before and after then",
         .kind = OPTION_STRING,
         MEMBER(compare)},
        {0},
};

static int make_filter(const struct context *context, const struct history_options *options, struct jval *filter) {
        const struct {
                const char *key, *value;
        } words[] = {{"job", options->job},
                     {"mode", options->mode},
                     {"status", options->status},
                     {"type", options->type},
                     {"triggered_by", options->triggered_by}};
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (words[i].value)
                        jval_set_str(filter, words[i].key, words[i].value);
        int status = params_set_period(context, filter, options->since, options->until);
        return status == EXIT_DONE ? params_set(context, options->params, filter) : status;
}

/* What a summary cannot be narrowed by: NULL, or the option's name. */
static const char *unfit_for_summary(const struct history_options *options) {
        const struct {
                const char *name;
                bool given;
        } unfit[] = {{"mode", options->mode != NULL},    {"status", options->status != NULL},
                     {"type", options->type != NULL},    {"triggered-by", options->triggered_by != NULL},
                     {"param", options->params != NULL}, {"count", options->count != defaults.count}};
        for (size_t i = 0; i < ELEMENTSOF(unfit); i++)
                if (unfit[i].given)
                        return unfit[i].name;
        return NULL;
}

static int run_health(const struct context *context, const struct history_options *options) {
        const char *unfit = unfit_for_summary(options);
        if (unfit) {
                context_complain(context, "leave --%s out: --summary and --compare take a job, --since and --until",
                                 unfit);
                return EXIT_USAGE;
        }
        _cleanup_jval_ struct jval *params = jval_object();
        if (options->job)
                jval_set_str(params, "job", options->job);
        int status = params_set_period(context, params, options->since, options->until);
        if (status == EXIT_DONE)
                status = params_set_instant(context, params, "compare", options->compare);
        if (status != EXIT_DONE)
                return status;
        return ask_and_show(context, METHOD_JOB_HEALTH, STEAL_PTR(params), view_health);
}

static void view_list(const struct context *context, const struct jval *runs, struct buf *out) {
        if (jval_array_size(runs) == 0)
                (void)buf_append_str(out, "no such runs\n");
        else
                view_runs(context, runs, out);
}

static int run_history(const struct context *context, const void *opaque, char *const *arguments) {
        struct history_options options = *(const struct history_options *)opaque;
        if (arguments[0] && !options.job)
                options.job = arguments[0];
        if (options.summary || options.compare)
                return run_health(context, &options);
        _cleanup_jval_ struct jval *filter = jval_object();
        int status = make_filter(context, &options, filter);
        if (status != EXIT_DONE)
                return status;
        return ask_pages_and_show(context, METHOD_RUN_LIST, filter, "runs", options.count, view_list);
}

const struct verb verb_history = {
        .name = "history",
        .arguments = "[JOB]",
        .max_arguments = 1,
        .summary = "List runs, newest first",
        .examples = "  batchctl history\n"
                    "  batchctl history weekly_update --status failed --since yesterday\n"
                    "  batchctl history -p week=12 -n 10 -o json\n"
                    "  batchctl history --summary --since 2026-11-01\n"
                    "  batchctl history --compare 2026-11-01\n",
        .options = rows,
        .options_size = sizeof(struct history_options),
        .defaults = &defaults,
        .run = run_history,
};
