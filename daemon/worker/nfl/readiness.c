#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "readiness.h"
#include "step_report.h"
#include "store_week.h"
#include "uuid.h"
#include "xalloc.h"

/* One at a time: a refresh that counted earlier must not write later. Its number is ours alone. What is counted can be
 * counted again: nobody waits until it is on the disk. */
static const char lock_sql[] = "SET LOCAL synchronous_commit = off; SELECT pg_advisory_xact_lock(7165013201042)";

/* $1 season, $2 week, $3 type, $4 run or NULL, $5 now, $6 whether the run touched the week.
 *
 * A week of the regular season is complete when each team that has fewer games in the season than another plays in it
 * (a game that is missing would have been in a week where its teams seem to be free); a round of the post-season when
 * it has its number of games (6 4 2 1, until 2019 4 4 2 1). Game logs are available when there are some and no finished
 * game lacks its own. Expected are the active receivers and tight ends whose team plays, and who has a price or a
 * prediction already. */
static const char found_sql[] =
        "WITH games AS (SELECT *, status NOT IN ('cancelled', 'postponed') AS playing, status = 'final' OR "
        "(status IN ('scheduled', 'in_progress') AND kickoff + interval '4 hours' < $5::timestamptz) AS finished "
        "FROM schedule WHERE season_year = $1::integer), "
        "teams AS (SELECT season_type, week, away_team AS team, playing FROM games UNION SELECT season_type, week, home_team, playing FROM games), "
        "counted AS (SELECT team, count(DISTINCT week) AS n FROM teams WHERE season_type = 'reg' GROUP BY team), "
        "short AS (SELECT team FROM counted WHERE n < (SELECT max(n) FROM counted)), "
        "lacking AS (SELECT 'reg'::text AS season_type, g.week, count(*) AS n FROM (SELECT DISTINCT week FROM games WHERE season_type = 'reg') g CROSS JOIN short s "
        "WHERE NOT EXISTS (SELECT FROM teams t WHERE (t.season_type, t.week, t.team) = ('reg', g.week, s.team)) GROUP BY g.week), "
        "slate AS (SELECT season_type, week, count(*) AS n, count(l.game_id) AS sets, "
        "count(*) FILTER (WHERE finished AND playing AND l.game_id IS NULL) AS missing, "
        "greatest(max(updated_at), max(l.stored_at)) AS changed FROM games LEFT JOIN game_log_sets l USING (game_id) "
        "GROUP BY season_type, week), "
        "logs AS (SELECT season_type, week, count(*) AS n FROM game_logs WHERE season_year = $1::integer GROUP BY season_type, week), "
        "prices AS (SELECT g.season_type, g.week, o.player_id, o.fetched_at FROM sportsbook_odds o JOIN games g USING (game_id)), "
        "odds AS (SELECT season_type, week, count(*) AS n, max(fetched_at) AS changed FROM prices GROUP BY season_type, week), "
        "made AS (SELECT season_type, week, player_id, created_at FROM predictions WHERE season_year = $1::integer), "
        "predicted AS (SELECT season_type, week, count(*) AS n, max(created_at) AS changed FROM made GROUP BY season_type, week), "
        "squads AS (SELECT team, count(*) AS n FROM players WHERE active_status AND position IN ('WR', 'TE') GROUP BY team), "
        "others AS (SELECT w.season_type, w.week FROM (SELECT r.season_type, r.week, r.player_id FROM prices r JOIN players p "
        "USING (player_id) WHERE p.active_status AND p.position IN ('WR', 'TE') UNION SELECT season_type, week, player_id FROM made) w "
        "JOIN players p USING (player_id) WHERE NOT (p.active_status AND p.position IN ('WR', 'TE') AND (w.season_type, w.week, "
        "coalesce(p.team, '')) IN (SELECT season_type, week, team FROM teams WHERE playing))), "
        "asked AS (SELECT season_type, week, sum(n) AS n FROM (SELECT t.season_type, t.week, s.n FROM teams t JOIN squads s USING (team) "
        "WHERE t.playing UNION ALL SELECT season_type, week, 1 FROM others) w GROUP BY season_type, week), "
        "weeks AS (SELECT season_type, week FROM slate UNION SELECT season_type, week FROM data_readiness_weeks WHERE season_year = "
        "$1::integer UNION SELECT $3, $2::integer), "
        "found AS (SELECT season_type, week, coalesce(s.n, 0) AS games, coalesce(CASE WHEN season_type = 'reg' THEN s.n > 0 AND k.n IS NULL "
        "ELSE s.n = CASE week WHEN 1 THEN CASE WHEN $1::integer < 2020 THEN 4 ELSE 6 END WHEN 2 THEN 4 WHEN 3 THEN 2 ELSE 1 END END, "
        "false) AS complete, coalesce(s.sets > 0 AND s.missing = 0, false) AS logged, coalesce(l.n, 0) AS logs, coalesce(o.n, 0) AS odds, "
        "o.changed AS fetched, coalesce(p.n, 0) AS predictions, coalesce(a.n, 0) AS expected, "
        "greatest(s.changed, o.changed, p.changed) AS changed FROM weeks LEFT JOIN slate s USING (season_type, week) "
        "LEFT JOIN lacking k USING (season_type, week) LEFT JOIN logs l USING (season_type, week) "
        "LEFT JOIN odds o USING (season_type, week) LEFT JOIN predicted p USING (season_type, week) "
        "LEFT JOIN asked a USING (season_type, week)) ";
