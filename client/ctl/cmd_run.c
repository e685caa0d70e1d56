/* batchctl run: starts a run, and watches it if asked to. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "params.h"
#include "session.h"
#include "started.h"
#include "strutil.h"
#include "strv.h"
#include "verb.h"
#include "when.h"
#include "xalloc.h"

struct run_options {
        const char *mode;
        char **params;
        char **steps;
        bool force;
        char **skip_gates;
        const char *triggered_by;
        const char *due;
        struct start_options start;
};

static const char *const triggers[] = {"manual", "api", "timer", "schedule", "ci", NULL};

#define MEMBER(member) .offset = offsetof(struct run_options, member)
static const struct option_row rows[] = {
        {.letter = 'm',
         .name = "mode",
         .value = "MODE",
         .help = "Mode; else the job's default",
         .kind = OPTION_STRING,
         MEMBER(mode)},
        {.letter = 'p',
         .name = "param",
         .value = "NAME=VALUE",
         .help = "Value of a parameter (repeatable)",
         .kind = OPTION_STRINGS,
         MEMBER(params)},
        {.name = "step",
         .value = "STEP",
         .help = "Only this step of the mode (repeatable)",
         .kind = OPTION_STRINGS,
         MEMBER(steps)},
        {.name = "force", .help = "Start although a run of the job is active", .kind = OPTION_FLAG, MEMBER(force)},
        {.name = "skip-gate",
         .value = "GATE",
         .help = "Let through with a warning: records, band, coverage, breaker, or STEP/GATE (repeatable)",
         .kind = OPTION_STRINGS,
         MEMBER(skip_gates)},
        {.name = "triggered-by",
         .value = "WORD",
         .help = "What asks for it: manual, api, timer, schedule, ci",
         .kind = OPTION_STRING,
         .words = triggers,
         MEMBER(triggered_by)},
        {.name = "due",
         .value = "TIME",
         .help = "The due time it is for: the same job and time again gives the first run",
         .kind = OPTION_STRING,
         MEMBER(due)},
        START_OPTION_ROWS(struct run_options, "its lines"),
        {0},
};

/* systemd's timers hand the due time over in microseconds ($TRIGGER_TIMER_REALTIME_USEC), and an empty text when there
 * is none. */
static int set_due(const struct context *context, const char *text, struct jval *call) {
        usec_t due;
        if (!text || text[0] == '\0')
                return EXIT_DONE;
        bool is_usec =
                strspn(text, "0123456789") == strlen(text) && strlen(text) >= 15 && parse_uint64(text, &due) == 0;
        if (!is_usec && when_parse(text, now_realtime(), context->global.utc, &due) < 0) {
                context_complain(context, "--due takes a time such as " WHEN_EXAMPLES ", not '%s'", text);
                return EXIT_USAGE;
        }
        jval_set_time(call, "due", due);
        return EXIT_DONE;
}

static void set_strings(struct jval *call, const char *name, char *const *strings) {
        struct jval *array;
        if (!strings)
                return;
        array = jval_array();
        STRV_FOREACH (string, strings)
                jval_add(array, jval_string(*string));
        jval_set(call, name, array);
}

static int make_call(const struct context *context, const struct run_options *options, const char *job,
                     struct jval *call) {
        jval_set_str(call, "job", job);
        if (options->mode)
                jval_set_str(call, "mode", options->mode);
        set_strings(call, "steps", options->steps);
        set_strings(call, "skip_gates", options->skip_gates);
        if (options->force)
                jval_set_bool(call, "force", true);
        if (options->triggered_by)
                jval_set_str(call, "triggered_by", options->triggered_by);
        int status = set_due(context, options->due, call);
        return status == EXIT_DONE ? params_set(context, options->params, call) : status;
}

static int run_run(const struct context *context, const void *opaque, char *const *arguments) {
        const struct run_options *options = opaque;
        _cleanup_jval_ struct jval *call = jval_object();
        int status = make_call(context, options, arguments[0], call);
        if (status != EXIT_DONE)
                return status;
        return start_run(context, METHOD_RUN_START, STEAL_PTR(call), &options->start, NULL);
}

const struct verb verb_run = {
        .name = "run",
        .arguments = "JOB",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "Start a run of a job",
        .examples = "  batchctl run weekly_update --follow\n"
                    "  batchctl run weekly_update --mode odds_only -p week=12 -p season=2026 --wait\n"
                    "  batchctl run weekly_update --step odds --reason 'prices were late'\n",
        .details = "Without --wait and --follow it answers as soon as the run is recorded. Ctrl-C leaves a run alone: "
                   "'batchctl cancel'\n"
                   "ends it.",
        .options = rows,
        .options_size = sizeof(struct run_options),
        .run = run_run,
};
