/* batch-nfl predictions: how likely each active receiver and tight end scores in the run's week, from games before it:
 * by the newest model that knows no later week, or by the baseline where there is none, or too little is known of him.
 *
 * A prediction that exists is never written again: it counts as skipped. */
#include <stdio.h>
#include <stdlib.h>

#include "errorclass.h"
#include "errortext.h"
#include "log.h"
#include "macro.h"
#include "model.h"
#include "price.h"
#include "step_report.h"
#include "store_history.h"
#include "store_week.h"
#include "surplus.h"
#include "training.h"
#include "worker.h"
#include "xalloc.h"

static const char create_sql[] =
        "CREATE TEMP TABLE incoming_predictions (player_id text, likelihood double precision, model_odds integer, "
        "favor boolean, version text) ON COMMIT DROP";
static const char insert_sql[] =
        "WITH stored AS (INSERT INTO predictions (player_id, season_year, week, season_type, td_likelihood, model_odds, favor, "
        "model_version, created_at) SELECT player_id, $1, $2, $3, likelihood, model_odds, favor, version, "
        "$4::timestamptz FROM incoming_predictions ORDER BY player_id "
        "ON CONFLICT (player_id, season_year, week, season_type) DO NOTHING RETURNING 1) SELECT count(*) FROM stored";

struct batch {
        struct buf rows;
        struct stored_model model;
        bool has_model;
        struct surplus surplus;
        int64_t candidates, by_model, with_price, stored;
};

/* One row of the COPY. */
static int add_row(const struct candidate *candidate, double chance, const char *version, struct buf *rows) {
        const char *favor = NULL;
        if (candidate->has_price)
                favor = chance > price_to_chance(candidate->price) ? "t" : "f";
        char likelihood[32];
        (void)snprintf(likelihood, sizeof(likelihood), "%.6f", chance);
        int r = row_text(rows, candidate->player_id);
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_text(rows, likelihood);
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_int(rows, price_from_chance(chance));
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_text(rows, favor);
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_text(rows, version);
        return r < 0 ? r : row_end(rows);
}

static int predict(const struct candidate *candidate, const struct examples *examples, size_t i, struct batch *batch) {
        const struct example *example = &examples->examples[i];
        bool model = batch->has_model && model_answers(example);
        const double *features = example_features(examples, i);
        double chance = model ? surplus_chance(&batch->surplus, &batch->model.regression, examples, i)
                              : form_baseline(features);
        /* As a number with six decimals it is never 0 or 1. */
        chance = MIN(MAX(chance, 0.000001), 0.999999);
        batch->candidates++;
        batch->by_model += model;
        batch->with_price += candidate->has_price;
        return add_row(candidate, chance, model ? batch->model.version : FORM_BASELINE_VERSION, &batch->rows);
}

static int predict_all(struct worker *worker, const struct week *week, struct batch *batch, char **ret_error) {
        _cleanup_(history_done) struct history history = {0};
        _cleanup_(examples_done) struct examples examples = {0};
        int r = training_ensure(worker, week, &batch->model, &batch->has_model, ret_error);
        r = r < 0 ? r : history_load_asking(worker->db, week, &history, ret_error);
        if (r < 0)
                return r;
        examples = examples_make(history.lines, history.n);
        batch->surplus =
                surplus_make(&examples, examples.n - history.n_candidates, &batch->model.regression, week->season);
        for (size_t i = 0, asked = 0; i < examples.n; i++)
                if (examples.examples[i].line->asked && predict(&history.candidates[asked++], &examples, i, batch) < 0)
                        return error_set(ret_error, NFL_DATA, "more predictions than %zu MiB of rows", ROWS_MAX >> 20);
        return 0;
}

static int store(struct worker *worker, const struct week *week, const char *const parameters[4], struct batch *batch,
                 char **ret_error) {
        _cleanup_result_ PGresult *stored = NULL;
        struct db *db = worker->db;
        int r = db_begin(db, ret_error);
        r = r < 0 ? r : predict_all(worker, week, batch, ret_error);
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
        surplus_done(&batch->surplus);
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
        r = store(worker, &week, parameters, &batch, ret_error);
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
        if (!batch.has_model)
                report_note("fewer than %d lines are stored of the weeks before this one, too few for a model: all "
                            "predictions are the baseline's",
                            MODEL_LINES_MIN);
        if (batch.with_price == 0)
                report_note("week %d has no prices: predictions say nothing about favourable ones", week.week);
        log_info("%lld predictions, %lld exist already and stay; %lld players have a price", (long long)batch.stored,
                 (long long)(batch.candidates - batch.stored), (long long)batch.with_price);
        if (batch.has_model)
                log_info("%s (trained up to week %d, season %d %s) answers for %lld, the baseline for %lld",
                         batch.model.version, batch.model.last.week, batch.model.last.season,
                         season_type_name(batch.model.last.type), (long long)batch.by_model,
                         (long long)(batch.candidates - batch.by_model));
        return 0;
}
