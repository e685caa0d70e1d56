/* getNFLBettingOdds: anytime-touchdown prices of one game, in every body shape that is known. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "json.h"

struct api_price {
        const char *player_id;  /* borrowed */
        const char *sportsbook; /* borrowed; NULL: one price for all books */
        int american;
};

typedef void (*api_price_fn)(void *userdata, const struct api_price *price);

struct api_odds {
        bool found;      /* the game is in the answer */
        size_t prices;   /* handed over */
        size_t unusable; /* props without a player, prices that are none ("n/a", "50") */
};

/* The body may be the game itself, an array of games, or an object keyed by gameID. A player's `anytd` is one price
 * (the recorded shape), or an object keyed by sportsbook; `propBets` keyed by sportsbook is taken as well. No price at
 * all is no failure. 0, or NFL_DATA: a value of another type than expected, which is named, or nothing usable among all
 * that came. */
int api_odds_read(const struct json_node *body, const char *game_id, api_price_fn fn, void *userdata,
                  struct api_odds *ret, char **ret_error);
