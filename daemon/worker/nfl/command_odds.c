/* batch-nfl odds: anytime-touchdown prices of the run's week. */
#include "errorclass.h"
#include "errortext.h"
#include "odds_week.h"
#include "step_report.h"
#include "store_week.h"
#include "unknown.h"
#include "worker.h"

int command_odds(struct worker *worker, char **ret_error) {
        _cleanup_result_ PGresult *games = NULL;
        struct week week;
        int64_t stored = 0;
        int r = week_resolve(worker, &week, ret_error);
        r = r < 0 ? r : odds_week_games(worker, &week, false, &games, ret_error);
        if (r < 0)
                return r;
        if (PQntuples(games) == 0)
                return error_set(ret_error, NFL_DATA,
                                 "the schedule has no games of week %d, season %d %s: run `batch-nfl schedule` first",
                                 week.week, week.season, season_type_name(week.type));
        r = unknown_check(worker->db, ret_error);
        if (r < 0)
                return r;
        struct odds_progress progress = {.asked = (size_t)PQntuples(games)};
        r = odds_week_sync(worker, &week, games, &progress, &stored, ret_error);
        report_records(stored, r == 0);
        return r;
}
