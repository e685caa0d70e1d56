/* Any bytes as an answer of the football API: read as each of the bodies that the worker knows. The first byte chooses
 * the HTTP status. What is handed over is text that PostgreSQL takes, and numbers in their range. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api_answer.h"
#include "api_box_score.h"
#include "api_games.h"
#include "api_odds.h"
#include "api_players.h"
#include "game_id.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text) {
        assert(text && utf8_is_valid(text, strlen(text)));
}

static void on_player(void *userdata, const struct api_player *player) {
        check_text(player->name);
        check_text(player->position);
        check_text(player->team);
        assert(*player->id && *player->name);
}

static void on_game(void *userdata, const struct api_game *game) {
        assert(game_id_is_valid(game->id) && game->week.week >= 1 && game->week.week <= 18);
        check_text(game->away);
        check_text(game->home);
}

static void on_line(void *userdata, const struct api_line *line) {
        check_text(line->name);
        check_text(line->team);
        assert(*line->player_id && line->value[LINE_TARGETS] <= 2000);
}

static void on_price(void *userdata, const struct api_price *price) {
        assert(*price->player_id && abs(price->american) >= 100);
        if (price->sportsbook)
                check_text(price->sportsbook);
}

static void on_game_line(void *userdata, const struct api_game_line *line) {
        check_text(line->sportsbook);
        assert(line->total >= 10 && line->total <= 120 && line->home_spread >= -60 && line->home_spread <= 60);
}

static void read_bodies(const struct json_node *body) {
        struct week asked = {2024, 0, SEASON_REG}, post = {2024, 1, SEASON_POST};
        struct api_player_page page;
        struct api_box_score score;
        static const struct api_odds_taker taker = {.price = on_price, .line = on_game_line};
        struct api_odds odds;
        char *error = NULL, *problem = NULL;
        size_t unusable;

        (void)api_players_read(body, on_player, NULL, &page, &error);
        if (api_games_read(body, &asked, on_game, NULL, &unusable, &problem, &error) == 0)
                assert((unusable > 0) == (problem != NULL));
        free(problem);
        problem = NULL;
        if (api_games_read(body, &post, on_game, NULL, &unusable, &problem, &error) == 0)
                free(problem);
        (void)api_box_score_read(body, "20241103_MIA@BUF", on_line, NULL, &score, &error);
        (void)api_odds_read(body, "20241103_MIA@BUF", &taker, &odds, &error);
        free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const long statuses[] = {200, 200, 200, 429, 500, 403};
        struct answer answer;

        if (size == 0)
                return 0;
        char *text = malloc(size);
        if (!text)
                abort();
        memcpy(text, data + 1, size - 1);
        text[size - 1] = '\0';
        struct answer_input input = {
                .transfer = CURLE_OK,
                .transfer_error = "",
                .http_status = statuses[data[0] % (sizeof(statuses) / sizeof(*statuses))],
                .text = text,
                .length = size - 1,
        };
        answer_read(&input, &answer);
        assert((answer.kind == ANSWER_DATA) == (answer.body != NULL));
        assert(answer.body || (answer.explanation && utf8_is_valid(answer.explanation, strlen(answer.explanation))));
        if (answer.body)
                read_bodies(answer.body);
        answer_done(&answer);
        free(text);
        return 0;
}
