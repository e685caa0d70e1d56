/* The API's answers, quirk by quirk: envelopes and errors, players, games, box scores, odds. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_answer.h"
#include "api_box_score.h"
#include "api_games.h"
#include "api_odds.h"
#include "api_players.h"
#include "errorclass.h"
#include "macro.h"
#include "quota.h"
#include "xalloc.h"

/* What was handed over, as one text. */
static char seen[4096];

static void add_seen(const char *format, ...) PRINTF_LIKE(1, 2);
static void add_seen(const char *format, ...) {
        va_list arguments;
        size_t length = strlen(seen);
        va_start(arguments, format);
        (void)vsnprintf(seen + length, sizeof(seen) - length, format, arguments);
        va_end(arguments);
}

/* ' stands for " in the texts of this file. */
static char *quoted(const char *text) {
        char *copy = xstrdup(text);
        for (char *c = copy; *c; c++)
                if (*c == '\'')
                        *c = '"';
        return copy;
}

struct body {
        char *text;
        struct json_doc doc;
};

static struct body body_of(const char *text) {
        struct body body = {.text = quoted(text)};
        char *error = NULL;
        if (json_parse(body.text, strlen(body.text), &body.doc, &error) < 0)
                fail_msg("%s: %s", text, error);
        seen[0] = '\0';
        return body;
}

static void release(struct body *body) {
        json_done(&body->doc);
        free(body->text);
}

static void test_envelopes(void **state) {
        static const struct {
                CURLcode transfer;
                long status;
                const char *text;
                enum answer_kind kind;
        } rows[] = {
                {CURLE_OK, 200, "{'statusCode': 200, 'body': [1]}", ANSWER_DATA},
                {CURLE_OK, 200, "{'statusCode': 200, 'body': {'a': '1'}}", ANSWER_DATA},
                {CURLE_OK, 200, "{'statusCode': 200, 'body': {}, 'error': 'bad gameID'}", ANSWER_NOTHING},
                {CURLE_OK, 200, "{'statusCode': 200, 'body': [], 'error': 'Your query returned no results.'}",
                 ANSWER_NOTHING},
                {CURLE_OK, 200, "{'statusCode': 200, 'body': {}}", ANSWER_NOTHING},
                {CURLE_OK, 200, "{'statusCode': 200, 'body': [1], 'error': 'no games returned'}", ANSWER_NOTHING},
                {CURLE_OK, 200, "{'statusCode': 200}", ANSWER_NOTHING},
                {CURLE_OK, 200, "{'statusCode': 200, 'body': null}", ANSWER_NOTHING},
                {CURLE_OK, 200, "{'message': 'You have exceeded the MONTHLY quota for Requests'}", ANSWER_LATER},
                {CURLE_OK, 200, "{'message': 'Too many requests'}", ANSWER_REPEAT},
                {CURLE_OK, 200, "{'message': 'You are not subscribed to this API.'}", ANSWER_REFUSED},
                {CURLE_OK, 200, "[1, 2]", ANSWER_UNUSABLE},
                {CURLE_OK, 200, "<html>", ANSWER_REPEAT},
                {CURLE_OK, 200, "", ANSWER_REPEAT},
                {CURLE_OK, 200, "{'body': [1", ANSWER_REPEAT},
                {CURLE_OK, 429, "{'message': 'Too many requests'}", ANSWER_REPEAT},
                {CURLE_OK, 429, "", ANSWER_REPEAT},
                {CURLE_OK, 429, "<html>", ANSWER_REPEAT},
                {CURLE_OK, 429, "{'message': 'You have exceeded the DAILY quota for Requests on your current plan'}",
                 ANSWER_LATER},
                {CURLE_OK, 500, "", ANSWER_REPEAT},
                {CURLE_OK, 503, "{}", ANSWER_REPEAT},
                {CURLE_OK, 401, "{'message': 'Invalid API key'}", ANSWER_REFUSED},
                {CURLE_OK, 403, "{'message': 'You are not subscribed to this API.'}", ANSWER_REFUSED},
                {CURLE_OK, 404, "{'message': 'Endpoint does not exist'}", ANSWER_REFUSED},
                {CURLE_OK, 302, "", ANSWER_UNUSABLE},
                {CURLE_OK, 400, "{}", ANSWER_UNUSABLE},
                {CURLE_OPERATION_TIMEDOUT, 0, "", ANSWER_REPEAT},
                {CURLE_PARTIAL_FILE, 200, "{'bo", ANSWER_REPEAT},
                {CURLE_RECV_ERROR, 0, "", ANSWER_REPEAT},
                {CURLE_COULDNT_CONNECT, 0, "", ANSWER_REPEAT},
                {CURLE_WRITE_ERROR, 200, "", ANSWER_UNUSABLE},
                {CURLE_URL_MALFORMAT, 0, "", ANSWER_REFUSED},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *text = quoted(rows[i].text);
                struct answer_input input = {rows[i].transfer, "", rows[i].status, text, strlen(text)};
                struct answer answer;
                answer_read(&input, &answer);
                bool data = answer.kind == ANSWER_DATA;
                if (answer.kind != rows[i].kind || data != (answer.body != NULL) ||
                    data == (answer.explanation != NULL))
                        fail_msg("%ld %s: kind %d, %s", rows[i].status, rows[i].text, (int)answer.kind,
                                 answer.explanation ? answer.explanation : "-");
                answer_done(&answer);
                free(text);
        }
}

