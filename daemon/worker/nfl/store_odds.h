/* Prices and lines into the database: a COPY and an upsert of each, one transaction. */
#pragma once

#include "db.h"
#include "timeutil.h"
#include "unknown.h"

/* One row for store_odds. 0, or -E2BIG. */
int odds_row(struct buf *rows, const char *player_id, const char *game_id, const char *sportsbook, int american,
             bool consensus);
struct odds_rows {
        struct buf prices; /* odds_row */
        struct buf lines;  /* line_row of store_lines.h */
};

/* Upserts on (player, game, sportsbook); the last row of a key counts. Rows of unknown players are added to `unknown`
 * and skipped. *ret_stored gets the number of prices written. On failure nothing has changed. */
int store_odds(struct db *db, const struct odds_rows *rows, usec_t fetched_at, struct unknown *unknown,
               int64_t *ret_stored, char **ret_error);
