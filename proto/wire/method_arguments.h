/* Arguments and words that several methods of the table share. Only methods.c includes this. */
#pragma once

#include <stddef.h>

/* What a caller may say of how a run came about; retry, backfill, catch_up and job are the daemon's own words. */
static const char *const callers_triggers[] = {"manual", "api", "timer", "schedule", "ci", NULL};
static const char *const all_triggers[] = {"manual", "api",      "timer",    "schedule", "ci",
                                           "retry",  "backfill", "catch_up", "job",      NULL};
static const char *const run_statuses[] = {"queued", "running",   "success", "partial",
                                           "failed", "cancelled", "skipped", NULL};
static const char *const ended_statuses[] = {"success", "failed", "skipped", "cancelled", NULL};
static const char *const backfill_choices[] = {"missing", "failed", "all", NULL};
static const char *const encodings[] = {"text", "base64", NULL};

#define LIMIT_OF_PAGE                                                                                                  \
        { .name = "limit", .type = ARGUMENT_INTEGER, .help = "How many; absent: 50", .minimum = 1, .maximum = 1000 }
#define SINCE_UNTIL(what)                                                                                              \
        {.name = "since", .type = ARGUMENT_TIME, .help = "Only " what " at or after this instant"}, {                  \
                .name = "until", .type = ARGUMENT_TIME, .help = "Only " what " before this instant"                    \
        }
#define RUN_OR_LATEST                                                                                                  \
        {                                                                                                              \
                .name = "run", .type = ARGUMENT_RUN,                                                                   \
                .help = "Number or uuid of the run; absent: the one that runs, else the latest"                        \
        }

/* Every method that acts takes these two. */
#define ACTING                                                                                                         \
        {.name = "request_id",                                                                                         \
         .type = ARGUMENT_STRING,                                                                                      \
         .help = "Any string that names this request: sent again within a day it gets the first answer, and nothing "  \
                 "is done twice"},                                                                                     \
        {                                                                                                              \
                .name = "on_behalf", .type = ARGUMENT_STRING,                                                          \
                .help = "The person or token acted for; only from the users in TrustedClients="                        \
        }

static const char *const season_types[] = {"reg", "post", NULL};

#define FOOTBALL_WEEK                                                                                                  \
        {.name = "season",                                                                                             \
         .type = ARGUMENT_INTEGER,                                                                                     \
         .help = "Year in which the season starts; absent: the current one",                                           \
         .minimum = 2000,                                                                                              \
         .maximum = 2100},                                                                                             \
                {.name = "week",                                                                                       \
                 .type = ARGUMENT_INTEGER,                                                                             \
                 .help = "Week of the season; absent: the current one, or all of a season that is given",              \
                 .minimum = 1,                                                                                         \
                 .maximum = 18},                                                                                       \
        {                                                                                                              \
                .name = "season_type", .type = ARGUMENT_STRING, .help = "reg or post; absent: reg for a week",         \
                .values = season_types                                                                                 \
        }
