#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "store_history.h"
#include "strutil.h"
#include "xalloc.h"

/* Rows at a time: libpq keeps a whole answer in memory, as text. */
#define FETCH_ROWS 4000

enum column {
        COLUMN_SEASON,
        COLUMN_POST,
        COLUMN_WEEK,
        COLUMN_PLAYER,
        COLUMN_POSITION,
        COLUMN_TEAM,
        COLUMN_OPPONENT,
        COLUMN_HOME,
        COLUMN_POINTS,
        COLUMN_ALLOWED,
        COLUMN_TARGETS,
        COLUMN_CATCHES,
        COLUMN_YARDS,
        COLUMN_CAUGHT,
        COLUMN_CARRIES,
        COLUMN_RUN,
        COLUMN_RETURNED,
        COLUMN_ASKED,
        COLUMN_PRICE,
        COLUMN_EXPECTED,
};

/* $1 season, $2 week, $3 type, $4 seasons before it, $5 whether the week itself is included. */
#define LINES_SQL                                                                                                      \
        "SELECT l.season_year, (l.season_type = 'post')::integer AS post, l.week, l.player_id, p.position, l.team, "   \
        "CASE WHEN l.team = s.home_team THEN s.away_team ELSE s.home_team END AS opponent, "                           \
        "(l.team = s.home_team)::integer, "                                                                            \
        "CASE WHEN l.team = s.home_team THEN s.home_score ELSE s.away_score END, "                                     \
        "CASE WHEN l.team = s.home_team THEN s.away_score ELSE s.home_score END, "                                     \
        "l.targets, l.receptions, l.receiving_yards, l.receiving_td, l.carries, l.rushing_td, l.return_td, "           \
        "0 AS asked, NULL::integer AS price, "                                                                         \
        "CASE WHEN l.team = s.home_team THEN e.home_points ELSE e.away_points END "                                    \
        "FROM game_logs l JOIN schedule s USING (game_id) JOIN players p USING (player_id) "                           \
        "LEFT JOIN game_expectations e USING (game_id) "                                                               \
        "WHERE l.season_year >= $1::integer - $4::integer AND ((l.season_year, l.season_type = 'post', l.week) < "     \
        "($1::integer, $3::text = 'post', $2::integer) OR $5::boolean AND (l.season_year, l.season_type, l.week) = "   \
        "($1::integer, $3::text, $2::integer))"

/* A player of one team has one game a week; a price in another one counts only where his team has none. The best price
 * is the one that pays most. */
#define ASKED_SQL                                                                                                             \
        "WITH games AS (SELECT game_id, away_team, home_team FROM schedule WHERE season_year = $1 AND week = $2 AND "         \
        "season_type = $3 AND status NOT IN ('cancelled', 'postponed')), "                                                    \
        "prices AS (SELECT player_id, min(game_id) AS game_id, (array_agg(anytime_td_odds ORDER BY CASE WHEN "                \
        "anytime_td_odds > 0 THEN anytime_td_odds / 100.0 ELSE -100.0 / anytime_td_odds END DESC))[1] AS best "               \
        "FROM sportsbook_odds JOIN games USING (game_id) GROUP BY player_id), "                                               \
        "asked AS (SELECT DISTINCT ON (p.player_id) p.player_id, p.position, p.team, o.best, g.away_team, "                   \
        "g.home_team, g.game_id FROM players p LEFT JOIN prices o USING (player_id) JOIN games g ON p.team IN (g.away_team, " \
        "g.home_team) OR g.game_id = o.game_id WHERE p.active_status AND p.position IN ('WR', 'TE') "                         \
        "ORDER BY p.player_id, (p.team IN (g.away_team, g.home_team)) DESC NULLS LAST, g.game_id) "

#define ASKED_ROWS                                                                                                      \
        " UNION ALL SELECT $1::integer, ($3::text = 'post')::integer, $2::integer, player_id, position, "               \
        "coalesce(team, ''), CASE WHEN team = home_team THEN away_team ELSE home_team END, "                            \
        "coalesce((team = home_team)::integer, 0), NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 1, best, CASE team WHEN home_team " \
        "THEN e.home_points WHEN away_team THEN e.away_points END FROM asked LEFT JOIN game_expectations e USING (game_id)"

#define ORDER_SQL " ORDER BY 1, 2, 3, 4"
#define DECLARE_SQL "DECLARE history NO SCROLL CURSOR FOR "

static enum position position_of(const char *text) {
        return streq(text, "WR") ? POSITION_WR : streq(text, "TE") ? POSITION_TE : POSITION_OTHER;
}

/* As much as a line can hold: what is beyond is a slip of the API, and no reason to fail. */
static int16_t small(const PGresult *rows, int i, enum column column) {
        int64_t value = result_int(rows, i, (int)column);
        return (int16_t)(value > 999 ? 999 : value < -999 ? -999 : value);
}

