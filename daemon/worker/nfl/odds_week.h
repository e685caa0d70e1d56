/* The anytime-touchdown prices of one week, by player, game and sportsbook, and the lines of its games.
 *
 * What is stored is never taken away: prices that came are upserted in one transaction after everything has been
 * fetched; where a fetch or the write fails, the old ones stay. */
#pragma once

#include "worker.h"

/* Games of everything that a command fetches, and those that have been answered. */
struct odds_progress {
        size_t answered, asked;
};

/* The ids of the week's games; missing: without those that are over and have prices from after their kickoff, which
 * change no more. None is no failure. */
int odds_week_games(struct worker *worker, const struct week *week, bool missing, PGresult **ret, char **ret_error);
/* Fetches and stores the prices of these games of the week; games without are a note. *ret_stored gets the rows
 * written, also when a part failed. The caller reports the records. */
int odds_week_sync(struct worker *worker, const struct week *week, PGresult *games, struct odds_progress *progress,
                   int64_t *ret_stored, char **ret_error);
