/* batch-nfl integrity: finds and names every gap in what is stored. It changes nothing.
 *
 * Looks at all seasons, or at the season (and week) that was asked for, up to now: what is still to come is no gap. */
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "errorclass.h"
#include "log.h"
#include "step_report.h"
#include "worker.h"

#define NAMES_MAX 1500
#define PRINTED_MAX 1000

/* A kind of gap. sql: one text a finding; it may use `games`: the games asked for (on: neither cancelled nor postponed;
 * started, finished: by now, $4). */
struct check {
        const char *category, *says, *sql;
};

static const char games_sql[] =
        "WITH games AS (SELECT *, status NOT IN ('cancelled', 'postponed') AS \"on\", coalesce(kickoff, game_date) <= $4::timestamptz AS "
        "started, status NOT IN ('cancelled', 'postponed') AND coalesce(kickoff, game_date + interval '1 day') + interval '4 hours' < "
        "$4::timestamptz AS finished, format('%s %s week %s', season_year, season_type, week) AS label FROM schedule "
        "WHERE ($1::integer IS NULL OR season_year = $1::integer) AND ($2::integer IS NULL OR week = $2::integer) "
        "AND ($3::text IS NULL OR season_type = $3)) ";

static const struct check checks[] = {
        {"games_without_logs", "finished games have no logs",
         "SELECT game_id FROM games g WHERE finished AND NOT EXISTS (SELECT FROM game_log_sets l WHERE l.game_id = g.game_id) "
         "ORDER BY game_date, game_id"},
        {"incomplete_logs", "games hold another number of logs than was stored",
         "SELECT format('%s (%s of %s)', game_id, (SELECT count(*) FROM game_logs l WHERE l.game_id = g.game_id), s.log_count) "
         "FROM games g JOIN game_log_sets s USING (game_id) WHERE s.log_count <> (SELECT count(*) FROM game_logs l "
         "WHERE l.game_id = g.game_id) OR s.log_count = 0 ORDER BY game_id"},
        {"missing_scores", "games have logs and no score",
         "SELECT game_id FROM games JOIN game_log_sets USING (game_id) WHERE away_score IS NULL OR home_score IS NULL ORDER BY game_id"},
        {"unknown_players", "games have lines of players that are not in the table players",
         "SELECT format('%s (%s)', game_id, unknown_players) FROM games JOIN game_log_sets USING (game_id) WHERE unknown_players > 0 "
         "ORDER BY game_id"},
        {"weeks_without_odds", "weeks that have begun have no odds",
         "SELECT label FROM games g LEFT JOIN (SELECT DISTINCT game_id FROM sportsbook_odds) o USING (game_id) WHERE \"on\" "
         "GROUP BY season_year, season_type, week, label HAVING bool_or(started) AND count(o.game_id) = 0 "
         "ORDER BY season_year, season_type DESC, week"},
        {"games_without_odds", "games that have begun have no odds, in weeks that have some",
         "SELECT game_id FROM games g WHERE \"on\" AND started AND NOT EXISTS (SELECT FROM sportsbook_odds o WHERE o.game_id = g.game_id) "
         "AND EXISTS (SELECT FROM games h JOIN sportsbook_odds o ON o.game_id = h.game_id WHERE h.label = g.label) ORDER BY game_id"},
        {"weeks_without_predictions", "weeks that have begun have no predictions",
         "SELECT label FROM games g WHERE \"on\" GROUP BY season_year, season_type, week, label HAVING bool_or(started) AND NOT EXISTS "
         "(SELECT FROM predictions p WHERE (p.season_year, p.season_type, p.week) = (g.season_year, g.season_type, g.week)) "
         "ORDER BY season_year, season_type DESC, week"},
        {"games_missing", "teams have fewer games than others in a regular season",
         "SELECT format('%s %s (%s of %s)', season_year, team, n, most) FROM (SELECT season_year, team, count(*) AS n, "
         "max(count(*)) OVER (PARTITION BY season_year) AS most FROM "
         "(SELECT season_year, away_team AS team FROM schedule WHERE season_type = 'reg' AND ($1::integer IS NULL OR season_year = "
         "$1::integer) UNION ALL SELECT season_year, home_team FROM schedule WHERE season_type = 'reg' AND ($1::integer IS NULL OR "
         "season_year = $1::integer)) t GROUP BY season_year, team) c WHERE n < most ORDER BY season_year, team"},
        {"duplicate_games", "teams play more than once in a week",
         "SELECT format('%s: %s (%s)', label, team, string_agg(game_id, ', ' ORDER BY game_id)) FROM (SELECT label, away_team AS team, "
         "game_id FROM games WHERE \"on\" UNION ALL SELECT label, home_team, game_id FROM games WHERE \"on\") t GROUP BY label, team "
         "HAVING count(*) > 1 ORDER BY label, team"},
        {"duplicate_players", "active players have the same name, position and team",
         "SELECT format('%s (%s)', name, string_agg(player_id, ', ' ORDER BY player_id)) FROM players WHERE active_status GROUP BY name, "
         "position, team HAVING count(*) > 1 ORDER BY name"},
        {"duplicate_odds", "prices are stored under two spellings of one sportsbook",
         "SELECT format('%s, %s (%s)', o.player_id, game_id, string_agg(sportsbook, ', ' ORDER BY sportsbook)) FROM sportsbook_odds o "
         "JOIN games USING (game_id) GROUP BY o.player_id, game_id, regexp_replace(lower(sportsbook), '[^a-z0-9]', '', 'g') "
         "HAVING count(*) > 1 ORDER BY o.player_id, game_id"},
        {"misplaced_logs", "logs carry another week than their game, or a team that does not play in it",
         "SELECT format('%s, %s', l.player_id, game_id) FROM game_logs l JOIN games g USING (game_id) WHERE (l.season_year, l.season_type, "
         "l.week) <> (g.season_year, g.season_type, g.week) OR l.team NOT IN (away_team, home_team) ORDER BY game_id, l.player_id"},
        {"misplaced_odds", "prices carry another week than their game",
         "SELECT format('%s, %s', o.player_id, game_id) FROM sportsbook_odds o JOIN games g USING (game_id) WHERE (o.season_year, o.week) "
         "<> (g.season_year, g.week) ORDER BY game_id, o.player_id"},
        {"unknown_teams", "active receivers and tight ends are on teams that the latest season does not have",
         "SELECT format('%s (%s)', name, team) FROM players p WHERE active_status AND position IN ('WR', 'TE') AND team IS NOT NULL AND "
         "EXISTS (SELECT FROM schedule) AND NOT EXISTS (SELECT FROM schedule s WHERE season_year = (SELECT max(season_year) FROM schedule) "
         "AND p.team IN (away_team, home_team)) ORDER BY name"},
};

