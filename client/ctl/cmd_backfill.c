/* batchctl backfill: runs a job for a range or a list of values. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "macro.h"
#include "params.h"
#include "session.h"
#include "started.h"
#include "strutil.h"
#include "strv.h"
#include "table.h"
#include "text.h"
#include "verb.h"
#include "view.h"
#include "xalloc.h"

struct backfill_options {
        const char *from;
        const char *to;
        char **dates;
        char **params;
        const char *mode;
        char **skip_gates;
        const char *only;
        int64_t parallel;
        bool reverse;
        bool dry_run;
        struct start_options start;
};

static const char *const choices[] = {"missing", "failed", "all", NULL};
static const struct backfill_options defaults = {.parallel = 1};

#define MEMBER(member) .offset = offsetof(struct backfill_options, member)
static const struct option_row rows[] = {
        {.name = "from",
         .value = "VALUE",
         .help = "First date or number of a range",
         .kind = OPTION_STRING,
         MEMBER(from)},
        {.name = "to", .value = "VALUE", .help = "Last date or number of the range", .kind = OPTION_STRING, MEMBER(to)},
        {.name = "dates",
         .value = "A,B,...",
         .help = "A list of dates, or of other values, instead of a range (repeatable)",
         .kind = OPTION_STRINGS,
         MEMBER(dates)},
        {.letter = 'p',
         .name = "param",
         .value = "NAME[=VALUE]",
         .help = "Value of another parameter (repeatable); without =VALUE the parameter to go through",
         .kind = OPTION_STRINGS,
         MEMBER(params)},
        {.letter = 'm',
         .name = "mode",
         .value = "MODE",
         .help = "Mode; else the job's default",
         .kind = OPTION_STRING,
         MEMBER(mode)},
        {.name = "skip-gate",
         .value = "NAME",
         .help = "A gate that stops none of the runs; kept in the audit (repeatable)",
         .kind = OPTION_STRINGS,
         MEMBER(skip_gates)},
        {.name = "only",
         .value = "missing|failed|all",
         .help = "Values without a successful run (unless said), those that failed last, or all",
         .kind = OPTION_STRING,
         .words = choices,
         MEMBER(only)},
        {.name = "parallel",
         .value = "N",
         .help = "So many run beside each other; 1 unless said",
         .kind = OPTION_INTEGER,
         .minimum = 1,
         .maximum = 50,
         MEMBER(parallel)},
        {.name = "reverse", .help = "The last value first", .kind = OPTION_FLAG, MEMBER(reverse)},
        {.name = "dry-run", .help = "Only show what would run", .kind = OPTION_FLAG, MEMBER(dry_run)},
        START_OPTION_ROWS(struct backfill_options, "how each value ends"),
        {0},
};

/* Words between commas, of all given texts. */
static struct jval *split_lists(char *const *texts) {
        struct jval *values = jval_array();

        STRV_FOREACH (text, texts)
                for (const char *word = *text;;) {
                        size_t len = strcspn(word, ",");

                        if (len > 0)
                                jval_add(values, jval_stringn(word, len));
                        if (word[len] == '\0')
                                break;
                        word += len + 1;
                }
        return values;
}

/* --param NAME names the parameter to go through, --param NAME=VALUE gives another one its value. */
static int set_params(const struct context *context, const struct backfill_options *options, struct jval *call) {
        _cleanup_strv_ char **given = NULL;
        const char *name = NULL;

        STRV_FOREACH (text, options->params) {
                if (strchr(*text, '=')) {
                        strv_append(&given, *text);
                        continue;
                }
                if (name && !streq(name, *text)) {
                        context_complain(context, "a backfill goes through one parameter, not through %s and %s", name,
                                         *text);
                        return EXIT_USAGE;
                }
                name = *text;
        }
        if (name)
                jval_set_str(call, "parameter", name);
        return params_set(context, given, call);
}

static void set_text(struct jval *call, const char *key, const char *text) {
        if (text)
                jval_set_str(call, key, text);
}

