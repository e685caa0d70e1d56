/* batch-nfl history: predictions for past weeks of the current season, of players whose lines were brought in after
 * their games' (game-logs --new-players).
 *
 * From games of that season alone: three and more of his give a prediction from up to the last ten, by the newest model
 * that knows no later week (without one: the baseline), one or two the limited baseline, which hardly leaves his
 * position's rate, none gives none. A prediction that exists is left alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "baseline.h"
#include "errorclass.h"
#include "errortext.h"
#include "log.h"
#include "model.h"
#include "price.h"
#include "step_report.h"
#include "store_history.h"
#include "store_week.h"
#include "strutil.h"
#include "surplus.h"
#include "training.h"
#include "week.h"
#include "worker.h"

#define LIMITED_VERSION "limited-1"

/* $1 season. A row a week to predict: the player's up to ten earlier lines, those of his position until then, and the
 * best price (the one that pays most). */
static const char candidates_sql[] =
        "WITH lines AS (SELECT l.*, p.position, receiving_td + rushing_td + return_td > 0 AS scored, (season_type = 'post')::integer * 100 "
        "+ week AS turn FROM game_logs l JOIN players p USING (player_id) WHERE season_year = $1::integer AND p.position IN ('WR', 'TE')), "
        "late AS (SELECT l.player_id, l.game_id, l.position, l.week, l.season_type, l.turn FROM game_logs_backfilled JOIN lines l "
        "USING (player_id, game_id) WHERE NOT EXISTS (SELECT FROM predictions d WHERE (d.player_id, d.season_year, d.week, d.season_type) "
        "= (l.player_id, l.season_year, l.week, l.season_type))) "
        "SELECT t.player_id, t.week, t.season_type, t.position, e.n, e.scored, r.n, r.scored, o.best FROM late t "
        "CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE scored) AS scored FROM (SELECT scored FROM lines l "
        "WHERE l.player_id = t.player_id AND l.turn < t.turn ORDER BY l.turn DESC LIMIT 10) x) e "
        "CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE scored) AS scored FROM lines l "
        "WHERE l.position = t.position AND l.turn < t.turn) r "
        "LEFT JOIN LATERAL (SELECT (array_agg(anytime_td_odds ORDER BY CASE WHEN anytime_td_odds > 0 THEN anytime_td_odds / 100.0 "
        "ELSE -100.0 / anytime_td_odds END DESC))[1] AS best FROM sportsbook_odds s WHERE (s.player_id, s.game_id) = (t.player_id, t.game_id)) "
        "o ON true ORDER BY t.player_id, t.turn";
static const char create_sql[] =
        "CREATE TEMP TABLE incoming_history (player_id text, week integer, season_type text, likelihood double "
        "precision, model_odds integer, favor boolean, version text) ON COMMIT DROP";
static const char insert_sql[] =
        "WITH stored AS (INSERT INTO predictions (player_id, season_year, week, season_type, td_likelihood, model_odds, favor, "
        "model_version, created_at) SELECT player_id, $1, week, season_type, likelihood, model_odds, favor, version, $2::timestamptz "
        "FROM incoming_history ORDER BY player_id, week, season_type "
        "ON CONFLICT (player_id, season_year, week, season_type) DO NOTHING RETURNING 1) SELECT count(*) FROM stored";

struct past {
        struct buf rows;
        struct history season; /* its lines */
        struct examples examples;
        struct stored_model model; /* for the week `asked` */
        struct surplus surplus;
        bool has_model;
        struct week asked;
        int64_t weeks, limited, without, stored;
};

static int add_row(struct past *past, const PGresult *late, int i, double chance, const char *version) {
        char likelihood[32], odds[16];
        const char *favor = NULL;
        if (!PQgetisnull(late, i, 8))
                favor = chance > price_to_chance((int)result_int(late, i, 8)) ? "t" : "f";
        (void)snprintf(likelihood, sizeof(likelihood), "%.6f", chance);
        (void)snprintf(odds, sizeof(odds), "%d", price_from_chance(chance));
        const char *texts[] = {PQgetvalue(late, i, 0),
                               PQgetvalue(late, i, 1),
                               PQgetvalue(late, i, 2),
                               likelihood,
                               odds,
                               favor,
                               version};
        int r = 0;
        for (size_t k = 0; k < ELEMENTSOF(texts) && r == 0; k++) {
                r = k ? row_next(&past->rows) : 0;
                r = r < 0 ? r : row_text(&past->rows, texts[k]);
        }
        return r < 0 ? r : row_end(&past->rows);
}

/* The example of a player's line, or the number of examples. */
static size_t find_example(struct past *past, const char *player_id, int32_t order) {
        int32_t player = names_number(&past->season.players, player_id);
        size_t i = 0;
        while (i < past->examples.n &&
               (past->examples.examples[i].line->player != player || past->examples.examples[i].line->order != order))
                i++;
        return i;
}

