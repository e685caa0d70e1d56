/* What every command works with, and the commands. */
#pragma once

#include "db.h"
#include "fetch.h"
#include "worker_settings.h"

struct worker {
        const struct settings *settings;
        struct db *db;
        struct fetch *fetch;
        struct week touched; /* the week that the command works on; SEASON_UNKNOWN: not known yet */
};

/* A command: 0, or NFL_LATER, NFL_DATA, NFL_CONFIG with an explanation. */
typedef int (*command_fn)(struct worker *worker, char **ret_error);

int command_rosters(struct worker *worker, char **ret_error);
int command_schedule(struct worker *worker, char **ret_error);
int command_game_logs(struct worker *worker, char **ret_error);
int command_odds(struct worker *worker, char **ret_error);
int command_backfill_odds(struct worker *worker, char **ret_error);
int command_history(struct worker *worker, char **ret_error);
int command_integrity(struct worker *worker, char **ret_error);
int command_readiness(struct worker *worker, char **ret_error);
int command_predictions(struct worker *worker, char **ret_error);
int command_train(struct worker *worker, char **ret_error);
int command_evaluate(struct worker *worker, char **ret_error);
/* Connects by itself: it also answers without a database. */
int command_week(struct worker *worker, char **ret_error);
