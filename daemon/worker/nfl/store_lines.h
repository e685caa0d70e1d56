/* The bookmakers' lines of games into the database. */
#pragma once

#include "api_odds.h"
#include "db.h"
#include "timeutil.h"

/* One row for store_lines. 0, or -E2BIG. */
int line_row(struct buf *rows, const char *game_id, const struct api_game_line *line);
/* Within the caller's transaction: upserts on (game, sportsbook). A line of before the kickoff is not replaced by one
 * of after it, and a game that is being played gets none: what a book says then tells of the game itself. */
int store_lines(struct db *db, const struct buf *rows, usec_t fetched_at, char **ret_error);
