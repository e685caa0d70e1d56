/* batch-nfl schedule: all games of a season, so that the week can be detected from them. */
#include <stdlib.h>

#include "api_games.h"
#include "errorclass.h"
#include "errortext.h"
#include "log.h"
#include "macro.h"
#include "outcome.h"
#include "step_report.h"
#include "store_week.h"
#include "week.h"
#include "worker.h"
#include "xalloc.h"

#define POST_WEEKS 4
#define REQUESTS (1 + POST_WEEKS)

struct season {
        int year;
        struct buf rows;
        size_t games, unusable;
        char *problem; /* of the first unusable element */
        bool regular_missing;
        bool overflow;
        struct outcome outcome;
};

static void add_game(void *userdata, const struct api_game *game) {
        struct season *season = userdata;
        struct buf *rows = &season->rows;
        char date[DAY_SIZE], kickoff[RFC3339_SIZE];
        const char *texts[] = {
                day_format(date, game->date),
                game->kickoff ? format_rfc3339(kickoff, game->kickoff) : NULL,
                game->away,
                game->home,
                game_status_name(game->status),
                season_type_name(game->week.type),
        };
        int r = row_text(rows, game->id);
        for (size_t i = 0; i < ELEMENTSOF(texts) && r == 0; i++) {
                r = row_next(rows);
                r = r < 0 ? r : row_text(rows, texts[i]);
        }
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_int(rows, game->week.season);
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_int(rows, game->week.week);
        r = r < 0 ? r : row_end(rows);
        season->overflow = season->overflow || r < 0;
        season->games++;
}

/* Request 0 is the regular season, 1 to 4 the weeks of the post-season. */
static int take_answer(void *userdata, size_t index, const struct answer *answer) {
        struct season *season = userdata;
        struct week asked = {.season = season->year, .week = (int)index, .type = index ? SEASON_POST : SEASON_REG};
        _cleanup_free_ char *name = index ? xasprintf("post-season week %zu", index) : xstrdup("regular season");
        _cleanup_free_ char *error = NULL, *problem = NULL;
        size_t unusable = 0;
        if (answer->kind == ANSWER_NOTHING) {
                log_info("%s: no games yet (%s)", name, answer->explanation);
                season->regular_missing = season->regular_missing || index == 0;
                season->outcome.good++;
                return 0;
        }
        if (answer->kind != ANSWER_DATA) {
                outcome_fail(&season->outcome, name, answer_class(answer), answer->explanation);
                return 0;
        }
        if (api_games_read(answer->body, &asked, add_game, season, &unusable, &problem, &error) < 0) {
                outcome_fail(&season->outcome, name, NFL_DATA, error);
                return 0;
        }
        season->outcome.good++;
        season->unusable += unusable;
        if (!season->problem)
                season->problem = STEAL_PTR(problem);
        return 0;
}

static int fetch_season(struct worker *worker, struct season *season, char **ret_error) {
        char *paths[REQUESTS];
        for (int i = 0; i < REQUESTS; i++)
                paths[i] = i ? xasprintf("getNFLGamesForWeek?week=%d&seasonType=post&season=%d", i, season->year)
                             : xasprintf("getNFLGamesForWeek?week=all&seasonType=reg&season=%d", season->year);
        int r = fetch_all(worker->fetch, (const char *const *)paths, REQUESTS, take_answer, season);
        for (int i = 0; i < REQUESTS; i++)
                free(paths[i]);
        r = r < 0 ? r : outcome_result(&season->outcome, "schedule", ret_error);
        if (r < 0)
                return r;
        if (season->overflow)
                return error_set(ret_error, NFL_DATA, "the schedule is larger than any season");
        if (season->games == 0 && season->unusable)
                return error_set(ret_error, NFL_DATA, "none of %zu games of season %d can be used; first %s",
                                 season->unusable, season->year, season->problem);
        if (season->games == 0)
                return error_set(ret_error, NFL_LATER, "the API has no games of season %d", season->year);
        return 0;
}

static const char create_sql[] =
        "CREATE TEMP TABLE incoming_games (game_id text, game_date date, kickoff timestamptz, away_team text, "
        "home_team text, status text, season_type text, season_year integer, week integer) ON COMMIT DROP";

/* A game that moved to another day has a new id: its row, and with it its odds and logs, take the new one. Within a
 * season and its type a team visits another once. Scores come from the box scores and stay. */
