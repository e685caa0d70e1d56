/* batch-nfl backfill-odds: prices of a range of weeks of one season. */
#include <stdio.h>
#include <stdlib.h>

#include "errorclass.h"
#include "errortext.h"
#include "log.h"
#include "odds_week.h"
#include "outcome.h"
#include "step_report.h"
#include "store_week.h"
#include "strutil.h"
#include "unknown.h"
#include "worker.h"
#include "xalloc.h"

#define WEEKS_MAX 18

struct backfill {
        struct week first; /* the range is first.week to last */
        int last;
        PGresult *games[WEEKS_MAX + 1];
        struct odds_progress progress;
        struct outcome outcome;
        int64_t stored;
};

static void backfill_done(struct backfill *backfill) {
        for (size_t i = 0; i < ELEMENTSOF(backfill->games); i++)
                PQclear(backfill->games[i]);
        outcome_done(&backfill->outcome);
}

/* The range that was asked for; --week alone is a range of one. The season is the current one unless given. */
static int choose_weeks(struct worker *worker, struct backfill *backfill, char **ret_error) {
        const struct settings *settings = worker->settings;
        struct week week = settings->asked;
        int first = settings->from_week, last = settings->to_week;
        if (!first)
                first = week.week ? week.week : last;
        if (!last)
                last = week.week && !settings->from_week ? week.week : first;
        if (!first)
                return error_set(ret_error, NFL_CONFIG, "which weeks? give --from-week and --to-week, or --week");
        if (first > last)
                return error_set(ret_error, NFL_CONFIG, "--from-week %d comes after --to-week %d", first, last);
        if (!week.season) {
                _cleanup_free_ char *fallback = NULL;
                week.season = week_detect(worker->db, settings->now, "", &fallback).season;
                if (fallback)
                        report_warning("week_detection", "%s", fallback);
        }
        if (week.type == SEASON_UNKNOWN)
                week.type = SEASON_REG;
        week.week = last;
        int r = week_check(&week, ret_error);
        if (r < 0)
                return r;
        week.week = first;
        backfill->first = worker->touched = week;
        backfill->last = last;
        return 0;
}

/* Before the first request: a week whose schedule is not stored would cost calls and bring nothing. */
static int check_schedule(struct worker *worker, const struct backfill *backfill, char **ret_error) {
        _cleanup_free_ char *names = NULL;
        for (struct week week = backfill->first; week.week <= backfill->last; week.week++) {
                _cleanup_result_ PGresult *games = NULL;
                int r = odds_week_games(worker, &week, false, &games, ret_error);
                if (r < 0)
                        return r;
                if (PQntuples(games) > 0)
                        continue;
                char *longer = xasprintf("%s%s%d", str_or(names, ""), names ? ", " : "", week.week);
                free(names);
                names = longer;
        }
        if (!names)
                return 0;
        return error_set(
                ret_error, NFL_DATA,
                "the schedule has no games of season %d %s, week %s: run `batch-nfl schedule --season %d` first",
                backfill->first.season, season_type_name(backfill->first.type), names, backfill->first.season);
}

static int find_games(struct worker *worker, struct backfill *backfill, char **ret_error) {
        for (struct week week = backfill->first; week.week <= backfill->last; week.week++) {
                int r = odds_week_games(worker, &week, true, &backfill->games[week.week], ret_error);
                if (r < 0)
                        return r;
                backfill->progress.asked += (size_t)PQntuples(backfill->games[week.week]);
        }
        return 0;
}

/* A week that cannot be used is a part that failed; what may work later ends the command, to go on from there. */
static int sync_weeks(struct worker *worker, struct backfill *backfill, char **ret_error) {
        for (struct week week = backfill->first; week.week <= backfill->last; week.week++) {
                _cleanup_free_ char *error = NULL, *name = xasprintf("week %d", week.week);
                int64_t stored = 0;
                if (PQntuples(backfill->games[week.week]) == 0) {
                        log_info("%s: all prices are stored", name);
                        backfill->outcome.good++;
                        continue;
                }
                int r = odds_week_sync(worker, &week, backfill->games[week.week], &backfill->progress, &stored, &error);
                backfill->stored += stored;
                if (r < 0 && r != NFL_DATA)
                        return error_set(ret_error, r, "%s: %s", name, str_or(error, "failed"));
                if (r < 0)
                        outcome_fail(&backfill->outcome, name, r, str_or(error, "failed"));
                else
                        backfill->outcome.good++;
        }
        return outcome_result(&backfill->outcome, "weeks", ret_error);
}

int command_backfill_odds(struct worker *worker, char **ret_error) {
        _cleanup_(backfill_done) struct backfill backfill = {0};
        int r = choose_weeks(worker, &backfill, ret_error);
        r = r < 0 ? r : check_schedule(worker, &backfill, ret_error);
        r = r < 0 ? r : find_games(worker, &backfill, ret_error);
        r = r < 0 ? r : unknown_check(worker->db, ret_error);
        if (r < 0)
                return r;
        if (!worker->settings->asked.season)
                report_line("PARAMETER=season=%d", backfill.first.season);
        r = sync_weeks(worker, &backfill, ret_error);
        report_records(backfill.stored, r == 0);
        return r;
}
