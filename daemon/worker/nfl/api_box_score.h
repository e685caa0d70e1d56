/* getNFLBoxScore: what the players of one game did. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "api_games.h"
#include "json.h"

enum line_value {
        LINE_TARGETS,
        LINE_RECEPTIONS,
        LINE_RECEIVING_YARDS,
        LINE_RECEIVING_TD,
        LINE_CARRIES,
        LINE_RUSHING_YARDS,
        LINE_RUSHING_TD,
        LINE_RETURN_TD,
        LINE_VALUES,
};

/* Texts are borrowed from the answer. */
struct api_line {
        const char *player_id, *name, *team;
        int64_t value[LINE_VALUES];
};

struct api_box_score {
        const char *game_id;
        enum game_status status;
        int64_t away_score, home_score; /* -1: not told */
};

typedef void (*api_line_fn)(void *userdata, const struct api_line *line);

/* A line for each player with a receiving, rushing or passing category or a touchdown on a return; everybody else with
 * a snap has none. A return touchdown is a kick or punt return of the categories, or a blocked kick brought back, which
 * is only in the player's scoring plays ("NAME 22 Yd Return of Blocked Punt"). 0, or NFL_DATA: another game than asked
 * for, or a value of another type than expected, which is named. Lines may already have been handed over then: the game
 * is to be dropped as a whole. */
int api_box_score_read(const struct json_node *body, const char *game_id, api_line_fn fn, void *userdata,
                       struct api_box_score *ret, char **ret_error);
