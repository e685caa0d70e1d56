/* What a command was asked to do and with what: options, then BATCH_PARAM_*, then the environment of the football
 * worker. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "timeutil.h"

enum season_type { SEASON_UNKNOWN, SEASON_REG, SEASON_POST };

/* "reg" or "post"; "" for SEASON_UNKNOWN. */
const char *season_type_name(enum season_type type);
/* -EINVAL for other words. */
int season_type_parse(const char *text, enum season_type *ret);

/* A week of football. week is 1..18 (reg) or 1..4 (post). */
struct week {
        int season;
        int week;
        enum season_type type;
};

struct settings {
        struct week asked;      /* 0 and SEASON_UNKNOWN: not asked for */
        int from_week, to_week; /* of a backfill; 0: not given */
        bool new_players;       /* game-logs: of players who came late */
        bool again;             /* stored games of the week, too */
        const char *from, *to;  /* of `evaluate`, as given; NULL: not */
        usec_t now;             /* BATCH_NOW, else the clock */
        char *base_url;         /* without a slash at the end */
        char *api_key;          /* NULL: none */
        const char *database;   /* libpq conninfo; NULL: libpq's own environment */
        int parallel;           /* requests at once */
        int quota_warning;      /* calls left at which it is warned; -1: a tenth of the plan's */
        usec_t delay;           /* least time between the starts of two requests */
        usec_t timeout;         /* of one request */
        usec_t retry_delay;     /* before the first repetition of a request; doubles */
        int tries;              /* of one request */
        bool json;              /* the answer is printed as JSON */
};

#define PARALLEL_MAX 32

/* Reads BATCH_PARAM_*, BATCH_NOW, TANK01_*, BATCH_DATABASE and the credential where no option has set a member yet. 0,
 * or NFL_CONFIG with an explanation. */
int settings_complete(struct settings *settings, char **ret_error);
/* One option's text: "season", "week", "season-type", "from-week", "to-week", "parallel", "delay", "timeout",
 * "retry-delay", "tries", "from", "to" (the last two keep `value`). 0 or NFL_CONFIG. */
int settings_set(struct settings *settings, const char *name, const char *value, char **ret_error);
/* The key and address that requests need. 0 or NFL_CONFIG. */
int settings_require_api(const struct settings *settings, char **ret_error);
/* Of a week that is asked for whole or in part: range of the week within its type. 0 or NFL_CONFIG. */
int week_check(const struct week *week, char **ret_error);
void settings_done(struct settings *settings);