static const char upsert_sql[] =
        "INSERT INTO data_readiness_weeks AS r (season_year, week, season_type, schedule_complete, games_count, game_logs_available, "
        "game_logs_count, odds_available, odds_count, odds_fetch_attempted, odds_last_fetched_at, predictions_available, predictions_count, "
        "expected_predictions_count, prediction_completeness_pct, data_changed_at, last_batch_id) "
        "SELECT $1::integer, week, season_type, complete, games, logged, logs, odds > 0, odds, odds > 0, fetched, predictions > 0, "
        "predictions, expected, 100.0 * predictions / nullif(expected, 0), changed, CASE WHEN $6::boolean THEN $4::uuid END FROM found "
        "ORDER BY season_type, week "
        "ON CONFLICT (season_year, week, season_type) DO UPDATE SET schedule_complete = EXCLUDED.schedule_complete, "
        "games_count = EXCLUDED.games_count, game_logs_available = EXCLUDED.game_logs_available, "
        "game_logs_count = EXCLUDED.game_logs_count, odds_available = EXCLUDED.odds_available, odds_count = EXCLUDED.odds_count, "
        "odds_fetch_attempted = r.odds_fetch_attempted OR EXCLUDED.odds_fetch_attempted, "
        "odds_last_fetched_at = greatest(r.odds_last_fetched_at, EXCLUDED.odds_last_fetched_at), "
        "predictions_available = EXCLUDED.predictions_available, predictions_count = EXCLUDED.predictions_count, "
        "expected_predictions_count = EXCLUDED.expected_predictions_count, "
        "prediction_completeness_pct = EXCLUDED.prediction_completeness_pct, data_changed_at = EXCLUDED.data_changed_at, "
        "last_batch_id = CASE WHEN $6::boolean AND ((r.week, r.season_type) = ($2::integer, $3) OR "
        "(r.games_count, r.game_logs_count, r.odds_count, r.predictions_count, r.data_changed_at) IS DISTINCT FROM (EXCLUDED.games_count, "
        "EXCLUDED.game_logs_count, EXCLUDED.odds_count, EXCLUDED.predictions_count, EXCLUDED.data_changed_at)) "
        "THEN coalesce($4::uuid, r.last_batch_id) ELSE r.last_batch_id END, updated_at = now()";

/* The current week, as the schedule tells it. */
static const char current_sql[] =
        "INSERT INTO football_current_week AS c (season_year, week, season_type) VALUES ($1, $2, $3) ON CONFLICT (singleton) DO UPDATE SET "
        "season_year = EXCLUDED.season_year, week = EXCLUDED.week, season_type = EXCLUDED.season_type, detected_at = now()";

static const char begin_sql[] =
        "INSERT INTO data_readiness_weeks (season_year, week, season_type, odds_fetch_attempted, odds_fetch_failed) "
        "VALUES ($1, $2, $3, true, true) ON CONFLICT (season_year, week, season_type) DO UPDATE SET odds_fetch_attempted = true, "
        "odds_fetch_failed = true, updated_at = now()";
