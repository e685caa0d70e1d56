#include "api_players.h"
#include "errorclass.h"
#include "errortext.h"
#include "strutil.h"
#include "team.h"

static bool read_player(const struct json_node *node, struct api_player *ret) {
        const char *id = json_member_text(node, "playerID");
        const char *name = json_member_text(node, "longName");
        if (!name || !*name)
                name = json_member_text(node, "espnName");
        if (!id || !*id || !name || !*name)
                return false;
        const char *team = team_canonical(str_or(json_member_text(node, "team"), ""));
        const char *free_agent = json_member_text(node, "isFreeAgent");
        bool on_team = *team && !streq(team, "FA");
        *ret = (struct api_player){
                .id = id,
                .name = name,
                .position = str_or(json_member_text(node, "pos"), ""),
                .team = on_team ? team : "",
                .active = on_team && !(free_agent && streq(free_agent, "True")),
        };
        return true;
}

int api_players_read(const struct json_node *body, api_player_fn fn, void *userdata, struct api_player_page *ret,
                     char **ret_error) {
        const struct json_node *list = json_is(body, JSON_OBJECT) ? json_member(body, "players") : body;
        if (!json_is(list, JSON_ARRAY))
                return error_set(ret_error, NFL_DATA, "the player list is %s, an array of players is expected",
                                 json_type_name(list));
        struct api_player_page page = {.next_token = json_member_text(body, "nextToken")};
        if (page.next_token && !*page.next_token)
                page.next_token = NULL;
        JSON_FOREACH(node, list) {
                struct api_player player;
                if (read_player(node, &player)) {
                        fn(userdata, &player);
                        page.count++;
                } else {
                        page.unusable++;
                }
        }
        *ret = page;
        return 0;
}
