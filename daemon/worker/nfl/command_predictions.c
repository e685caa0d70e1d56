/* batch-nfl predictions: how likely each active receiver and tight end scores in the run's week, from games before it.
 *
 * A prediction that exists is never written again: it counts as skipped. */
#include <stdio.h>
#include <stdlib.h>

#include "baseline.h"
#include "errorclass.h"
#include "errortext.h"
#include "log.h"
#include "macro.h"
#include "price.h"
#include "step_report.h"
#include "store_week.h"
#include "strutil.h"
#include "worker.h"
#include "xalloc.h"

/* $1 season, $2 week, $3 type. Who is asked for: active WR and TE whose team plays in that week, or who have a price in
 * one of its games (a price outlives a stale roster). The best price is the one that pays most. */
static const char candidates_sql[] =
        "WITH games AS (SELECT game_id, away_team, home_team FROM schedule WHERE season_year = $1 AND week = $2 AND season_type = $3 "
        "AND status NOT IN ('cancelled', 'postponed')), "
        "prices AS (SELECT player_id, (array_agg(anytime_td_odds ORDER BY CASE WHEN anytime_td_odds > 0 "
        "THEN anytime_td_odds / 100.0 ELSE -100.0 / anytime_td_odds END DESC))[1] AS best FROM sportsbook_odds JOIN games USING (game_id) "
        "GROUP BY player_id), "
        "past AS (SELECT player_id, count(*) AS lines, count(*) FILTER (WHERE receiving_td + rushing_td + return_td > 0) AS scored "
        "FROM game_logs WHERE (season_year, season_type = 'post', week) < ($1::integer, $3 = 'post', $2::integer) GROUP BY player_id), "
        "rates AS (SELECT position, sum(lines) AS lines, sum(scored) AS scored FROM past JOIN players USING (player_id) GROUP BY position) "
        "SELECT p.player_id, p.position, coalesce(t.lines, 0), coalesce(t.scored, 0), coalesce(r.lines, 0), coalesce(r.scored, 0), "
        "o.best FROM players p LEFT JOIN past t USING (player_id) LEFT JOIN rates r USING (position) "
        "LEFT JOIN prices o USING (player_id) WHERE p.active_status AND p.position IN ('WR', 'TE') AND (o.best IS NOT NULL OR EXISTS "
        "(SELECT FROM games g WHERE p.team IN (g.away_team, g.home_team))) ORDER BY p.player_id";
static const char create_sql[] =
        "CREATE TEMP TABLE incoming_predictions (player_id text, likelihood double precision, model_odds integer, "
        "favor boolean) ON COMMIT DROP";
static const char insert_sql[] =
        "WITH stored AS (INSERT INTO predictions (player_id, season_year, week, season_type, td_likelihood, model_odds, favor, "
        "model_version, created_at) SELECT player_id, $1, $2, $3, likelihood, model_odds, favor, '" BASELINE_VERSION
        "', "
        "$4::timestamptz FROM incoming_predictions ORDER BY player_id "
        "ON CONFLICT (player_id, season_year, week, season_type) DO NOTHING RETURNING 1) SELECT count(*) FROM stored";

/* One row of the COPY from one row of the candidates. */
static int predict(const PGresult *candidates, int i, struct buf *rows) {
        struct scoring player = {.lines = result_int(candidates, i, 2), .scored = result_int(candidates, i, 3)};
        struct scoring position = {.lines = result_int(candidates, i, 4), .scored = result_int(candidates, i, 5)};
        double rate = baseline_position_rate(streq(PQgetvalue(candidates, i, 1), "TE"), &position);
        double chance = baseline_chance(rate, &player);
        const char *favor = NULL;
        if (!PQgetisnull(candidates, i, 6))
                favor = chance > price_to_chance((int)result_int(candidates, i, 6)) ? "t" : "f";
        char likelihood[32];
        (void)snprintf(likelihood, sizeof(likelihood), "%.6f", chance);
        int r = row_text(rows, PQgetvalue(candidates, i, 0));
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_text(rows, likelihood);
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_int(rows, price_from_chance(chance));
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_text(rows, favor);
        return r < 0 ? r : row_end(rows);
}

