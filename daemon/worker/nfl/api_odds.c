#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api_odds.h"
#include "errorclass.h"
#include "errortext.h"
#include "price.h"
#include "strutil.h"

static bool is_game(const struct json_node *node, const char *game_id) {
        const char *id = json_member_text(node, "gameID");
        return id && streq(id, game_id);
}

/* The game's object in any of the body shapes, or NULL. */
static const struct json_node *find_game(const struct json_node *body, const char *game_id) {
        if (json_is(body, JSON_OBJECT)) {
                const struct json_node *keyed = json_member(body, game_id);
                if (keyed)
                        return keyed;
                /* The single game; some answers carry no gameID beside the props. */
                bool anonymous = !json_member(body, "gameID") && json_member(body, "playerProps");
                return is_game(body, game_id) || anonymous ? body : NULL;
        }
        JSON_FOREACH(node, body)
        if (is_game(node, game_id))
                return node;
        return NULL;
}

struct reading {
        const char *player_id;
        const struct api_odds_taker *taker;
        struct api_odds odds;
};

static void read_price(struct reading *reading, const struct json_node *node, const char *sportsbook) {
        char number[32];
        const char *text = json_text(node);
        if (json_is_nothing(node))
                return;
        if (json_is(node, JSON_NUMBER)) {
                (void)snprintf(number, sizeof(number), "%.*s", (int)node->length, node->text);
                text = number;
        }
        struct api_price price = {.player_id = reading->player_id, .sportsbook = sportsbook};
        int r = text ? price_parse(text, &price.american) : -EBADMSG;
        if (r == 0) {
                reading->taker->price(reading->taker->userdata, &price);
                reading->odds.prices++;
        } else if (r != -ENODATA) {
                reading->odds.unusable++;
        }
}

static void read_prop(struct reading *reading, const struct json_node *prop) {
        const struct json_node *bets = json_member(prop, "propBets");
        reading->player_id = json_member_text(prop, "playerID");
        if (!reading->player_id || !*reading->player_id || (!json_is_nothing(bets) && !json_is(bets, JSON_OBJECT))) {
                reading->odds.unusable++;
                return;
        }
        const struct json_node *anytime = json_member(bets, "anytd");
        if (anytime && !json_is(anytime, JSON_OBJECT)) {
                read_price(reading, anytime, NULL);
                return;
        }
        const struct json_node *books = anytime ? anytime : bets;
        JSON_FOREACH(book, books)
        if (anytime || json_is(book + 1, JSON_OBJECT))
                read_price(reading, anytime ? book + 1 : json_member(book + 1, "anytd"), book->text);
}

/* A decimal number as the API writes lines: "44.5", "-3", "+3", "PK". Bounds as in game_lines (sql/). */
static bool read_points(const struct json_node *node, double least, double most, double *ret) {
        char text[16];
        double value;
        if (!node || (node->type != JSON_STRING && node->type != JSON_NUMBER) || node->length == 0 ||
            node->length >= sizeof(text))
                return false;
        (void)snprintf(text, sizeof(text), "%.*s", (int)node->length, node->text);
        bool pick = strcasecmp(text, "pk") == 0 || strcasecmp(text, "pick") == 0 || strcasecmp(text, "even") == 0;
        if (pick)
                value = 0;
        else if (parse_double(*text == '+' ? text + 1 : text, &value) < 0)
                return false;
        *ret = value;
        return value >= least && value <= most;
}

static void read_book(struct reading *reading, const char *sportsbook, const struct json_node *odds) {
        struct api_game_line line = {.sportsbook = sportsbook};
        double away;
        if (!sportsbook || !*sportsbook || !json_is(odds, JSON_OBJECT))
                return;
        bool total = read_points(json_member(odds, "totalOver"), 10, 120, &line.total) ||
                     read_points(json_member(odds, "totalUnder"), 10, 120, &line.total);
        bool spread = read_points(json_member(odds, "homeTeamSpread"), -60, 60, &line.home_spread);
        if (!spread && read_points(json_member(odds, "awayTeamSpread"), -60, 60, &away)) {
                line.home_spread = -away;
                spread = true;
        }
        if (!total || !spread)
                return;
        reading->taker->line(reading->taker->userdata, &line);
        reading->odds.lines++;
}

static void read_books(struct reading *reading, const struct json_node *game) {
        const struct json_node *list = json_member(game, "sportsBooks");
        JSON_FOREACH(name, game)
        read_book(reading, name->text, name + 1);
        if (!json_is(list, JSON_ARRAY))
                return;
        JSON_FOREACH(book, list)
        read_book(reading, json_member_text(book, "sportsBook"), json_member(book, "odds"));
}

int api_odds_read(const struct json_node *body, const char *game_id, const struct api_odds_taker *taker,
                  struct api_odds *ret, char **ret_error) {
        struct reading reading = {.taker = taker};
        if (!json_is(body, JSON_OBJECT) && !json_is(body, JSON_ARRAY))
                return error_set(ret_error, NFL_DATA, "the odds are %s, an object or an array is expected",
                                 json_type_name(body));
        const struct json_node *game = find_game(body, game_id);
        const struct json_node *props = json_member(game, "playerProps");
        if (game && !json_is(game, JSON_OBJECT))
                return error_set(ret_error, NFL_DATA, "the odds of the game are %s, an object is expected",
                                 json_type_name(game));
        if (!game && json_is(body, JSON_OBJECT) && json_member(body, "gameID"))
                return error_set(ret_error, NFL_DATA, "the odds are of another game (gameID %s)",
                                 str_or(json_member_text(body, "gameID"), json_type_name(json_member(body, "gameID"))));
        if (!json_is_nothing(props) && !json_is(props, JSON_ARRAY))
                return error_set(ret_error, NFL_DATA, "playerProps is %s, an array is expected", json_type_name(props));
        reading.odds.found = game != NULL;
        JSON_FOREACH(prop, props)
        read_prop(&reading, prop);
        if (reading.odds.prices == 0 && props && reading.odds.unusable == props->length && props->length > 0)
                return error_set(ret_error, NFL_DATA,
                                 "none of %u playerProps has a playerID, propBets and a price as they should be",
                                 props->length);
        if (game)
                read_books(&reading, game);
        *ret = reading.odds;
        return 0;
}