static void say(const struct check *check, const PGresult *found) {
        struct buf names = BUF_INIT(2 * NAMES_MAX + 512);
        int n = PQntuples(found), named = 0;
        for (; named < n && names.len < NAMES_MAX; named++)
                (void)buf_appendf(&names, "%s%.200s", named ? ", " : "", PQgetvalue(found, named, 0));
        if (named < n)
                (void)buf_appendf(&names, " and %d more", n - named);
        _cleanup_free_ char *list = buf_steal(&names);
        report_warning(check->category, "%d %s: %s", n, check->says, list);
        (void)printf("%s: %d %s\n", check->category, n, check->says);
        for (int i = 0; i < n && i < PRINTED_MAX; i++)
                (void)printf("  %s\n", PQgetvalue(found, i, 0));
        if (n > PRINTED_MAX)
                (void)printf("  and %d more\n", n - PRINTED_MAX);
}

static int run_check(struct worker *worker, const struct check *check, int *ret_found, char **ret_error) {
        const struct week *asked = &worker->settings->asked;
        char season[16], week[16], now[RFC3339_SIZE];
        struct buf sql = BUF_INIT(16384);
        (void)snprintf(season, sizeof(season), "%d", asked->season);
        (void)snprintf(week, sizeof(week), "%d", asked->week);
        const char *parameters[] = {asked->season ? season : NULL, asked->week ? week : NULL,
                                    asked->type ? season_type_name(asked->type) : NULL,
                                    format_rfc3339(now, worker->settings->now)};
        (void)buf_append_str(&sql, games_sql);
        (void)buf_append_str(&sql, check->sql);
        _cleanup_free_ char *text = buf_steal(&sql);
        _cleanup_result_ PGresult *found = NULL;
        int r = db_query(worker->db, text, parameters, 4, &found, ret_error);
        if (r < 0)
                return r;
        if (PQntuples(found) > 0)
                say(check, found);
        *ret_found = PQntuples(found);
        return 0;
}

int command_integrity(struct worker *worker, char **ret_error) {
        struct buf result = BUF_INIT(4096);
        int64_t findings = 0;
        for (size_t i = 0; i < ELEMENTSOF(checks); i++) {
                int found = 0;
                report_item(checks[i].category);
                int r = run_check(worker, &checks[i], &found, ret_error);
                if (r < 0) {
                        buf_done(&result);
                        return r;
                }
                report_progress((int64_t)i + 1, (int64_t)ELEMENTSOF(checks));
                (void)buf_appendf(&result, "%s\"%s\": %d", i ? ", " : "", checks[i].category, found);
                findings += found;
        }
        _cleanup_free_ char *figures = buf_steal(&result);
        report_line("RESULT={%s}", figures);
        report_metric("findings", findings);
        report_records((int64_t)ELEMENTSOF(checks), 0);
        log_info("%lld finding%s", (long long)findings, findings == 1 ? "" : "s");
        return findings ? NFL_FINDINGS : 0;
}
