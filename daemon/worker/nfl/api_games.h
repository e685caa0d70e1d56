/* getNFLGamesForWeek: the games of a week or of a whole season. */
#pragma once

#include <stddef.h>

#include "eastern.h"
#include "json.h"
#include "worker_settings.h"

enum game_status { GAME_SCHEDULED, GAME_IN_PROGRESS, GAME_FINAL, GAME_POSTPONED, GAME_CANCELLED };

/* As the table schedule spells it. */
const char *game_status_name(enum game_status status);
/* By gameStatusCode, then by the words of gameStatus, which differ between endpoints. Words for postponed and cancelled
 * come before the code: no recorded answer shows what code such a game has. */
enum game_status game_status_read(const struct json_node *game);

struct api_game {
        const char *id, *away, *home; /* borrowed */
        struct week week;
        day_t date;
        usec_t kickoff; /* 0: not set yet */
        enum game_status status;
};

typedef void (*api_game_fn)(void *userdata, const struct api_game *game);

/* asked: season and type of the request, and its week or 0 for all of a regular season: then the week is the game's
 * own. (The words that the API uses for the weeks of the post-season are not known, so those are asked for week by
 * week.) Elements that cannot be used are counted in *ret_unusable and the first is explained in *ret_problem (new
 * string or NULL). 0, or NFL_DATA when the body is no array. */
int api_games_read(const struct json_node *body, const struct week *asked, api_game_fn fn, void *userdata,
                   size_t *ret_unusable, char **ret_problem, char **ret_error);