static void see_player(void *userdata, const struct api_player *player) {
        add_seen("%s|%s|%s|%s|%d;", player->id, player->name, player->position, player->team, player->active);
}

static void test_players(void **state) {
        struct api_player_page page;
        char *error = NULL;
        struct body b = body_of(
                "[{'playerID': '1', 'longName': 'A B', 'pos': 'WR', 'team': 'LA', 'isFreeAgent': 'False'},"
                "{'playerID': '2', 'espnName': 'C', 'team': 'FA'},"
                "{'playerID': '3', 'longName': 'D', 'pos': 'TE', 'team': 'BUF', 'isFreeAgent': 'True'},"
                "{'longName': 'no id'}, 7, {'playerID': '4', 'longName': ''}, {'playerID': 5, 'longName': 'number'}]");
        assert_int_equal(api_players_read(b.doc.nodes, see_player, NULL, &page, NULL), 0);
        assert_string_equal(seen, "1|A B|WR|LAR|1;2|C|||0;3|D|TE|BUF|0;");
        assert_int_equal(page.count, 3);
        assert_int_equal(page.unusable, 4);
        assert_null(page.next_token);
        release(&b);
        b = body_of("{'players': [{'playerID': '1', 'longName': 'A', 'pos': 'WR', 'team': 'KC'}], 'nextToken': 'x y'}");
        assert_int_equal(api_players_read(b.doc.nodes, see_player, NULL, &page, NULL), 0);
        assert_string_equal(page.next_token, "x y");
        assert_int_equal(page.count, 1);
        release(&b);
        b = body_of("{'players': 'none'}");
        assert_int_equal(api_players_read(b.doc.nodes, see_player, NULL, &page, &error), NFL_DATA);
        assert_non_null(strstr(error, "a string"));
        free(error);
        release(&b);
}

static void see_game(void *userdata, const struct api_game *game) {
        char day[DAY_SIZE];
        add_seen("%s|%d|%s|%llu|%s@%s|%s;", game->id, game->week.week, day_format(day, game->date),
                 (unsigned long long)(game->kickoff / USEC_PER_SEC), game->away, game->home,
                 game_status_name(game->status));
}