static int32_t points(const PGresult *rows, int i, enum column column) {
        return PQgetisnull(rows, i, (int)column) ? -1 : small(rows, i, column);
}

static void take_candidate(struct history *history, const PGresult *rows, int i) {
        history->candidates =
                xreallocarray(history->candidates, history->n_candidates + 1, sizeof(*history->candidates));
        history->candidates[history->n_candidates++] = (struct candidate){
                .player_id = xstrdup(PQgetvalue(rows, i, COLUMN_PLAYER)),
                .has_price = !PQgetisnull(rows, i, COLUMN_PRICE),
                .price = (int)result_int(rows, i, COLUMN_PRICE),
        };
}

static void take_row(struct history *history, struct names *teams, const PGresult *rows, int i) {
        struct week week = {
                .season = (int)result_int(rows, i, COLUMN_SEASON),
                .week = (int)result_int(rows, i, COLUMN_WEEK),
                .type = result_int(rows, i, COLUMN_POST) ? SEASON_POST : SEASON_REG,
        };
        GROW(history->lines, history->n, history->room);
        struct game_line *line = &history->lines[history->n++];
        *line = (struct game_line){
                .order = week_order(&week),
                .player = names_number(&history->players, PQgetvalue(rows, i, COLUMN_PLAYER)),
                .team = names_number(teams, PQgetvalue(rows, i, COLUMN_TEAM)),
                .opponent = names_number(teams, PQgetvalue(rows, i, COLUMN_OPPONENT)),
                .scored = points(rows, i, COLUMN_POINTS),
                .allowed = points(rows, i, COLUMN_ALLOWED),
                .targets = small(rows, i, COLUMN_TARGETS),
                .catches = small(rows, i, COLUMN_CATCHES),
                .yards = small(rows, i, COLUMN_YARDS),
                .touchdowns_caught = small(rows, i, COLUMN_CAUGHT),
                .carries = small(rows, i, COLUMN_CARRIES),
                .touchdowns_run = small(rows, i, COLUMN_RUN),
                .returned = small(rows, i, COLUMN_RETURNED),
                .position = position_of(PQgetvalue(rows, i, COLUMN_POSITION)),
                .home = result_int(rows, i, COLUMN_HOME) != 0,
                .asked = result_int(rows, i, COLUMN_ASKED) != 0,
                .expected_points = (float)strtod(PQgetvalue(rows, i, COLUMN_EXPECTED), NULL),
        };
        if (line->asked)
                take_candidate(history, rows, i);
}

static int fetch_rows(struct db *db, struct history *history, char **ret_error) {
        struct names teams = {0};
        char fetch[64];
        (void)snprintf(fetch, sizeof(fetch), "FETCH %d FROM history", FETCH_ROWS);
        int r, n;
        do {
                _cleanup_result_ PGresult *rows = NULL;
                n = 0;
                r = db_query(db, fetch, NULL, 0, &rows, ret_error);
                if (r == 0)
                        n = PQntuples(rows);
                for (int i = 0; i < n; i++)
                        take_row(history, &teams, rows, i);
        } while (n == FETCH_ROWS);
        names_done(&teams);
        return r < 0 ? r : db_run(db, "CLOSE history", ret_error);
}

static int load(struct db *db, const char *sql, const struct week *week, int seasons_before, bool including,
                struct history *ret, char **ret_error) {
        char season[16], number[16], seasons[16];
        (void)snprintf(season, sizeof(season), "%d", week->season);
        (void)snprintf(number, sizeof(number), "%d", week->week);
        (void)snprintf(seasons, sizeof(seasons), "%d", seasons_before);
        const char *const parameters[] = {season, number, season_type_name(week->type), seasons,
                                          including ? "true" : "false"};
        _cleanup_(history_done) struct history history = {0};
        _cleanup_result_ PGresult *declared = NULL;
        int r = db_query(db, sql, parameters, 5, &declared, ret_error);
        r = r < 0 ? r : fetch_rows(db, &history, ret_error);
        if (r < 0)
                return r;
        *ret = history;
        history = (struct history){0};
        return 0;
}

int history_load(struct db *db, const struct week *until, int seasons, bool including, struct history *ret,
                 char **ret_error) {
        return load(db, DECLARE_SQL LINES_SQL ORDER_SQL, until, seasons, including, ret, ret_error);
}

int history_load_asking(struct db *db, const struct week *week, struct history *ret, char **ret_error) {
        return load(db, DECLARE_SQL ASKED_SQL LINES_SQL ASKED_ROWS ORDER_SQL, week, HISTORY_SEASONS, false, ret,
                    ret_error);
}

void history_done(struct history *history) {
        for (size_t i = 0; i < history->n_candidates; i++)
                free(history->candidates[i].player_id);
        free(history->candidates);
        names_done(&history->players);
        free(history->lines);
        *history = (struct history){0};
}
