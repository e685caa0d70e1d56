#include <stdlib.h>
#include <string.h>

#include "api_games.h"
#include "errorclass.h"
#include "errortext.h"
#include "game_id.h"
#include "strutil.h"
#include "team.h"

const char *game_status_name(enum game_status status) {
        static const char *const names[] = {
                [GAME_SCHEDULED] = "scheduled", [GAME_IN_PROGRESS] = "in_progress", [GAME_FINAL] = "final",
                [GAME_POSTPONED] = "postponed", [GAME_CANCELLED] = "cancelled",
        };
        return names[status];
}

enum game_status game_status_read(const struct json_node *game) {
        const char *words = str_or(json_member_text(game, "gameStatus"), "");
        if (strcasestr(words, "postponed") || strcasestr(words, "suspended"))
                return GAME_POSTPONED;
        if (strcasestr(words, "cancel"))
                return GAME_CANCELLED;
        int64_t code;
        if (json_integer(json_member(game, "gameStatusCode"), -1, &code) == 0 && code >= 0 && code <= 2)
                return code == 2 ? GAME_FINAL : code == 1 ? GAME_IN_PROGRESS : GAME_SCHEDULED;
        if (strcasestr(words, "final") || strcasestr(words, "completed"))
                return GAME_FINAL;
        return strcasestr(words, "live") || strcasestr(words, "progress") ? GAME_IN_PROGRESS : GAME_SCHEDULED;
}

/* "Week 9" or "9". */
static int read_week(const struct json_node *node, int *ret) {
        const char *text = json_member_text(node, "gameWeek");
        const char *digits = text ? startswith(text, "Week ") : NULL;
        int64_t week;
        if (!text || parse_int64_range(digits ? digits : text, 1, 18, &week) < 0)
                return -EBADMSG;
        *ret = (int)week;
        return 0;
}

/* NULL, or what is wrong with the element. */
static const char *read_game(const struct json_node *node, const struct week *asked, struct api_game *ret) {
        struct api_game game = {.week = *asked};
        game.id = json_member_text(node, "gameID");
        if (!game.id || !game_id_is_valid(game.id))
                return "no gameID of the form YYYYMMDD_AWAY@HOME";
        int64_t season, epoch;
        if (json_integer(json_member(node, "season"), asked->season, &season) < 0 || season != asked->season)
                return "another season than asked for";
        if (asked->week == 0 && read_week(node, &game.week.week) < 0)
                return "no gameWeek";
        char date[9];
        memcpy(date, game.id, 8);
        date[8] = '\0';
        const char *given = json_member_text(node, "gameDate");
        if (day_parse(given && *given ? given : date, &game.date) < 0)
                return "no gameDate of the form YYYYMMDD";
        if (json_integer(json_member(node, "gameTime_epoch"), 0, &epoch) < 0 || epoch < 0 || epoch > 10000000000LL)
                return "gameTime_epoch is no number of seconds";
        game.kickoff = (usec_t)epoch * USEC_PER_SEC;
        game.away = json_member_text(node, "away");
        game.home = json_member_text(node, "home");
        if (!game.away || !*game.away || !game.home || !*game.home)
                return "no away or home team";
        game.away = team_canonical(game.away);
        game.home = team_canonical(game.home);
        game.status = game_status_read(node);
        *ret = game;
        return NULL;
}

int api_games_read(const struct json_node *body, const struct week *asked, api_game_fn fn, void *userdata,
                   size_t *ret_unusable, char **ret_problem, char **ret_error) {
        if (!json_is(body, JSON_ARRAY))
                return error_set(ret_error, NFL_DATA, "the games are %s, an array is expected", json_type_name(body));
        size_t unusable = 0;
        _cleanup_free_ char *problem = NULL;
        JSON_FOREACH(node, body) {
                struct api_game game;
                const char *wrong = read_game(node, asked, &game);
                if (!wrong)
                        fn(userdata, &game);
                else if (unusable++ == 0)
                        (void)error_set(&problem, 0, "%s: %s", str_or(json_member_text(node, "gameID"), "a game"),
                                        wrong);
        }
        *ret_unusable = unusable;
        *ret_problem = STEAL_PTR(problem);
        return 0;
}
