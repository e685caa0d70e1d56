/* batch-nfl odds: anytime-touchdown prices of the run's week, by player, game and sportsbook.
 *
 * What is stored is never taken away: prices that came are upserted in one transaction after everything has been
 * fetched; where a fetch or the write fails, the old ones stay. */
#include <stdio.h>
#include <stdlib.h>

#include "api_odds.h"
#include "errorclass.h"
#include "errortext.h"
#include "game_id.h"
#include "log.h"
#include "outcome.h"
#include "step_report.h"
#include "store_odds.h"
#include "store_week.h"
#include "strv.h"
#include "worker.h"
#include "xalloc.h"

/* Where the API gives one price for all books, it stands for each of these. */
static const char *const consensus_books[] = {"draftkings", "fanduel"};

struct sync {
        PGresult *games;
        struct buf rows;
        struct outcome outcome;
        char **without; /* games that have no prices */
        size_t asked, answered, unusable;
        const char *game_id;
        bool overflow;
};

static void take_price(void *userdata, const struct api_price *price) {
        struct sync *sync = userdata;
        int r = 0;
        if (price->sportsbook)
                r = odds_row(&sync->rows, price->player_id, sync->game_id, price->sportsbook, price->american, false);
        for (size_t i = 0; !price->sportsbook && i < ELEMENTSOF(consensus_books) && r == 0; i++)
                r = odds_row(&sync->rows, price->player_id, sync->game_id, consensus_books[i], price->american, true);
        sync->overflow = sync->overflow || r < 0;
}

static int take_answer(void *userdata, size_t index, const struct answer *answer) {
        struct sync *sync = userdata;
        _cleanup_free_ char *error = NULL;
        struct api_odds odds = {0};
        sync->game_id = PQgetvalue(sync->games, (int)index, 0);
        report_item(sync->game_id);
        report_progress((int64_t)++sync->answered, (int64_t)sync->asked);
        if (answer->kind != ANSWER_DATA && answer->kind != ANSWER_NOTHING) {
                outcome_fail(&sync->outcome, sync->game_id, answer_class(answer), answer->explanation);
                return 0;
        }
        size_t start = sync->rows.len;
        if (answer->kind == ANSWER_DATA &&
            api_odds_read(answer->body, sync->game_id, take_price, sync, &odds, &error) < 0) {
                sync->rows.len = start;
                outcome_fail(&sync->outcome, sync->game_id, NFL_DATA, error);
                return 0;
        }
        sync->outcome.good++;
        sync->unusable += odds.unusable;
        if (odds.prices == 0)
                strv_append(&sync->without, sync->game_id);
        log_debug("%s: %zu prices", sync->game_id, odds.prices);
        return 0;
}

static int find_games(struct worker *worker, const struct week *week, PGresult **ret, char **ret_error) {
        char season[16], number[16];
        (void)snprintf(season, sizeof(season), "%d", week->season);
        (void)snprintf(number, sizeof(number), "%d", week->week);
        const char *parameters[] = {season, number, season_type_name(week->type)};
        int r = db_query(worker->db,
                         "SELECT game_id FROM schedule WHERE season_year = $1 AND week = $2 AND season_type = $3 "
                         "AND status <> 'cancelled' ORDER BY game_date, game_id",
                         parameters, 3, ret, ret_error);
        if (r == 0 && PQntuples(*ret) == 0)
                return error_set(ret_error, NFL_DATA,
                                 "the schedule has no games of week %d, season %d %s: run `batch-nfl schedule` first",
                                 week->week, week->season, season_type_name(week->type));
        return r;
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
        PQclear(sync->games);
        buf_done(&sync->rows);
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

int command_odds(struct worker *worker, char **ret_error) {
        _cleanup_(sync_done) struct sync sync = {.rows = BUF_INIT(ROWS_MAX)};
        struct unknown unknown = {0};
        struct week week;
        int64_t stored = 0;
        int r = week_resolve(worker, &week, ret_error);
        r = r < 0 ? r : find_games(worker, &week, &sync.games, ret_error);
        r = r < 0 ? r : unknown_check(worker->db, ret_error);
        if (r < 0)
                return r;
        sync.asked = (size_t)PQntuples(sync.games);
        report_status("odds of week %d, season %d %s", week.week, week.season, season_type_name(week.type));
        report_metric("odds_synced", 0);
        report_progress(0, (int64_t)sync.asked);
        fetch_games(worker, &sync);
        if (sync.overflow)
                return error_set(ret_error, NFL_DATA, "the odds of a week are larger than %zu MiB of rows",
                                 ROWS_MAX >> 20);
        if (sync.rows.len > 0) {
                r = store_odds(worker->db, &sync.rows, worker->settings->now, &unknown, &stored, ret_error);
                unknown_report(&unknown);
                unknown_done(&unknown);
                if (r < 0) {
                        report_metric("errors_encountered", 1);
                        return r;
                }
        }
        report_gaps(&sync, &week);
        report_metric("odds_synced", stored);
        report_records(stored, sync.outcome.good == sync.asked);
        log_info("%lld prices of %zu games stored", (long long)stored, sync.outcome.good - strv_length(sync.without));
        return outcome_result(&sync.outcome, "odds", ret_error);
}
