/* getNFLBettingOdds: anytime-touchdown prices and lines of one game, in every body shape that is known. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "json.h"

struct api_price {
        const char *player_id;  /* borrowed */
        const char *sportsbook; /* borrowed; NULL: one price for all books */
        int american;
};

/* What one book expects of the game. */
struct api_game_line {
        const char *sportsbook; /* borrowed */
        double total;           /* points of both teams */
        double home_spread;     /* -3: the home team is expected to win by 3 */
};

/* Where the parts go. */
struct api_odds_taker {
        void (*price)(void *userdata, const struct api_price *price);
        void (*line)(void *userdata, const struct api_game_line *line);
        void *userdata;
};

struct api_odds {
        bool found;      /* the game is in the answer */
        size_t prices;   /* handed over */
        size_t lines;    /* the same */
        size_t unusable; /* props without a player, prices that are none ("n/a", "50") */
};

/* The body may be the game itself, an array of games, or an object keyed by gameID. A player's `anytd` is one price
 * (the recorded shape), or an object keyed by sportsbook; `propBets` keyed by sportsbook is taken as well. Lines stand
 * below the books' names, or in the list `sportsBooks`; a book whose total or spread is missing or no number has none.
 * No price and no line at all is no failure. 0, or NFL_DATA: a value of another type than expected, which is named, or
 * nothing usable among all that came. */
int api_odds_read(const struct json_node *body, const char *game_id, const struct api_odds_taker *taker,
                  struct api_odds *ret, char **ret_error);