static int make_call(const struct context *context, const struct backfill_options *options, const char *job,
                     struct jval *call) {
        jval_set_str(call, "job", job);
        set_text(call, "mode", options->mode);
        set_text(call, "from", options->from);
        set_text(call, "to", options->to);
        set_text(call, "only", options->only);
        jval_set_int(call, "parallel", options->parallel);
        if (options->dates)
                jval_set(call, "values", split_lists(options->dates));
        if (options->skip_gates)
                jval_set(call, "skip_gates", split_lists(options->skip_gates));
        if (options->reverse)
                jval_set_bool(call, "reverse", true);
        if (options->dry_run)
                jval_set_bool(call, "dry_run", true);
        return set_params(context, options, call);
}

static const char *why_words(const char *why) {
        if (!why)
                return "";
        if (streq(why, "succeeded"))
                return "succeeded already";
        if (streq(why, "active"))
                return "runs now";
        return streq(why, "never_ran") ? "never ran" : "did not fail";
}

static void view_plan(const struct context *context, const struct jval *result, struct buf *out) {
        static const struct table_column columns[] = {{.title = "VALUE"},
                                                      {.title = "ACTION"},
                                                      {.title = "WHY"},
                                                      {.title = "LAST RUN", .right = true},
                                                      {.title = "STATUS"}};
        const struct jval *values = jval_get(result, "values");
        _cleanup_table_ struct table table;

        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(values); i++) {
                const struct jval *row = jval_at(values, i);
                const char *action = str_or(jval_get_str(row, "action"), ""),
                           *status = jval_get_str(row, "last_status");

                table_add(&table, STYLE_BOLD, jval_get_str(row, "value"));
                table_add(&table, streq(action, "run") ? STYLE_GREEN : STYLE_DIM, action);
                table_add(&table, STYLE_PLAIN, why_words(jval_get_str(row, "why")));
                if (jval_get_int(row, "last_run", 0) > 0)
                        table_addf(&table, STYLE_PLAIN, "%" PRIi64, jval_get_int(row, "last_run", 0));
                else
                        table_add(&table, STYLE_PLAIN, NULL);
                table_add(&table, style_of_status(status), status);
        }
        table_render(&table, &context->out, 0, out);
}

static int show_plan(const struct context *context, const struct jval *result) {
        _cleanup_buf_ struct buf text = BUF_INIT(SCREEN_MAX);
        int64_t total = jval_get_int(result, "total", 0), all = (int64_t)jval_array_size(jval_get(result, "values"));
        bool dry = jval_get_bool(result, "dry_run", false);

        if (context_json(context)) {
                context_show_json(result);
                return EXIT_DONE;
        }
        if (context->global.quiet)
                return EXIT_DONE;
        if (dry)
                view_plan(context, result, &text);
        (void)buf_appendf(&text, "%s%" PRIi64 " of %" PRIi64 " values of %s %s\n",
                          dry ? "\n" : "nothing to do: ", total, all, str_or(jval_get_str(result, "parameter"), "?"),
                          dry ? "would run" : "are to run (--dry-run shows why, --only all runs them again)");
        context_show(context, &text, true);
        return EXIT_DONE;
}

static int run_backfill(const struct context *context, const void *opaque, char *const *arguments) {
        const struct backfill_options *options = opaque;
        _cleanup_jval_ struct jval *call = jval_object();
        int status = make_call(context, options, arguments[0], call);

        if (status != EXIT_DONE)
                return status;
        return start_run(context, METHOD_RUN_BACKFILL, STEAL_PTR(call), &options->start, show_plan);
}

const struct verb verb_backfill = {
        .name = "backfill",
        .arguments = "JOB",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "Run a job for a range of dates or numbers, or for a list of values",
        .examples = "  batchctl backfill nba_daily --from 2026-11-01 --to 2026-11-20 --dry-run\n"
                    "  batchctl backfill nba_daily --dates 2026-11-03,2026-11-09 --only all --follow\n"
                    "  batchctl backfill weekly_update --param week --from 1 --to 9 -p season=2026 --parallel 2\n",
        .details =
                "One run is the parent of all: 'batchctl status RUN' shows how far it is, 'batchctl cancel RUN' ends all "
                "of it.\nThe same again does what is still missing.",
        .options = rows,
        .options_size = sizeof(struct backfill_options),
        .defaults = &defaults,
        .run = run_backfill,
};
