/* batchctl readiness: what there is of a week's football data. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "progress.h"
#include "session.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "verb.h"
#include "view.h"

#define BAR_WIDTH 20

struct readiness_options {
        int64_t season;
        const char *type;
        bool refresh;
};

static const char *const season_types[] = {"reg", "post", NULL};

#define MEMBER(member) .offset = offsetof(struct readiness_options, member)
static const struct option_row rows[] = {
        {.letter = 'S',
         .name = "season",
         .value = "YEAR",
         .help = "The season that began in that year; all its weeks unless one is given",
         .kind = OPTION_INTEGER,
         .minimum = 2000,
         .maximum = 2100,
         MEMBER(season)},
        {.letter = 't',
         .name = "season-type",
         .value = "reg|post",
         .help = "Regular season (unless said) or post-season",
         .kind = OPTION_STRING,
         .words = season_types,
         MEMBER(type)},
        {.name = "refresh",
         .help = "Start a run of the job data_readiness, which counts anew",
         .kind = OPTION_FLAG,
         MEMBER(refresh)},
        {0},
};

/* A part of the data: a bar, and what it says in words. */
static void append_part(const struct context *context, const char *label, double percent, const char *text,
                        struct buf *out) {
        enum style style = percent >= 100 ? STYLE_GREEN : percent > 0 ? STYLE_YELLOW : STYLE_RED;
        (void)buf_appendf(out, "  %-12s ", label);
        bar_append(out, &context->out, style, percent, BAR_WIDTH);
        (void)buf_appendf(out, " %3.0f %%  %s\n", percent, text);
}

static double all_or_none(const struct jval *week, const char *key) {
        return jval_get_bool(week, key, false) ? 100 : 0;
}

static const char *odds_fetch_text(const struct jval *week) {
        if (jval_get_bool(week, "odds_fetch_failed", false))
                return "the last fetch failed";
        return jval_get_bool(week, "odds_fetch_attempted", false) ? "fetched" : "not fetched yet";
}

static void append_logs(const struct context *context, const struct jval *week, struct buf *out) {
        char count[TEXT_SIZE], text[2 * TEXT_SIZE];
        bool logged = jval_get_bool(week, "game_logs_available", false);
        int64_t lines = jval_get_int(week, "game_logs_count", 0);
        if (!logged && lines == 0)
                (void)snprintf(text, sizeof(text), "no lines yet");
        else
                (void)snprintf(text, sizeof(text), "%s%s", text_count(count, lines, "line"),
                               logged ? "" : ", not of every finished game");
        append_part(context, "game logs", logged ? 100 : 0, text, out);
}

static void append_week(const struct context *context, const struct jval *week, struct buf *out) {
        char count[TEXT_SIZE], at[TEXT_SIZE], ago[TEXT_SIZE];
        struct buf text = BUF_INIT(1024);
        usec_t now = now_realtime();
        (void)buf_appendf(out, "%sseason %" PRIi64 ", week %" PRIi64 "%s%s\n", term_begin(&context->out, STYLE_BOLD),
                          jval_get_int(week, "season_year", 0), jval_get_int(week, "week", 0),
                          streq(str_or(jval_get_str(week, "season_type"), "reg"), "post") ? " of the post-season" : "",
                          term_end(&context->out, STYLE_BOLD));
        (void)buf_appendf(&text, "%s%s", text_count(count, jval_get_int(week, "games_count", 0), "game"),
                          jval_get_bool(week, "schedule_complete", false) ? "" : ", some are missing");
        append_part(context, "schedule", all_or_none(week, "schedule_complete"), buf_data(&text), out);
        buf_clear(&text);
        append_logs(context, week, out);
        buf_clear(&text);
        (void)buf_appendf(&text, "%s, %s", text_count(count, jval_get_int(week, "odds_count", 0), "price"),
                          odds_fetch_text(week));
        if (get_instant(week, "odds_last_fetched_at"))
                (void)buf_appendf(&text, ", last at %s",
                                  text_instant(at, week, "odds_last_fetched_at", context->global.utc));
        append_part(context, "odds", all_or_none(week, "odds_available"), buf_data(&text), out);
        buf_clear(&text);
        (void)buf_appendf(&text, "%" PRIi64 " of %" PRIi64 " players", jval_get_int(week, "predictions_count", 0),
                          jval_get_int(week, "expected_predictions_count", 0));
        append_part(context, "predictions", jval_get_real(week, "prediction_completeness_pct", 0), buf_data(&text),
                    out);
        (void)buf_appendf(out, "  counted %s", text_ago(ago, week, "updated_at", now));
        if (jval_get_real(week, "data_age_hours", -1) >= 0)
                (void)buf_appendf(
                        out, ", newest data %s old",
                        text_duration(at, 60 * (double)(int64_t)(60 * jval_get_real(week, "data_age_hours", 0))));
        if (jval_get_int(week, "last_run_number", 0))
                (void)buf_appendf(out, ", last touched by run %" PRIi64, jval_get_int(week, "last_run_number", 0));
        (void)buf_append_char(out, '\n');
        buf_done(&text);
}