static void read_games(const char *text, int week, enum season_type type, size_t expected_unusable,
                       const char *expected) {
        struct week asked = {2024, week, type};
        size_t unusable = 0;
        char *problem = NULL;
        struct body b = body_of(text);
        assert_int_equal(api_games_read(b.doc.nodes, &asked, see_game, NULL, &unusable, &problem, NULL), 0);
        assert_string_equal(seen, expected);
        assert_int_equal(unusable, expected_unusable);
        assert_int_equal(problem != NULL, expected_unusable > 0);
        free(problem);
        release(&b);
}

static void test_games(void **state) {
        read_games(
                "[{'gameID': '20241103_WAS@NYG', 'season': '2024', 'gameWeek': 'Week 9', 'gameDate': '20241103', 'away': 'WAS',"
                "'home': 'NYG', 'gameTime_epoch': '1730656800.0', 'gameStatus': 'Final', 'gameStatusCode': '2'}]",
                0, SEASON_REG, 0, "20241103_WAS@NYG|9|2024-11-03|1730656800|WSH@NYG|final;");
        /* Not set yet; a playoff week whose words nobody knows; the status by words. */
        read_games(
                "[{'gameID': '20250111_LAC@HOU', 'season': '2024', 'gameWeek': 'Wild Card', 'gameDate': '', 'away': 'LAC',"
                "'home': 'HOU', 'gameTime': 'TBD', 'gameTime_epoch': '', 'gameStatus': 'Completed'},"
                "{'gameID': '20250112_GB@PHI', 'away': 'GB', 'home': 'PHI', 'gameStatus': 'Postponed', 'gameStatusCode': '0'}]",
                1, SEASON_POST, 0,
                "20250111_LAC@HOU|1|2025-01-11|0|LAC@HOU|final;20250112_GB@PHI|1|2025-01-12|0|GB@PHI|postponed;");
        /* Another season, no id, no object, no such week, no home team, no number. */
        read_games(
                "[{'gameID': '20241103_MIA@BUF', 'season': '2023', 'gameWeek': 'Week 9', 'away': 'MIA', 'home': 'BUF'},"
                "{'gameID': 'x', 'gameWeek': 'Week 9'}, 7,"
                "{'gameID': '20241103_MIA@BUF', 'gameWeek': 'Week 99', 'away': 'MIA', 'home': 'BUF'},"
                "{'gameID': '20241103_MIA@BUF', 'gameWeek': 'Week 9', 'away': 'MIA'},"
                "{'gameID': '20241103_MIA@BUF', 'gameWeek': 'Week 9', 'away': 'MIA', 'home': 'BUF', 'gameTime_epoch': {'a': 1}}]",
                0, SEASON_REG, 6, "");
        struct body b = body_of("{'a': 1}");
        struct week asked = {2024, 0, SEASON_REG};
        size_t unusable;
        char *problem, *error = NULL;
        assert_int_equal(api_games_read(b.doc.nodes, &asked, see_game, NULL, &unusable, &problem, &error), NFL_DATA);
        free(error);
        release(&b);
}

static void see_line(void *userdata, const struct api_line *line) {
        add_seen("%s %s %s:", line->player_id, line->name, line->team);
        for (size_t i = 0; i < LINE_VALUES; i++)
                add_seen(" %lld", (long long)line->value[i]);
        add_seen(";");
}

#define SCORE "'gameID': 'g', 'gameStatusCode': '2', 'awayPts': '42', 'homePts': '44', 'playerStats': "

static void read_box(const char *players, const char *expected) {
        char *text = xasprintf("{" SCORE "%s}", players);
        struct body b = body_of(text);
        struct api_box_score score;
        assert_int_equal(api_box_score_read(b.doc.nodes, "g", see_line, NULL, &score, NULL), 0);
        assert_string_equal(seen, expected);
        assert_int_equal(score.status, GAME_FINAL);
        assert_int_equal(score.away_score, 42);
        assert_int_equal(score.home_score, 44);
        release(&b);
        free(text);
}

