/* One player's line of one game, as the model reads it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "worker_settings.h"

enum position { POSITION_WR, POSITION_TE, POSITION_OTHER };
#define POSITIONS 3

/* Weeks in the order in which they are played, as one number: a later week is greater, the next one of a season by 1.
 */
static inline int32_t week_order(const struct week *week) {
        return (week->season * 2 + (week->type == SEASON_POST)) * 32 + week->week;
}

static inline int order_season(int32_t order) {
        return order / 64;
}

struct game_line {
        int32_t order;           /* week_order */
        int32_t player;          /* numbers from 0, in the order of first appearance */
        int32_t team, opponent;  /* the same */
        int32_t scored, allowed; /* points of the game; -1: not known */
        float expected_points;   /* of his team, by the bookmakers' lines before the game; 0: not known */
        int16_t targets, catches, yards, touchdowns_caught;
        int16_t carries, touchdowns_run, returned;
        enum position position;
        bool home;
        bool asked; /* to be predicted: nothing of the game is known */
};

/* What the model foretells: a touchdown that he runs or catches. Of his touchdowns one in seventy is a return, which no
 * earlier line announces. */
static inline bool line_scored(const struct game_line *line) {
        return line->touchdowns_caught + line->touchdowns_run > 0;
}
