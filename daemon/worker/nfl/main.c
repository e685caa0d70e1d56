/* batch-nfl: the football work, as commands that steps run. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eastern.h"
#include "errorclass.h"
#include "log.h"
#include "macro.h"
#include "outcome.h"
#include "readiness.h"
#include "step_report.h"
#include "strutil.h"
#include "worker.h"

#ifndef BATCHD_VERSION
#define BATCHD_VERSION "unknown"
#endif

struct command {
        const char *name;
        command_fn run;
        bool database, api; /* what it needs before it starts */
        bool changes;       /* what data_readiness tells, so that it is counted anew at the end */
        const char *help;
};

static const struct command commands[] = {
        {"rosters", command_rosters, true, true, true, "bring in players and mark who left"},
        {"schedule", command_schedule, true, true, true, "bring in the season's games and tell the week"},
        {"game-logs", command_game_logs, true, true, true, "store the lines of finished games up to the week"},
        {"odds", command_odds, true, true, true, "store the anytime-touchdown prices of the week"},
        {"backfill-odds", command_backfill_odds, true, true, true, "store the prices of a range of weeks"},
        {"predictions", command_predictions, true, false, true, "predict who scores in the week"},
        {"history", command_history, true, false, true, "predict past weeks of players who came late"},
        {"train", command_train, true, false, false, "train a model on the games before the week"},
        {"evaluate", command_evaluate, true, false, false, "measure predictions of past weeks, walking forward"},
        {"readiness", command_readiness, true, false, false, "count what is there of the week, and print it"},
        {"integrity", command_integrity, true, false, false, "find and name every gap in the data"},
        {"week", command_week, false, false, false, "print the current week"},
};