static void test_box_score(void **state) {
        read_box(
                "{'1': {'longName': 'R', 'teamAbv': 'LA', 'Receiving': {'targets': '5', 'receptions': '3', 'recYds': '-2', 'recTD': '1'},"
                "'Rushing': {'carries': '1', 'rushYds': '-34', 'rushTD': '0'}}}",
                "1 R LAR: 5 3 -2 1 1 -34 0 0;");
        /* Snaps and defence alone make no line; a category in part does; a passer does. */
        read_box("{'1': {'longName': 'S', 'team': 'KC', 'snapCounts': {'offSnap': '12'}},"
                 "'2': {'longName': 'D', 'Defense': {'defTD': '1'}},"
                 "'3': {'longName': 'E', 'team': 'KC', 'Receiving': {'receivingTwoPointConversion': '1'}},"
                 "'4': {'longName': 'Q', 'team': 'KC', 'Passing': {'passTD': '3'}}}",
                 "3 E KC: 0 0 0 0 0 0 0 0;4 Q KC: 0 0 0 0 0 0 0 0;");
        /* Returns: a touchdown makes a line, a return alone does not. */
        read_box(
                "{'1': {'longName': 'K', 'team': 'KC', 'Kicking': {'kickReturns': '3', 'kickReturnTD': '0'}},"
                "'2': {'longName': 'L', 'team': 'KC', 'Kicking': {'kickReturnTD': '1'}, 'Punting': {'puntReturnTD': '1'}}}",
                "2 L KC: 0 0 0 0 0 0 0 2;");
        /* A blocked punt brought back stands in his scoring plays only, and is not of those who stand there too. */
        read_box(
                "{'1': {'longName': 'Hunter Long', 'team': 'LAR', 'scoringPlays': [{'score': 'Hunter Long 22 Yd Return of Blocked Punt', "
                "'scoreType': 'BP'}, {'score': null}, 7]}, '2': {'longName': 'Kicker', 'team': 'LAR', 'scoringPlays': "
                "[{'score': 'Hunter Long 22 Yd Return of Blocked Punt (Kicker Kick)'}]}}",
                "1 Hunter Long LAR: 0 0 0 0 0 0 0 1;");
        /* As a list. */
        read_box("[{'playerID': '9', 'longName': 'L', 'team': 'BUF', 'Rushing': {'carries': '2'}}]",
                 "9 L BUF: 0 0 0 0 2 0 0 0;");
}

static void refuse_box(const char *text) {
        struct body b = body_of(text);
        struct api_box_score score;
        char *error = NULL;
        int r = api_box_score_read(b.doc.nodes, "g", see_line, NULL, &score, &error);
        if (r != NFL_DATA || !error)
                fail_msg("taken: %s", text);
        free(error);
        release(&b);
}

static void test_box_score_refused(void **state) {
        refuse_box("[1]");
        refuse_box("{'gameID': 'other', 'gameStatusCode': '2'}");
        refuse_box("{'gameStatusCode': '2', 'playerStats': {}}");
        refuse_box("{" SCORE "'text'}");
        refuse_box("{" SCORE "{'1': 'text'}}");
        refuse_box("{" SCORE "{'1': {'longName': 'X', 'Receiving': {'recYds': 'many'}}}}");
        refuse_box("{" SCORE "{'1': {'longName': 'X', 'Receiving': {'recTD': {'a': 1}}}}}");
        refuse_box("{" SCORE "{'1': {'longName': 'X', 'Rushing': {'rushYds': '99999'}}}}");
        refuse_box("{'gameID': 'g', 'gameStatusCode': '2', 'awayPts': 'x', 'playerStats': {}}");
}

static void see_price(void *userdata, const struct api_price *price) {
        add_seen("%s|%s|%d;", price->player_id, price->sportsbook ? price->sportsbook : "*", price->american);
}

static void see_game_line(void *userdata, const struct api_game_line *line) {
        add_seen("%s %g %g;", line->sportsbook, line->total, line->home_spread);
}