static const char move_sql[] =
        "UPDATE schedule s SET game_id = i.game_id, updated_at = now() FROM incoming_games i "
        "WHERE (s.season_year, s.season_type, s.away_team, s.home_team) = (i.season_year, i.season_type, i.away_team, i.home_team) "
        "AND s.game_id <> i.game_id AND NOT EXISTS (SELECT FROM incoming_games o WHERE o.game_id = s.game_id) "
        "AND NOT EXISTS (SELECT FROM schedule o WHERE o.game_id = i.game_id)";
static const char upsert_sql[] =
        "WITH stored AS (INSERT INTO schedule AS s (game_id, season_year, week, season_type, game_date, kickoff, away_team, home_team, "
        "status) SELECT DISTINCT ON (game_id) game_id, season_year, week, season_type, game_date, kickoff, away_team, home_team, status "
        "FROM incoming_games ORDER BY game_id "
        "ON CONFLICT (game_id) DO UPDATE SET season_year = EXCLUDED.season_year, week = EXCLUDED.week, "
        "season_type = EXCLUDED.season_type, game_date = EXCLUDED.game_date, kickoff = EXCLUDED.kickoff, "
        "away_team = EXCLUDED.away_team, home_team = EXCLUDED.home_team, status = EXCLUDED.status, updated_at = now() "
        "WHERE (s.season_year, s.week, s.season_type, s.game_date, s.kickoff, s.away_team, s.home_team, s.status) IS DISTINCT FROM "
        "(EXCLUDED.season_year, EXCLUDED.week, EXCLUDED.season_type, EXCLUDED.game_date, EXCLUDED.kickoff, EXCLUDED.away_team, "
        "EXCLUDED.home_team, EXCLUDED.status) RETURNING xmax = 0 AS added) "
        "SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added) FROM stored";

static int store(struct db *db, const struct season *season, int64_t *ret_added, int64_t *ret_changed,
                 char **ret_error) {
        _cleanup_result_ PGresult *result = NULL;
        int r = db_begin(db, ret_error);
        r = r < 0 ? r : db_run(db, create_sql, ret_error);
        r = r < 0 ? r : db_copy(db, "COPY incoming_games FROM STDIN", &season->rows, ret_error);
        r = r < 0 ? r : db_run(db, move_sql, ret_error);
        r = r < 0 ? r : db_query(db, upsert_sql, NULL, 0, &result, ret_error);
        r = r < 0 ? r : db_commit(db, ret_error);
        if (r < 0) {
                db_rollback(db);
                return r;
        }
        *ret_added = result_int(result, 0, 0);
        *ret_changed = result_int(result, 0, 1);
        return 0;
}

static void season_done(struct season *season) {
        buf_done(&season->rows);
        free(season->problem);
        outcome_done(&season->outcome);
}

/* The season to fetch: the one asked for; else the table's, when it knows one that still has games to come; else the
 * calendar's. */
static int choose_season(struct worker *worker) {
        if (worker->settings->asked.season)
                return worker->settings->asked.season;
        _cleanup_free_ char *fallback = NULL;
        return week_detect(worker->db, worker->settings->now, "", &fallback).season;
}

int command_schedule(struct worker *worker, char **ret_error) {
        _cleanup_(season_done) struct season season = {.year = choose_season(worker), .rows = BUF_INIT(ROWS_MAX)};
        int64_t added, changed;
        report_status("games of season %d", season.year);
        int r = fetch_season(worker, &season, ret_error);
        r = r < 0 ? r : store(worker->db, &season, &added, &changed, ret_error);
        if (r < 0)
                return r;
        if (season.unusable)
                report_warning("unusable_data", "%zu games of the schedule cannot be used; first %s", season.unusable,
                               season.problem);
        if (season.regular_missing)
                report_warning("schedule_incomplete", "the API has no games of the regular season %d", season.year);
        report_records((int64_t)season.games, 0);
        log_info("%zu games of season %d: %lld new, %lld changed", season.games, season.year, (long long)added,
                 (long long)changed);
        if (worker->settings->asked.season && !worker->settings->asked.week) {
                /* A season by itself is a past or future one as a whole: no week follows from it. */
                _cleanup_free_ char *fallback = NULL;
                struct week now = week_detect(worker->db, worker->settings->now, "", &fallback);
                if (fallback || now.season != season.year)
                        return 0;
        }
        struct week week;
        return week_resolve(worker, &week, ret_error);
}
