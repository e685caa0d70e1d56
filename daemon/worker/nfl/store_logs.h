/* Game logs into the database: each game whole or not at all. */
#pragma once

#include "api_box_score.h"
#include "db_script.h"
#include "unknown.h"

/* Games that were read and wait for their transaction. */
struct log_batch {
        struct buf lines, games;
        size_t n_games;
        size_t game_start; /* length of `lines` before the game that is being read */
        bool overflow;
};

#define LOG_BATCH_INIT ((struct log_batch){.lines = BUF_INIT(ROWS_MAX), .games = BUF_INIT(ROWS_MAX)})

struct log_counts {
        size_t games;
        int64_t stored, added; /* lines */
};

/* Between log_batch_begin_game and log_batch_end_game (or log_batch_drop_game) come the lines of one game. */
void log_batch_begin_game(struct log_batch *batch);
void log_batch_add_line(struct log_batch *batch, const char *game_id, const struct api_line *line);
void log_batch_end_game(struct log_batch *batch, const struct api_box_score *score);
void log_batch_drop_game(struct log_batch *batch);
void log_batch_done(struct log_batch *batch);

/* One transaction for all games of a batch: lines of known players, the mark that a game's logs are complete, its
 * score. */
struct log_storing {
        struct log_batch batch; /* its games; empty: nothing is being stored */
        struct db_script script;
};

/* Takes the games out of the batch, and begins to store them. late: of games that are stored; lines that are new are
 * noted in game_logs_backfilled. 0, NFL_LATER, NFL_DATA or NFL_CONFIG. */
int store_logs_start(struct log_storing *storing, struct db *db, struct log_batch *batch, bool late, char **ret_error);
/* As db_script_poll. Once it is done it counts the lines, and adds those of unknown players to `unknown`. */
int store_logs_poll(struct log_storing *storing, bool wait, struct unknown *unknown, struct log_counts *counts,
                    char **ret_error);
void store_logs_done(struct log_storing *storing);