struct batch {
        struct buf rows;
        int64_t candidates, with_price, stored;
};

static int predict_all(struct db *db, const char *const parameters[4], struct batch *batch, char **ret_error) {
        _cleanup_result_ PGresult *candidates = NULL;
        int r = db_query(db, candidates_sql, parameters, 3, &candidates, ret_error);
        if (r < 0)
                return r;
        batch->candidates = PQntuples(candidates);
        for (int i = 0; i < PQntuples(candidates); i++) {
                if (predict(candidates, i, &batch->rows) < 0)
                        return error_set(ret_error, NFL_DATA, "more predictions than %zu MiB of rows", ROWS_MAX >> 20);
                batch->with_price += !PQgetisnull(candidates, i, 6);
        }
        return 0;
}

static int store(struct db *db, const char *const parameters[4], struct batch *batch, char **ret_error) {
        _cleanup_result_ PGresult *stored = NULL;
        int r = db_begin(db, ret_error);
        r = r < 0 ? r : predict_all(db, parameters, batch, ret_error);
        r = r < 0 ? r : db_run(db, create_sql, ret_error);
        r = r < 0 ? r : db_copy(db, "COPY incoming_predictions FROM STDIN", &batch->rows, ret_error);
        r = r < 0 ? r : db_query(db, insert_sql, parameters, 4, &stored, ret_error);
        r = r < 0 ? r : db_commit(db, ret_error);
        if (r < 0) {
                db_rollback(db);
                return r;
        }
        batch->stored = result_int(stored, 0, 0);
        return 0;
}

/* Why there is nobody to predict for. */
static int explain_nobody(struct db *db, const struct week *week, const char *const parameters[4], char **ret_error) {
        _cleanup_result_ PGresult *result = NULL;
        int r = db_query(
                db,
                "SELECT count(*), (SELECT count(*) FROM players WHERE active_status AND position IN ('WR', 'TE')) "
                "FROM schedule WHERE season_year = $1 AND week = $2 AND season_type = $3",
                parameters, 3, &result, ret_error);
        if (r < 0)
                return r;
        if (result_int(result, 0, 0) == 0)
                return error_set(ret_error, NFL_DATA,
                                 "the schedule has no games of week %d, season %d %s: run `batch-nfl schedule` first",
                                 week->week, week->season, season_type_name(week->type));
        return error_set(ret_error, NFL_DATA,
                         "the table players has %s active receivers and tight ends, none of a team that plays in week "
                         "%d: run `batch-nfl rosters`",
                         PQgetvalue(result, 0, 1), week->week);
}

static void batch_done(struct batch *batch) {
        buf_done(&batch->rows);
}

int command_predictions(struct worker *worker, char **ret_error) {
        _cleanup_(batch_done) struct batch batch = {.rows = BUF_INIT(ROWS_MAX)};
        struct week week;
        int r = week_resolve(worker, &week, ret_error);
        if (r < 0)
                return r;
        char season[16], number[16], now[RFC3339_SIZE];
        (void)snprintf(season, sizeof(season), "%d", week.season);
        (void)snprintf(number, sizeof(number), "%d", week.week);
        const char *const parameters[] = {season, number, season_type_name(week.type),
                                          format_rfc3339(now, worker->settings->now)};
        report_status("predictions of week %d, season %d %s", week.week, week.season, season_type_name(week.type));
        r = store(worker->db, parameters, &batch, ret_error);
        if (r < 0)
                return r;
        if (batch.candidates == 0)
                return explain_nobody(worker->db, &week, parameters, ret_error);
        report_metric("predictions_generated", batch.stored);
        report_metric("predictions_skipped", batch.candidates - batch.stored);
        report_progress(batch.candidates, batch.candidates);
        report_records(batch.stored, 1);
        /* History finds a weekly run that predicted among the prediction runs, too. */
        report_line("RESULT={\"batch_type\": \"prediction_generation\"}");
        if (batch.with_price == 0)
                report_note("week %d has no prices: predictions say nothing about favourable ones", week.week);
        log_info("%lld predictions, %lld exist already and stay; %lld players have a price", (long long)batch.stored,
                 (long long)(batch.candidates - batch.stored), (long long)batch.with_price);
        return 0;
}