static const char end_sql[] =
        "UPDATE data_readiness_weeks SET odds_fetch_failed = false, odds_last_fetched_at = greatest(odds_last_fetched_at, $4::timestamptz), "
        "updated_at = now() WHERE season_year = $1 AND week = $2 AND season_type = $3";

struct parameters {
        char season[16], week[16], now[RFC3339_SIZE];
        const char *values[6];
};

/* In the order of the refresh; the first three are those of the other statements too. */
static void fill(struct parameters *parameters, const struct worker *worker, const struct week *week, bool touches) {
        const char *run = getenv("BATCH_RUN_ID");
        (void)snprintf(parameters->season, sizeof(parameters->season), "%d", week->season);
        (void)snprintf(parameters->week, sizeof(parameters->week), "%d", week->week);
        parameters->values[0] = parameters->season;
        parameters->values[1] = parameters->week;
        parameters->values[2] = season_type_name(week->type);
        parameters->values[3] = run && uuid_is_valid(run) ? run : NULL;
        parameters->values[4] = format_rfc3339(parameters->now, worker->settings->now);
        parameters->values[5] = touches ? "t" : "f";
}

static int note_current(struct worker *worker, char **ret_error) {
        _cleanup_free_ char *fallback = NULL;
        _cleanup_result_ PGresult *result = NULL;
        struct parameters parameters;
        struct week current = week_detect(worker->db, worker->settings->now, "", &fallback);
        if (fallback)
                return 0;
        fill(&parameters, worker, &current, false);
        return db_query(worker->db, current_sql, parameters.values, 3, &result, ret_error);
}

int readiness_refresh(struct worker *worker, const struct week *week, bool touches, char **ret_error) {
        struct parameters parameters;
        _cleanup_result_ PGresult *result = NULL;
        _cleanup_free_ char *refresh_sql = xasprintf("%s%s", found_sql, upsert_sql);
        fill(&parameters, worker, week, touches);
        int r = db_begin(worker->db, ret_error);
        r = r < 0 ? r : db_run(worker->db, lock_sql, ret_error);
        r = r < 0 ? r : db_query(worker->db, refresh_sql, parameters.values, 6, &result, ret_error);
        r = r < 0 ? r : note_current(worker, ret_error);
        r = r < 0 ? r : db_commit(worker->db, ret_error);
        if (r < 0)
                db_rollback(worker->db);
        return r;
}

int readiness_odds_begin(struct worker *worker, const struct week *week, char **ret_error) {
        struct parameters parameters;
        _cleanup_result_ PGresult *result = NULL;
        fill(&parameters, worker, week, true);
        return db_query(worker->db, begin_sql, parameters.values, 3, &result, ret_error);
}

int readiness_odds_end(struct worker *worker, const struct week *week, char **ret_error) {
        struct parameters parameters;
        _cleanup_result_ PGresult *result = NULL;
        fill(&parameters, worker, week, true);
        parameters.values[3] = parameters.now;
        return db_query(worker->db, end_sql, parameters.values, 4, &result, ret_error);
}

static int refresh_touched(struct worker *worker, char **ret_error) {
        struct week week = worker->touched;
        if (week.type == SEASON_UNKNOWN) {
                _cleanup_free_ char *fallback = NULL;
                week = week_detect(worker->db, worker->settings->now, "", &fallback);
                if (fallback) /* no table to count in either, or none that knows a week */
                        return 0;
        }
        return readiness_refresh(worker, &week, true, ret_error);
}

void readiness_after(struct worker *worker) {
        _cleanup_free_ char *error = NULL, *again = NULL;
        if (refresh_touched(worker, &error) == 0)
                return;
        _cleanup_db_ struct db *fresh = NULL;
        struct worker other = *worker;
        if (db_open(worker->settings->database, &fresh, &again) == 0) {
                other.db = fresh;
                if (refresh_touched(&other, &again) == 0)
                        return;
        }
        log_warning("data_readiness is not refreshed: %s", again ? again : error);
        report_warning("readiness", "data_readiness is not refreshed: %s", again ? again : error);
}