static void no_game_line(void *userdata, const struct api_game_line *line) {
}

static void no_price(void *userdata, const struct api_price *price) {
}

static const struct api_odds_taker price_taker = {.price = see_price, .line = no_game_line};

static void read_lines(const char *text, const char *expected) {
        static const struct api_odds_taker taker = {.price = no_price, .line = see_game_line};
        struct body b = body_of(text);
        struct api_odds odds;
        char *error = NULL;
        if (api_odds_read(b.doc.nodes, "g", &taker, &odds, &error) < 0)
                fail_msg("%s: %s", text, error);
        assert_string_equal(seen, expected);
        release(&b);
}

static void test_odds_lines(void **state) {
        read_lines(
                "{'gameID': 'g', 'draftkings': {'totalOver': '44.5', 'homeTeamSpread': '-3', 'awayTeamSpread': '+3'},"
                "'fanduel': {'totalUnder': '45', 'awayTeamSpread': '+2.5'}, 'homeTeam': 'KC'}",
                "draftkings 44.5 -3;fanduel 45 -2.5;");
        read_lines(
                "[{'gameID': 'g', 'sportsBooks': [{'sportsBook': 'bet365', 'odds': {'totalOver': 41, 'homeTeamSpread': 'PK'}},"
                "{'odds': {'totalOver': '41', 'homeTeamSpread': '1'}}, 7]}]",
                "bet365 41 0;");
        /* What is missing, no number or none that a game can have is no line. */
        read_lines(
                "{'gameID': 'g', 'a': {}, 'b': {'totalOver': '44'}, 'c': {'totalOver': 'x', 'homeTeamSpread': '1'},"
                "'d': {'totalOver': '444', 'homeTeamSpread': '1'}, 'e': {'totalOver': '44', 'homeTeamSpread': '-99'},"
                "'f': {'totalOver': '', 'homeTeamSpread': null}, 'i': {'totalOver': ['44'], 'homeTeamSpread': 1},"
                "'j': {'totalOver': '4', 'homeTeamSpread': '1'}, 'k': {'homeTeamSpread': '1'}}",
                "");
}

static void read_odds(const char *text, const char *expected, size_t unusable) {
        struct body b = body_of(text);
        struct api_odds odds;
        char *error = NULL;
        if (api_odds_read(b.doc.nodes, "g", &price_taker, &odds, &error) < 0)
                fail_msg("%s: %s", text, error);
        assert_string_equal(seen, expected);
        assert_int_equal(odds.unusable, unusable);
        release(&b);
}

#define PROPS                                                                                                          \
        "'playerProps': [{'playerID': '1', 'propBets': {'anytd': '160', 'recyds': '69.5'}},"                           \
        "{'playerID': '2', 'propBets': {'anytd': 'even'}}]"
#define BOTH "1|*|160;2|*|100;"

static void test_odds_shapes(void **state) {
        read_odds("{'gameID': 'g', 'draftkings': {'totalOver': '44'}, " PROPS "}", BOTH, 0);
        read_odds("{" PROPS "}", BOTH, 0);
        read_odds("{'g': {'gameID': 'g', " PROPS "}, 'h': {'gameID': 'h'}}", BOTH, 0);
        read_odds("[{'gameID': 'h', 'playerProps': [7]}, {'gameID': 'g', 'sportsBooks': [], " PROPS "}]", BOTH, 0);
        read_odds("[{'gameID': 'h'}]", "", 0);
        read_odds("{'gameID': 'g'}", "", 0);
        read_odds("{'gameID': 'g', 'playerProps': []}", "", 0);
        read_odds(
                "{'gameID': 'g', 'playerProps': [{'playerID': '1', 'propBets': {'anytd': {'draftkings': '-140', 'fanduel': '+150'}}}]}",
                "1|draftkings|-140;1|fanduel|150;", 0);
        read_odds(
                "{'gameID': 'g', 'playerProps': [{'playerID': '1', 'propBets': {'draftkings': {'anytd': '200'}, 'fanduel': {'recs': '2'}}}]}",
                "1|draftkings|200;", 0);
}

