/* getNFLPlayerList: one array (until 2025) or pages with a cursor (2026). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "json.h"

/* Texts are borrowed from the answer; never NULL. */
struct api_player {
        const char *id, *name, *position, *team; /* position and team may be "" */
        bool active;                             /* on a team and no free agent */
};

typedef void (*api_player_fn)(void *userdata, const struct api_player *player);

struct api_player_page {
        size_t count;           /* players handed over */
        size_t unusable;        /* elements without an id or a name */
        const char *next_token; /* borrowed; NULL on the last page */
};

/* 0, or NFL_DATA when the body has neither shape. */
int api_players_read(const struct json_node *body, api_player_fn fn, void *userdata, struct api_player_page *ret,
                     char **ret_error);