static const struct option long_options[] = {
        {"season", required_argument, NULL, 'o'},
        {"week", required_argument, NULL, 'o'},
        {"season-type", required_argument, NULL, 'o'},
        {"from-week", required_argument, NULL, 'o'},
        {"to-week", required_argument, NULL, 'o'},
        {"from", required_argument, NULL, 'o'},
        {"to", required_argument, NULL, 'o'},
        {"parallel", required_argument, NULL, 'o'},
        {"delay", required_argument, NULL, 'o'},
        {"timeout", required_argument, NULL, 'o'},
        {"retry-delay", required_argument, NULL, 'o'},
        {"tries", required_argument, NULL, 'o'},
        {"quota-warning", required_argument, NULL, 'o'},
        {"again", no_argument, NULL, 'a'},
        {"new-players", no_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
};

static void print_help(void) {
        (void)printf("batch-nfl COMMAND [OPTION...]\n\nCommands:\n");
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                (void)printf("  %-14s %s\n", commands[i].name, commands[i].help);
        (void)printf(
                "\nOptions:\n"
                "  --season YEAR --week N --season-type reg|post   else BATCH_PARAM_*, else detected\n"
                "  --new-players      game-logs: of games from which lines of unknown players were skipped\n"
                "  --again            game-logs: the week's finished games, also those that are stored\n"
                "  --from-week N --to-week N   of backfill-odds\n"
                "  --parallel N       requests at once (6)\n"
                "  --delay SPAN       least time between two requests (0)\n"
                "  --quota-warning N  warn when the plan has no more than N calls left (a tenth of it)\n"
                "  --timeout SPAN     of one request (60s)\n"
                "  --tries N          of one request (5)\n"
                "  --retry-delay SPAN before the second try; doubles (1s)\n"
                "  --from W --to W    weeks to evaluate: 2024, 2024-5, 2024-post-1\n"
                "  --json             week, readiness and evaluate as JSON\n"
                "  --verbose  --help  --version\n\n"
                "Environment: TANK01_BASE_URL, TANK01_API_KEY or the credential tank01-api-key, BATCH_DATABASE or PG*, BATCH_NOW.\n"
                "Exit: 0 done, 64 usage, 65 data that cannot be used, 75 may work later, 78 configuration.\n");
}

/* What is done goes to stdout, what is wrong to stderr, which is marked in the log of a run. */
static void print_message(enum log_level level, const struct log_context *context, const char *message) {
        (void)fprintf(level <= LOG_LEVEL_WARNING ? stderr : stdout, "%s\n", message);
}

static const struct command *find_command(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (streq(commands[i].name, name))
                        return &commands[i];
        return NULL;
}

/* 0: *ret is to be run. 1: all is done. Negative: wrong usage, which has been said. */
static int parse_options(int argc, char **argv, struct settings *settings, const struct command **ret) {
        _cleanup_free_ char *error = NULL;
        for (int c, index = 0; (c = getopt_long(argc, argv, "", long_options, &index)) >= 0;) {
                if (c == 'h') {
                        print_help();
                        return 1;
                }
                if (c == 'V') {
                        (void)printf("batch-nfl %s\n", BATCHD_VERSION);
                        return 1;
                }
                if (c == 'v')
                        log_set_level(LOG_LEVEL_DEBUG);
                else if (c == 'j')
                        settings->json = true;
                else if (c == 'n')
                        settings->new_players = true;
                else if (c == 'a')
                        settings->again = true;
                else if (c == '?')
                        return -EINVAL;
                else if (settings_set(settings, long_options[index].name, optarg, &error) < 0) {
                        log_error("--%s", error);
                        return -EINVAL;
                }
        }
        const char *name = optind < argc ? argv[optind] : NULL;
        *ret = name ? find_command(name) : NULL;
        if (*ret && optind + 1 == argc)
                return 0;
        if (*ret)
                log_error("one command at a time: '%s' is too much", argv[optind + 1]);
        else
                log_error("%s%s; batch-nfl --help lists the commands", name ? "no such command: " : "which command?",
                          name ? name : "");
        return -EINVAL;
}

static void warn_of_quota(const struct settings *settings, const struct fetch *fetch) {
        if (!quota_is_low(fetch_quota(fetch), settings->quota_warning))
                return;
        _cleanup_free_ char *text = quota_text(fetch_quota(fetch), fetch_calls(fetch));
        log_warning("%s", text);
        report_warning("quota", "%s", text);
}

static int run(const struct command *command, struct settings *settings, char **ret_error) {
        _cleanup_db_ struct db *db = NULL;
        _cleanup_fetch_ struct fetch *fetch = NULL;
        int r = settings_complete(settings, ret_error);
        if (r == 0 && command->api)
                r = settings_require_api(settings, ret_error);
        if (r == 0 && command->database)
                r = db_open(settings->database, &db, ret_error);
        if (r < 0)
                return r;
        if (command->api)
                fetch = fetch_new(settings);
        struct worker worker = {.settings = settings, .db = db, .fetch = fetch};
        r = command->run(&worker, ret_error);
        /* Also after a failure: else 'failed' could never be told from 'not tried'. */
        if (command->changes)
                readiness_after(&worker);
        if (fetch)
                warn_of_quota(settings, fetch);
        if (fetch)
                log_info("%llu request%s to the API", (unsigned long long)fetch_calls(fetch),
                         fetch_calls(fetch) == 1 ? "" : "s");
        return r;
}

int main(int argc, char **argv) {
        _cleanup_(settings_done) struct settings settings = {
                .parallel = 6,
                .tries = 5,
                .timeout = 60 * USEC_PER_SEC,
                .retry_delay = USEC_PER_SEC,
                .quota_warning = -1,
        };
        _cleanup_free_ char *error = NULL;
        const struct command *command = NULL;
        /* A line a write also into a pipe: people watch it live. */
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
        log_set_sink(print_message);
        int r = parse_options(argc, argv, &settings, &command);
        if (r != 0)
                return r < 0 ? EX_USAGE : EX_OK;
        eastern_init();
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                abort();
        r = run(command, &settings, &error);
        if (r < 0) {
                log_error("%s: %s", command->name, error ? error : strerror(-r));
                /* Of a fetch the parts that went wrong are counted already. */
                if (!outcome_has_counted_errors())
                        outcome_count_error();
                report_line("ERROR_CLASS=%s", nfl_error_class(r));
                report_status("%s: %s", command->name, error ? error : strerror(-r));
        }
        curl_global_cleanup();
        return nfl_exit_status(r);
}