/* Several weeks: a line each. */
static void append_weeks(const struct context *context, const struct jval *weeks, struct buf *out) {
        static const struct table_column columns[] = {
                {.title = "WEEK"},
                {.title = "GAMES", .right = true},
                {.title = "LOGS", .right = true},
                {.title = "ODDS", .right = true},
                {.title = "FETCH"},
                {.title = "PREDICTIONS", .right = true},
                {.title = "COMPLETE", .right = true},
        };
        _cleanup_table_ struct table table;
        table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
        for (size_t i = 0; i < jval_array_size(weeks); i++) {
                const struct jval *week = jval_at(weeks, i);
                bool complete = jval_get_bool(week, "schedule_complete", false);
                bool logged = jval_get_bool(week, "game_logs_available", false);
                bool failed = jval_get_bool(week, "odds_fetch_failed", false);
                double percent = jval_get_real(week, "prediction_completeness_pct", 0);
                table_addf(&table, STYLE_PLAIN, "%s %" PRIi64, str_or(jval_get_str(week, "season_type"), "?"),
                           jval_get_int(week, "week", 0));
                table_addf(&table, complete ? STYLE_PLAIN : STYLE_YELLOW, "%" PRIi64 "%s",
                           jval_get_int(week, "games_count", 0), complete ? "" : "?");
                table_addf(&table, logged ? STYLE_PLAIN : STYLE_DIM, "%" PRIi64 "%s",
                           jval_get_int(week, "game_logs_count", 0),
                           logged || jval_get_int(week, "game_logs_count", 0) == 0 ? "" : "?");
                table_addf(&table, STYLE_PLAIN, "%" PRIi64, jval_get_int(week, "odds_count", 0));
                table_add(&table, failed ? STYLE_RED : STYLE_PLAIN, odds_fetch_text(week));
                table_addf(&table, STYLE_PLAIN, "%" PRIi64 "/%" PRIi64, jval_get_int(week, "predictions_count", 0),
                           jval_get_int(week, "expected_predictions_count", 0));
                table_addf(&table, percent >= 100 ? STYLE_GREEN : STYLE_PLAIN, "%.0f %%", percent);
        }
        table_render(&table, &context->out, 0, out);
}

static int show_refresh(const struct context *context, const struct jval *result) {
        int64_t number = jval_get_int(result, "run_number", 0);
        if (context_json(context))
                context_show_json(result);
        else if (!context->global.quiet)
                (void)printf("data_readiness #%" PRIi64 " %s; batchctl tail %" PRIi64 " shows it\n", number,
                             str_or(jval_get_str(result, "status"), "started"), number);
        return EXIT_DONE;
}

static int show_weeks(const struct context *context, const struct jval *result) {
        const struct jval *weeks = jval_get(result, "weeks");
        if (context_json(context)) {
                context_show_json(result);
                return EXIT_DONE;
        }
        if (jval_array_size(weeks) == 0) {
                context_complain(context,
                                 "nothing is known of that week: 'batchctl run weekly_update' brings its data, "
                                 "'batchctl readiness --refresh' counts what there is");
                return EXIT_NOT_FOUND;
        }
        _cleanup_buf_ struct buf text = BUF_INIT(SCREEN_MAX);
        if (jval_array_size(weeks) == 1)
                append_week(context, jval_at(weeks, 0), &text);
        else
                append_weeks(context, weeks, &text);
        context_show(context, &text, true);
        return EXIT_DONE;
}

static int run_readiness(const struct context *context, const void *opaque, char *const *arguments) {
        const struct readiness_options *options = opaque;
        _cleanup_session_ struct session session = SESSION_INIT;
        _cleanup_jval_ struct jval *params = jval_object(), *result = NULL;
        int64_t week = 0;
        if (arguments[0] && parse_int64_range(arguments[0], 1, 18, &week) < 0) {
                context_complain(context, "readiness takes a week from 1 to 18, not '%s'", arguments[0]);
                return EXIT_USAGE;
        }
        if (week)
                jval_set_int(params, "week", week);
        if (options->season)
                jval_set_int(params, "season", options->season);
        if (options->type)
                jval_set_str(params, "season_type", options->type);
        int status = session_open(&session, context);
        if (status == EXIT_DONE)
                status = session_call(&session, options->refresh ? METHOD_READINESS_REFRESH : METHOD_READINESS_SHOW,
                                      STEAL_PTR(params), &result);
        if (status != EXIT_DONE)
                return status;
        return options->refresh ? show_refresh(context, result) : show_weeks(context, result);
}

const struct verb verb_readiness = {
        .name = "readiness",
        .arguments = "[WEEK]",
        .max_arguments = 1,
        .summary = "Show what there is of a week's football data, and how complete it is",
        .examples = "  batchctl readiness\n"
                    "  batchctl readiness 9 --season 2024\n"
                    "  batchctl readiness --season 2024\n"
                    "  batchctl readiness --refresh\n",
        .details = "Without WEEK the current one, as the last football run saw it. 'not fetched yet' means that nobody "
                   "has asked for the odds; a fetch counts as failed until it has succeeded.",
        .options = rows,
        .options_size = sizeof(struct readiness_options),
        .run = run_readiness,
};
