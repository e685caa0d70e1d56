/* batch-nfl week: prints the current week. */
#include <stdio.h>
#include <stdlib.h>

#include "step_report.h"
#include "store_week.h"
#include "worker.h"

int command_week(struct worker *worker, char **ret_error) {
        _cleanup_db_ struct db *db = NULL;
        _cleanup_free_ char *why = NULL, *fallback = NULL;
        (void)db_open(worker->settings->database, &db, &why);
        struct week week = week_detect(db, worker->settings->now, why, &fallback);
        if (fallback) {
                (void)fprintf(stderr, "warning: %s\n", fallback);
                report_warning("week_detection", "%s", fallback);
        }
        week_report(&worker->settings->asked, &week);
        if (worker->settings->json)
                (void)printf("{\"season_year\":%d,\"week\":%d,\"season_type\":\"%s\",\"source\":\"%s\"}\n", week.season,
                             week.week, season_type_name(week.type), fallback ? "calendar" : "schedule");
        else
                (void)printf("season %d, week %d, %s\n", week.season, week.week, season_type_name(week.type));
        return 0;
}
