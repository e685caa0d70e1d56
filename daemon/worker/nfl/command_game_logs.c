/* batch-nfl game-logs: player lines from the box scores of every finished game of the season, up to the run's week,
 * whose logs are not stored yet; with --new-players of the stored games of which lines were skipped, because their
 * players were unknown, and since which players have come; with --again every finished game of the week. */
#include <stdio.h>
#include <stdlib.h>

#include "errorclass.h"
#include "errortext.h"
#include "game_id.h"
#include "log.h"
#include "macro.h"
#include "outcome.h"
#include "step_report.h"
#include "store_logs.h"
#include "store_week.h"
#include "worker.h"
#include "xalloc.h"

/* Games of one transaction, while which the next ones are fetched: these at least, and those that gathered during the
 * one before. A kill makes the next run fetch again no more than the two. */
#define BATCH_GAMES 16
/* From this many on the fetch waits for the transaction before. */
#define GATHERED_MAX 96

struct ingest {
        struct worker *worker;
        PGresult *games;
        struct log_batch batch; /* read, and to be stored next */
        struct log_storing storing;
        struct log_counts counts;
        struct unknown unknown;
        struct outcome outcome;
        size_t asked, answered, unfinished;
        const char *game_id; /* the one that is being read */
        char *error;         /* of the database: ends the fetch */
};

/* Finished by the schedule, or begun long enough ago that an older schedule may not know of the end yet. A game is
 * never before its kickoff, whatever the API says of a season that is replayed with BATCH_NOW. */
static int find_games(struct worker *worker, const struct week *week, PGresult **ret, char **ret_error) {
        static const char sql[] =
                "SELECT game_id FROM schedule s WHERE season_year = $1 AND (season_type = 'post', week) <= ($2::boolean, $3::integer) "
                "AND (NOT $6::boolean OR (season_type = 'post', week) = ($2::boolean, $3::integer)) "
                "AND (status = 'final' OR (status IN ('scheduled', 'in_progress') AND kickoff + interval '4 hours' < $4)) "
                "AND (kickoff IS NULL OR kickoff <= $4) "
                "AND CASE WHEN $5::boolean THEN EXISTS (SELECT FROM game_log_sets l WHERE l.game_id = s.game_id AND unknown_players > 0 "
                "AND EXISTS (SELECT FROM players p WHERE p.updated_at >= l.stored_at)) "
                "ELSE $6::boolean OR NOT EXISTS (SELECT FROM game_log_sets l WHERE l.game_id = s.game_id) END ORDER BY game_date, game_id";
        static const char any_sql[] = "SELECT count(*) FROM schedule WHERE season_year = $1";
        char season[16], number[16], now[RFC3339_SIZE];
        (void)snprintf(season, sizeof(season), "%d", week->season);
        (void)snprintf(number, sizeof(number), "%d", week->week);
        const char *parameters[] = {season,
                                    week->type == SEASON_POST ? "t" : "f",
                                    number,
                                    format_rfc3339(now, worker->settings->now),
                                    worker->settings->new_players ? "t" : "f",
                                    worker->settings->again ? "t" : "f"};
        _cleanup_result_ PGresult *any = NULL;
        int r = db_query(worker->db, any_sql, parameters, 1, &any, ret_error);
        if (r < 0)
                return r;
        if (result_int(any, 0, 0) == 0)
                return error_set(ret_error, NFL_DATA,
                                 "the schedule of season %d is not stored: run `batch-nfl schedule` first",
                                 week->season);
        return db_query(worker->db, sql, parameters, 6, ret, ret_error);
}

static void take_line(void *userdata, const struct api_line *line) {
        struct ingest *ingest = userdata;
        log_batch_add_line(&ingest->batch, ingest->game_id, line);
}

/* Looks whether the games that are being stored are; with `wait` until they are. */
static int take_stored(struct ingest *ingest, bool wait) {
        struct log_counts before = ingest->counts;
        if (ingest->storing.batch.n_games == 0)
                return 0;
        int r = store_logs_poll(&ingest->storing, wait, &ingest->unknown, &ingest->counts, &ingest->error);
        if (r <= 0)
                return r;
        report_metric("games_processed", (int64_t)(ingest->counts.games - before.games));
        report_metric("game_logs_added", ingest->counts.added - before.added);
        report_progress((int64_t)ingest->answered, (int64_t)ingest->asked);
        return 0;
}

static int on_database(void *userdata) {
        return take_stored(userdata, false);
}

static int start_storing(struct ingest *ingest) {
        return store_logs_start(&ingest->storing, ingest->worker->db, &ingest->batch,
                                ingest->worker->settings->new_players, &ingest->error);
}

