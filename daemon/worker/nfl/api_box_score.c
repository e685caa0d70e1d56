#include <string.h>

#include "api_box_score.h"
#include "errorclass.h"
#include "errortext.h"
#include "macro.h"
#include "strutil.h"
#include "team.h"

#define VALUE_MAX 2000

/* Where a value stands. Two rows of one value are added. */
static const struct {
        const char *category, *field;
        enum line_value value;
} fields[] = {
        {"Receiving", "targets", LINE_TARGETS},        {"Receiving", "receptions", LINE_RECEPTIONS},
        {"Receiving", "recYds", LINE_RECEIVING_YARDS}, {"Receiving", "recTD", LINE_RECEIVING_TD},
        {"Rushing", "carries", LINE_CARRIES},          {"Rushing", "rushYds", LINE_RUSHING_YARDS},
        {"Rushing", "rushTD", LINE_RUSHING_TD},        {"Kicking", "kickReturnTD", LINE_RETURN_TD},
        {"Punting", "puntReturnTD", LINE_RETURN_TD},
};

static int64_t blocked_kick_returns(const struct json_node *stats, const char *name) {
        const struct json_node *plays = json_member(stats, "scoringPlays");
        int64_t count = 0;
        if (!json_is(plays, JSON_ARRAY))
                return 0;
        JSON_FOREACH(play, plays) {
                const char *text = json_member_text(play, "score");
                const char *behind = text ? startswith(text, name) : NULL;
                count += behind && *behind == ' ' && strcasestr(behind, "blocked") != NULL;
        }
        return count;
}

static int read_line(const struct json_node *stats, const char *key, struct api_line *ret, char **ret_error) {
        struct api_line line = {.player_id = key ? key : json_member_text(stats, "playerID")};
        if (!json_is(stats, JSON_OBJECT) || !line.player_id || !*line.player_id)
                return error_set(ret_error, NFL_DATA, "playerStats holds %s, a player's object is expected",
                                 json_type_name(stats));
        line.name = json_member_text(stats, "longName");
        if (!line.name || !*line.name)
                line.name = line.player_id;
        const char *team = json_member_text(stats, "teamAbv");
        line.team = team_canonical(team && *team ? team : str_or(json_member_text(stats, "team"), ""));
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                const struct json_node *node = json_member(json_member(stats, fields[i].category), fields[i].field);
                int64_t value;
                if (json_integer(node, 0, &value) < 0 || value > VALUE_MAX || value < -VALUE_MAX)
                        return error_set(ret_error, NFL_DATA, "%s.%s of %s is no number that a game can have",
                                         fields[i].category, fields[i].field, line.name);
                line.value[fields[i].value] += value;
        }
        line.value[LINE_RETURN_TD] += blocked_kick_returns(stats, line.name);
        *ret = line;
        return 0;
}

static bool has_line(const struct json_node *stats, const struct api_line *line) {
        return json_member(stats, "Receiving") || json_member(stats, "Rushing") || json_member(stats, "Passing") ||
               line->value[LINE_RETURN_TD] > 0;
}

static int read_players(const struct json_node *players, api_line_fn fn, void *userdata, char **ret_error) {
        if (!json_is(players, JSON_OBJECT) && !json_is(players, JSON_ARRAY))
                return error_set(ret_error, NFL_DATA, "playerStats is %s, an object is expected",
                                 json_type_name(players));
        JSON_FOREACH(node, players) {
                bool keyed = players->type == JSON_OBJECT;
                const struct json_node *stats = keyed ? node + 1 : node;
                struct api_line line;
                int r = read_line(stats, keyed ? node->text : NULL, &line, ret_error);
                if (r < 0)
                        return r;
                if (has_line(stats, &line))
                        fn(userdata, &line);
        }
        return 0;
}

int api_box_score_read(const struct json_node *body, const char *game_id, api_line_fn fn, void *userdata,
                       struct api_box_score *ret, char **ret_error) {
        struct api_box_score score = {.game_id = game_id};
        const char *given = json_member_text(body, "gameID");
        if (!json_is(body, JSON_OBJECT))
                return error_set(ret_error, NFL_DATA, "the box score is %s, an object is expected",
                                 json_type_name(body));
        if (!given || !streq(given, game_id))
                return error_set(ret_error, NFL_DATA, "the box score is of %s",
                                 given ? given : "no game (gameID is missing)");
        score.status = game_status_read(body);
        if (json_integer(json_member(body, "awayPts"), -1, &score.away_score) < 0 ||
            json_integer(json_member(body, "homePts"), -1, &score.home_score) < 0)
                return error_set(ret_error, NFL_DATA, "awayPts or homePts is no number");
        if (score.status == GAME_FINAL) {
                int r = read_players(json_member(body, "playerStats"), fn, userdata, ret_error);
                if (r < 0)
                        return r;
        }
        *ret = score;
        return 0;
}