static void test_odds_prices(void **state) {
        read_odds(
                "{'gameID': 'g', 'playerProps': [{'playerID': '1', 'propBets': {'anytd': ''}},"
                "{'playerID': '2', 'propBets': {'anytd': null}}, {'playerID': '3', 'propBets': {}}, {'playerID': '4'},"
                "{'playerID': '5', 'propBets': {'anytd': 150}}, {'playerID': '6', 'propBets': {'anytd': 'n/a'}},"
                "{'propBets': {'anytd': '100'}}, {'playerID': '7', 'propBets': 3}, null]}",
                "5|*|150;", 4);
}

static void refuse_odds(const char *text) {
        struct body b = body_of(text);
        struct api_odds odds;
        char *error = NULL;
        if (api_odds_read(b.doc.nodes, "g", &price_taker, &odds, &error) != NFL_DATA || !error)
                fail_msg("taken: %s", text);
        free(error);
        release(&b);
}

static void test_odds_refused(void **state) {
        refuse_odds("'text'");
        refuse_odds("{'gameID': 'other', " PROPS "}");
        refuse_odds("{'gameID': 'g', 'playerProps': 'not a list'}");
        refuse_odds("{'gameID': 'g', 'playerProps': {'1': {'anytd': '160'}}}");
        refuse_odds("{'gameID': 'g', 'playerProps': [7, 8]}");
        refuse_odds("{'g': 'text'}");
}

static void header(struct quota *quota, const char *text) {
        quota_read(quota, text, strlen(text));
}

static void test_quota(void **state) {
        struct quota quota = QUOTA_INIT;
        assert_false(quota_is_low(&quota, -1));
        header(&quota, "Content-Type: application/json\r\n");
        header(&quota, "X-RateLimit-Requests-Remaining: many\r\n");
        header(&quota, "X-RateLimit-Requests-Remaining:");
        header(&quota, "X-RateLimit-Requests-Remaining: 99999999999999999999999999999999999999999999\r\n");
        assert_true(quota.remaining == QUOTA_UNKNOWN);
        header(&quota, "x-ratelimit-requests-remaining: 51\r\n");
        assert_false(quota_is_low(&quota, -1));
        header(&quota, "X-RateLimit-Requests-Remaining:50");
        assert_true(quota_is_low(&quota, -1));
        header(&quota, "X-RateLimit-Requests-Remaining: 52\r\n"); /* overtaken */
        assert_int_equal(quota.remaining, 50);
        header(&quota, "X-RateLimit-Requests-Limit: 499\r\n");
        assert_false(quota_is_low(&quota, -1));
        header(&quota, "X-RateLimit-Requests-Limit: 500\r\n");
        assert_true(quota_is_low(&quota, -1));
        assert_false(quota_is_low(&quota, 49));
        header(&quota, "X-RateLimit-Requests-Reset: 86000\r\n");
        char *text = quota_text(&quota, 16);
        assert_string_equal(
                text, "50 of the plan's 500 calls are left, until it is full again in 23h 53min; this command made 16");
        free(text);
        header(&quota, "X-RateLimit-Requests-Remaining: -414\r\n");
        text = quota_text(&quota, 0);
        assert_non_null(strstr(text, "none of the plan's 500 calls are left (414 were made beyond it), until"));
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_envelopes),
                cmocka_unit_test(test_players),
                cmocka_unit_test(test_games),
                cmocka_unit_test(test_box_score),
                cmocka_unit_test(test_box_score_refused),
                cmocka_unit_test(test_odds_shapes),
                cmocka_unit_test(test_odds_prices),
                cmocka_unit_test(test_odds_lines),
                cmocka_unit_test(test_quota),
                cmocka_unit_test(test_odds_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
