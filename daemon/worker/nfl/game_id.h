/* The API's names of games: YYYYMMDD_AWAY@HOME, the day in US Eastern time. */
#pragma once

#include <stdbool.h>

bool game_id_is_valid(const char *id);
/* A query that asks about one game: "endpoint?gameID=...", with `more` ("" or "&x=y") behind it. New string. */
char *game_id_query(const char *endpoint, const char *id, const char *more);
