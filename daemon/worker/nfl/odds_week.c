#include <stdio.h>
#include <stdlib.h>

#include "api_odds.h"
#include "errorclass.h"
#include "errortext.h"
#include "game_id.h"
#include "log.h"
#include "odds_week.h"
#include "outcome.h"
#include "readiness.h"
#include "step_report.h"
#include "store_lines.h"
#include "store_odds.h"
#include "strv.h"
#include "xalloc.h"

/* Where the API gives one price for all books, it stands for each of these. */
static const char *const consensus_books[] = {"draftkings", "fanduel"};

struct sync {
        PGresult *games;
        struct odds_rows rows;
        struct outcome outcome;
        char **without; /* games that have no prices */
        size_t asked, unusable;
        struct odds_progress *progress;
        const char *game_id;
        bool overflow;
};

static void take_price(void *userdata, const struct api_price *price) {
        struct sync *sync = userdata;
        int r = 0;
        if (price->sportsbook)
                r = odds_row(&sync->rows.prices, price->player_id, sync->game_id, price->sportsbook, price->american,
                             false);
        for (size_t i = 0; !price->sportsbook && i < ELEMENTSOF(consensus_books) && r == 0; i++)
                r = odds_row(&sync->rows.prices, price->player_id, sync->game_id, consensus_books[i], price->american,
                             true);
        sync->overflow = sync->overflow || r < 0;
}

static void take_line(void *userdata, const struct api_game_line *line) {
        struct sync *sync = userdata;
        sync->overflow = sync->overflow || line_row(&sync->rows.lines, sync->game_id, line) < 0;
}

static int take_answer(void *userdata, size_t index, const struct answer *answer) {
        struct sync *sync = userdata;
        _cleanup_free_ char *error = NULL;
        struct api_odds odds = {0};
        sync->game_id = PQgetvalue(sync->games, (int)index, 0);
        report_item(sync->game_id);
        report_progress((int64_t)++sync->progress->answered, (int64_t)sync->progress->asked);
        if (answer->kind != ANSWER_DATA && answer->kind != ANSWER_NOTHING) {
                outcome_fail(&sync->outcome, sync->game_id, answer_class(answer), answer->explanation);
                return 0;
        }
        const struct api_odds_taker taker = {.price = take_price, .line = take_line, .userdata = sync};
        size_t start = sync->rows.prices.len;
        if (answer->kind == ANSWER_DATA && api_odds_read(answer->body, sync->game_id, &taker, &odds, &error) < 0) {
                sync->rows.prices.len = start;
                outcome_fail(&sync->outcome, sync->game_id, NFL_DATA, error);
                return 0;
        }
        sync->outcome.good++;
        sync->unusable += odds.unusable;
        if (odds.prices == 0)
                strv_append(&sync->without, sync->game_id);
        log_debug("%s: %zu prices, lines of %zu books", sync->game_id, odds.prices, odds.lines);
        return 0;
}

int odds_week_games(struct worker *worker, const struct week *week, bool missing, PGresult **ret, char **ret_error) {
        char season[16], number[16];
        (void)snprintf(season, sizeof(season), "%d", week->season);
        (void)snprintf(number, sizeof(number), "%d", week->week);
        const char *parameters[] = {season, number, season_type_name(week->type), missing ? "t" : "f"};
        return db_query(worker->db,
                        "SELECT game_id FROM schedule s WHERE season_year = $1 AND week = $2 AND season_type = $3 "
                        "AND status <> 'cancelled' AND NOT ($4::boolean AND status = 'final' AND EXISTS (SELECT FROM "
                        "sportsbook_odds o WHERE o.game_id = s.game_id AND o.fetched_at >= s.kickoff)) "
                        "ORDER BY game_date, game_id",
                        parameters, 4, ret, ret_error);
}

static void fetch_games(struct worker *worker, struct sync *sync) {
        char **paths = xcalloc(sync->asked + 1, sizeof(*paths));
        for (size_t i = 0; i < sync->asked; i++)
                paths[i] = game_id_query("getNFLBettingOdds", PQgetvalue(sync->games, (int)i, 0),
                                         "&playerProps=true&itemFormat=list");
        (void)fetch_all(worker->fetch, (const char *const *)paths, sync->asked, take_answer, sync);
        for (size_t i = 0; i < sync->asked; i++)
                free(paths[i]);
        free(paths);
}

static void sync_done(struct sync *sync) {
        buf_done(&sync->rows.prices);
        buf_done(&sync->rows.lines);
        outcome_done(&sync->outcome);
        strv_free(sync->without);
}

static void report_gaps(const struct sync *sync, const struct week *week) {
        _cleanup_free_ char *names = strv_join(sync->without, ", ");
        if (sync->without) {
                log_notice("no prices for %s", names);
                report_note("week %d: no prices for %zu of %zu games: %s", week->week, strv_length(sync->without),
                            sync->asked, names);
        }
        if (sync->unusable)
                report_warning("unusable_data", "%zu player props have no player or no price that can be read",
                               sync->unusable);
}

static int store(struct worker *worker, struct sync *sync, int64_t *ret_stored, char **ret_error) {
        struct unknown unknown = {0};
        if (sync->overflow)
                return error_set(ret_error, NFL_DATA, "the odds of a week are larger than %zu MiB of rows",
                                 ROWS_MAX >> 20);
        if (sync->rows.prices.len == 0 && sync->rows.lines.len == 0)
                return 0;
        int r = store_odds(worker->db, &sync->rows, worker->settings->now, &unknown, ret_stored, ret_error);
        unknown_report(&unknown);
        unknown_done(&unknown);
        if (r < 0)
                outcome_count_error();
        return r;
}

int odds_week_sync(struct worker *worker, const struct week *week, PGresult *games, struct odds_progress *progress,
                   int64_t *ret_stored, char **ret_error) {
        _cleanup_(sync_done) struct sync sync = {.rows = {.prices = BUF_INIT(ROWS_MAX), .lines = BUF_INIT(ROWS_MAX)},
                                                 .games = games,
                                                 .asked = (size_t)PQntuples(games),
                                                 .progress = progress};
        int64_t stored = 0;
        report_status("odds of week %d, season %d %s", week->week, week->season, season_type_name(week->type));
        report_metric("odds_synced", 0);
        report_progress((int64_t)progress->answered, (int64_t)progress->asked);
        int r = readiness_odds_begin(worker, week, ret_error);
        if (r < 0)
                return r;
        fetch_games(worker, &sync);
        r = store(worker, &sync, &stored, ret_error);
        if (r < 0)
                return r;
        report_gaps(&sync, week);
        report_metric("odds_synced", stored);
        size_t priced = sync.outcome.good - strv_length(sync.without);
        log_info("week %d: %lld prices of %zu game%s stored", week->week, (long long)stored, priced,
                 priced == 1 ? "" : "s");
        *ret_stored = stored;
        r = outcome_result(&sync.outcome, "odds", ret_error);
        return r < 0 ? r : readiness_odds_end(worker, week, ret_error);
}
