/* batch-nfl readiness: counts data_readiness anew and prints the week's row. */
#include <stdio.h>
#include <stdlib.h>

#include "errorclass.h"
#include "errortext.h"
#include "readiness.h"
#include "step_report.h"
#include "store_week.h"
#include "strutil.h"

static const char text_sql[] =
        "SELECT format('season %s, week %s, %s', season_year, week, season_type), "
        "format('games        %s%s', games_count, CASE WHEN schedule_complete THEN '' ELSE ', the schedule is not complete' END), "
        "format('game logs    %s%s', game_logs_count, CASE WHEN game_logs_available THEN '' WHEN game_logs_count = 0 THEN ' yet' ELSE ', not those of every finished game' END), "
        "format('odds         %s, %s%s', odds_count, CASE WHEN odds_fetch_failed THEN 'the last fetch failed' "
        "WHEN odds_fetch_attempted THEN 'fetched' ELSE 'not fetched yet' END, "
        "to_char(odds_last_fetched_at, '\", last at \"YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')), "
        "format('predictions  %s of %s (%s %%)', predictions_count, expected_predictions_count, "
        "coalesce(round(prediction_completeness_pct::numeric, 1), 0)), "
        "format('data age     %s', coalesce(round(data_age_hours::numeric, 1) || ' hours', 'no data')) "
        "FROM data_readiness WHERE season_year = $1 AND week = $2 AND season_type = $3";
static const char json_sql[] =
        "SELECT row_to_json(d) FROM data_readiness d WHERE season_year = $1 AND week = $2 AND season_type = $3";

static int print(struct worker *worker, const struct week *week, char **ret_error) {
        char season[16], number[16];
        (void)snprintf(season, sizeof(season), "%d", week->season);
        (void)snprintf(number, sizeof(number), "%d", week->week);
        const char *parameters[] = {season, number, season_type_name(week->type)};
        _cleanup_result_ PGresult *row = NULL;
        int r = db_query(worker->db, worker->settings->json ? json_sql : text_sql, parameters, 3, &row, ret_error);
        if (r < 0)
                return r;
        for (int i = 0; i < PQnfields(row) && PQntuples(row) > 0; i++)
                (void)printf("%s\n", PQgetvalue(row, 0, i));
        return 0;
}

int command_readiness(struct worker *worker, char **ret_error) {
        struct week week;
        int r = week_resolve(worker, &week, ret_error);
        r = r < 0 ? r : readiness_refresh(worker, &week, false, ret_error);
        r = r < 0 ? r : print(worker, &week, ret_error);
        if (r == 0)
                report_records(1, 0);
        return r;
}