/* The model for a week, and what it leaves over in the season's weeks before. */
static int find_model(struct worker *worker, struct past *past, const struct week *week, char **ret_error) {
        if (week_compare(week, &past->asked) == 0)
                return 0;
        int r = training_ensure(worker, week, &past->model, &past->has_model, ret_error);
        if (r < 0)
                return r;
        size_t before = 0;
        while (before < past->examples.n && past->examples.examples[before].line->order < week_order(week))
                before++;
        surplus_done(&past->surplus);
        past->surplus = surplus_make(&past->examples, before, &past->model.regression, week->season);
        past->asked = *week;
        return 0;
}

/* The model's chance instead of the baseline's, where there is a model. */
static int ask_model(struct worker *worker, struct past *past, const PGresult *late, int i, double *ret_chance,
                     const char **ret_version, char **ret_error) {
        struct week week = {.season = past->asked.season, .week = (int)result_int(late, i, 1), .type = SEASON_REG};
        (void)season_type_parse(PQgetvalue(late, i, 2), &week.type);
        int r = find_model(worker, past, &week, ret_error);
        if (r < 0 || !past->has_model)
                return r;
        size_t example = find_example(past, PQgetvalue(late, i, 0), week_order(&week));
        if (example == past->examples.n)
                return 0;
        *ret_chance = surplus_chance(&past->surplus, &past->model.regression, &past->examples, example);
        *ret_version = past->model.version;
        return 0;
}

static int predict_all(struct worker *worker, struct past *past, const PGresult *late, char **ret_error) {
        for (int i = 0; i < PQntuples(late); i++) {
                struct scoring player = {.lines = result_int(late, i, 4), .scored = result_int(late, i, 5)};
                struct scoring position = {.lines = result_int(late, i, 6), .scored = result_int(late, i, 7)};
                if (player.lines == 0) {
                        past->without++;
                        continue;
                }
                double rate = baseline_position_rate(streq(PQgetvalue(late, i, 3), "TE"), &position);
                bool limited = player.lines < MODEL_GAMES;
                past->limited += limited;
                const char *version = limited ? LIMITED_VERSION : BASELINE_VERSION;
                double chance = baseline_chance(rate, &player);
                int r = limited ? 0 : ask_model(worker, past, late, i, &chance, &version, ret_error);
                if (r < 0)
                        return r;
                if (add_row(past, late, i, chance, version) < 0)
                        return error_set(ret_error, NFL_DATA, "more predictions than %zu MiB of rows", ROWS_MAX >> 20);
        }
        past->weeks = PQntuples(late);
        return 0;
}

static int load_season(struct db *db, int season, struct past *past, char **ret_error) {
        const struct week end = {.season = season, .week = 22, .type = SEASON_POST};
        int r = history_load(db, &end, 0, true, &past->season, ret_error);
        if (r == 0)
                past->examples = examples_make(past->season.lines, past->season.n);
        past->asked.season = season;
        return r;
}

static int store(struct worker *worker, int season, struct past *past, char **ret_error) {
        char number[16], now[RFC3339_SIZE];
        (void)snprintf(number, sizeof(number), "%d", season);
        const char *parameters[] = {number, format_rfc3339(now, worker->settings->now)};
        _cleanup_result_ PGresult *late = NULL, *stored = NULL;
        int r = db_begin(worker->db, ret_error);
        r = r < 0 ? r : db_query(worker->db, candidates_sql, parameters, 1, &late, ret_error);
        if (r == 0 && PQntuples(late) > 0)
                r = load_season(worker->db, season, past, ret_error);
        r = r < 0 ? r : predict_all(worker, past, late, ret_error);
        r = r < 0 ? r : db_run(worker->db, create_sql, ret_error);
        r = r < 0 ? r : db_copy(worker->db, "COPY incoming_history FROM STDIN", &past->rows, ret_error);
        r = r < 0 ? r : db_query(worker->db, insert_sql, parameters, 2, &stored, ret_error);
        r = r < 0 ? r : db_commit(worker->db, ret_error);
        if (r < 0) {
                db_rollback(worker->db);
                return r;
        }
        past->stored = result_int(stored, 0, 0);
        return 0;
}

static void past_done(struct past *past) {
        buf_done(&past->rows);
        history_done(&past->season);
        examples_done(&past->examples);
        surplus_done(&past->surplus);
}

int command_history(struct worker *worker, char **ret_error) {
        _cleanup_(past_done) struct past past = {.rows = BUF_INIT(ROWS_MAX)};
        struct week week;
        int r = week_resolve(worker, &week, ret_error);
        if (r < 0)
                return r;
        report_status("predictions of season %d for players who came late", week.season);
        r = store(worker, week.season, &past, ret_error);
        if (r < 0)
                return r;
        report_metric("predictions_generated", past.stored);
        report_metric("predictions_skipped", past.weeks - past.without - past.stored);
        report_records(past.stored, 1);
        /* History finds a refresh that predicted among the prediction runs, too. */
        report_line("RESULT={\"batch_type\": \"prediction_generation\"}");
        log_info(
                "%lld predictions for %lld past weeks of players who came late: %lld from one or two games, none for %lld weeks without "
                "an earlier game",
                (long long)past.stored, (long long)past.weeks, (long long)past.limited, (long long)past.without);
        return 0;
}