/* Stores what has been read when it is enough for a transaction and the one before has ended; it is waited for only
 * when too much has gathered. */
static int store_some(struct ingest *ingest) {
        size_t ready = ingest->batch.n_games;
        int r = take_stored(ingest, ready >= GATHERED_MAX);
        if (r < 0 || ingest->storing.batch.n_games > 0)
                return r;
        return ready >= BATCH_GAMES ? start_storing(ingest) : 0;
}

static int store_rest(struct ingest *ingest) {
        int r = take_stored(ingest, true);
        if (r == 0 && ingest->batch.n_games > 0)
                r = start_storing(ingest);
        return r < 0 ? r : take_stored(ingest, true);
}

static void take_game(struct ingest *ingest, const struct answer *answer) {
        _cleanup_free_ char *error = NULL;
        struct api_box_score score;
        if (answer->kind != ANSWER_DATA) {
                /* The API knows nothing of a game that was played: not a state that lasts. */
                int class = answer->kind == ANSWER_NOTHING ? NFL_DATA : answer_class(answer);
                outcome_fail(&ingest->outcome, ingest->game_id, class, answer->explanation);
                return;
        }
        log_batch_begin_game(&ingest->batch);
        if (api_box_score_read(answer->body, ingest->game_id, take_line, ingest, &score, &error) < 0) {
                log_batch_drop_game(&ingest->batch);
                outcome_fail(&ingest->outcome, ingest->game_id, NFL_DATA, error);
                return;
        }
        ingest->outcome.good++;
        if (score.status != GAME_FINAL) {
                ingest->unfinished++;
                log_info("%s: not finished yet", ingest->game_id);
                return;
        }
        log_batch_end_game(&ingest->batch, &score);
        log_debug("%s: read", ingest->game_id);
}

static int take_answer(void *userdata, size_t index, const struct answer *answer) {
        struct ingest *ingest = userdata;
        ingest->game_id = PQgetvalue(ingest->games, (int)index, 0);
        ingest->answered++;
        report_item(ingest->game_id);
        take_game(ingest, answer);
        return store_some(ingest);
}

static void ingest_done(struct ingest *ingest) {
        PQclear(ingest->games);
        log_batch_done(&ingest->batch);
        store_logs_done(&ingest->storing);
        unknown_done(&ingest->unknown);
        outcome_done(&ingest->outcome);
        free(ingest->error);
}

static int fetch_games(struct ingest *ingest) {
        size_t n = ingest->asked;
        char **paths = xcalloc(n + 1, sizeof(*paths));
        for (size_t i = 0; i < n; i++)
                paths[i] = game_id_query("getNFLBoxScore", PQgetvalue(ingest->games, (int)i, 0), "");
        struct fetch *fetch = ingest->worker->fetch;
        fetch_watch(fetch, PQsocket(db_connection(ingest->worker->db)), on_database, ingest);
        int r = fetch_all(fetch, (const char *const *)paths, n, take_answer, ingest);
        fetch_watch(fetch, -1, NULL, NULL);
        for (size_t i = 0; i < n; i++)
                free(paths[i]);
        free(paths);
        return r < 0 ? r : store_rest(ingest);
}

int command_game_logs(struct worker *worker, char **ret_error) {
        _cleanup_(ingest_done) struct ingest ingest = {
                .worker = worker, .batch = LOG_BATCH_INIT, .storing.batch = LOG_BATCH_INIT};
        struct week week;
        int r = week_resolve(worker, &week, ret_error);
        r = r < 0 ? r : find_games(worker, &week, &ingest.games, ret_error);
        r = r < 0 ? r : unknown_check(worker->db, ret_error);
        if (r < 0)
                return r;
        ingest.asked = (size_t)PQntuples(ingest.games);
        report_status("box scores up to week %d of season %d %s", week.week, week.season, season_type_name(week.type));
        report_metric("games_processed", 0);
        report_metric("game_logs_added", 0);
        report_progress(0, (int64_t)ingest.asked);
        r = fetch_games(&ingest);
        unknown_report(&ingest.unknown);
        report_records(ingest.counts.stored, ingest.asked == 0);
        if (ingest.asked == 0)
                log_info("nothing to fetch: %s", worker->settings->new_players
                                                         ? "no stored game has lines of players who were unknown"
                                                         : "the lines of all finished games are stored");
        else
                log_info("%zu of %zu games stored, %lld lines (%lld new)", ingest.counts.games, ingest.asked,
                         (long long)ingest.counts.stored, (long long)ingest.counts.added);
        if (r < 0)
                return error_set(ret_error, r, "%s", ingest.error ? ingest.error : "the fetch ended early");
        return outcome_result(&ingest.outcome, "box scores", ret_error);
}
