/* The lines of past games from the database, in the order of their weeks, and the players of a week to be predicted. */
#pragma once

#include <stddef.h>

#include "cleanup.h"
#include "db.h"
#include "game_line.h"
#include "names.h"

/* Seasons before the one asked for whose lines are read: what is older tells little and would cost memory. */
#define HISTORY_SEASONS 4

struct candidate {
        char *player_id;
        bool has_price;
        int price; /* the best one, American */
};

struct history {
        struct game_line *lines; /* by week; those of a week by player */
        size_t n, room;
        struct candidate *candidates; /* whom `asked` lines are about: the i-th of them is candidate i */
        size_t n_candidates;
        struct names players; /* their ids, by their numbers in the lines */
};

/* Lines from `seasons` seasons before the one of `until` up to and without that week; with `including` with it. Needs a
 * transaction. 0, or NFL_LATER, NFL_DATA, NFL_CONFIG. */
int history_load(struct db *db, const struct week *until, int seasons, bool including, struct history *ret,
                 char **ret_error);
/* The lines of HISTORY_SEASONS seasons before without that week, and behind it an asked line for each active receiver
 * and tight end whose team plays in it or who has a price in one of its games (a price outlives a stale roster). */
int history_load_asking(struct db *db, const struct week *week, struct history *ret, char **ret_error);
void history_done(struct history *history);
