#include <stdio.h>
#include <stdlib.h>

#include "errorclass.h"
#include "errortext.h"
#include "log.h"
#include "step_report.h"
#include "store_week.h"
#include "week.h"
#include "xalloc.h"

#define FALLBACK_RISK                                                                                                  \
        "; the week comes from the calendar, which knows nothing of the playoffs' dates and of changes to the schedule"

/* The games that week_decide looks at: a week back, and everything up to the first day with a game behind the next
 * four. */
static int load_games(struct db *db, day_t today, struct week_game **ret, size_t *ret_n, char **ret_error) {
        static const char sql[] =
                "SELECT to_char(game_date, 'YYYYMMDD'), season_year, week, season_type FROM schedule "
                "WHERE status <> 'cancelled' AND status <> 'postponed' AND game_date >= $1::date - 6 AND game_date <= greatest("
                "$1::date + 4, (SELECT min(game_date) FROM schedule WHERE game_date >= $1::date "
                "AND status <> 'cancelled' AND status <> 'postponed')) "
                "ORDER BY game_date, kickoff NULLS LAST, game_id LIMIT 200";
        char date[DAY_SIZE];
        const char *parameters[] = {day_format(date, today)};
        _cleanup_result_ PGresult *result = NULL;
        int r = db_query(db, sql, parameters, 1, &result, ret_error);
        if (r < 0)
                return r;
        size_t n = (size_t)PQntuples(result);
        struct week_game *games = xcalloc(n + 1, sizeof(*games));
        for (size_t i = 0; i < n; i++) {
                (void)day_parse(PQgetvalue(result, (int)i, 0), &games[i].day);
                games[i].week.season = (int)result_int(result, (int)i, 1);
                games[i].week.week = (int)result_int(result, (int)i, 2);
                (void)season_type_parse(PQgetvalue(result, (int)i, 3), &games[i].week.type);
        }
        *ret = games;
        *ret_n = n;
        return 0;
}

struct week week_detect(struct db *db, usec_t now, const char *why, char **ret_fallback) {
        day_t today = eastern_day(now);
        _cleanup_free_ struct week_game *games = NULL;
        _cleanup_free_ char *error = NULL;
        size_t n = 0;
        struct week week;
        if (db && load_games(db, today, &games, &n, &error) < 0)
                why = error;
        else if (db)
                why = "the schedule table holds no game from last Tuesday on";
        *ret_fallback = NULL;
        if (week_decide(games, n, today, &week) == 0)
                return week;
        *ret_fallback = xasprintf("%s" FALLBACK_RISK, why);
        return week_from_calendar(today);
}

void week_report(const struct week *asked, const struct week *week) {
        if (!asked->season)
                report_line("PARAMETER=season=%d", week->season);
        if (!asked->week)
                report_line("PARAMETER=week=%d", week->week);
        if (asked->type == SEASON_UNKNOWN)
                report_line("PARAMETER=season_type=%s", season_type_name(week->type));
}

int week_resolve(struct worker *worker, struct week *ret, char **ret_error) {
        const struct week *asked = &worker->settings->asked;
        struct week week = *asked;
        if (!asked->season || !asked->week) {
                _cleanup_free_ char *fallback = NULL;
                struct week detected = week_detect(worker->db, worker->settings->now, "", &fallback);
                if (fallback) {
                        log_warning("%s", fallback);
                        report_warning("week_detection", "%s", fallback);
                }
                bool other = (asked->season && asked->season != detected.season) ||
                             (asked->type != SEASON_UNKNOWN && asked->type != detected.type);
                if (!asked->week && other)
                        return error_set(ret_error, NFL_CONFIG,
                                         "season %d %s is not the current one (%d %s): give the week too",
                                         asked->season ? asked->season : detected.season,
                                         season_type_name(asked->type ? asked->type : detected.type), detected.season,
                                         season_type_name(detected.type));
                week = *asked;
                if (!week.season)
                        week.season = detected.season;
                if (!week.week)
                        week = detected;
        }
        /* A week by its number alone is one of the regular season. */
        if (week.type == SEASON_UNKNOWN)
                week.type = SEASON_REG;
        int r = week_check(&week, ret_error);
        if (r < 0)
                return r;
        week_report(asked, &week);
        worker->touched = week;
        *ret = week;
        return 0;
}
