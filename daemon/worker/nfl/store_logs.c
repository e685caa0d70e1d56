#include <stdlib.h>

#include "errorclass.h"
#include "errortext.h"
#include "macro.h"
#include "store_logs.h"

void log_batch_begin_game(struct log_batch *batch) {
        batch->game_start = batch->lines.len;
}

void log_batch_add_line(struct log_batch *batch, const char *game_id, const struct api_line *line) {
        struct buf *rows = &batch->lines;
        const char *texts[] = {line->player_id, game_id, line->name, line->team};
        int r = 0;
        for (size_t i = 0; i < ELEMENTSOF(texts) && r == 0; i++) {
                r = i ? row_next(rows) : 0;
                r = r < 0 ? r : row_text(rows, texts[i]);
        }
        for (size_t i = 0; i < LINE_VALUES && r == 0; i++) {
                r = row_next(rows);
                r = r < 0 ? r : row_int(rows, line->value[i]);
        }
        r = r < 0 ? r : row_end(rows);
        batch->overflow = batch->overflow || r < 0;
}

void log_batch_end_game(struct log_batch *batch, const struct api_box_score *score) {
        struct buf *rows = &batch->games;
        int r = row_text(rows, score->game_id);
        const int64_t points[] = {score->away_score, score->home_score};
        for (size_t i = 0; i < ELEMENTSOF(points) && r == 0; i++) {
                r = row_next(rows);
                if (r == 0)
                        r = points[i] < 0 ? row_text(rows, NULL) : row_int(rows, points[i]);
        }
        r = r < 0 ? r : row_end(rows);
        batch->overflow = batch->overflow || r < 0;
        batch->n_games++;
}

void log_batch_drop_game(struct log_batch *batch) {
        batch->lines.len = batch->game_start;
}

void log_batch_done(struct log_batch *batch) {
        buf_done(&batch->lines);
        buf_done(&batch->games);
}

#define SCRIPT_MAX ((size_t)16 << 10)

/* Once a connection; what is in them goes with each transaction. */
static const char tables_sql[] =
        "CREATE TEMP TABLE IF NOT EXISTS incoming_lines (player_id text, game_id text, name text, team text, targets integer, "
        "receptions integer, receiving_yards integer, receiving_td integer, carries integer, rushing_yards integer, "
        "rushing_td integer, return_td integer) ON COMMIT DELETE ROWS; "
        "CREATE TEMP TABLE IF NOT EXISTS incoming_scores (game_id text, away_score integer, home_score integer) ON COMMIT DELETE ROWS";
static const char copy_sql[] = "COPY incoming_lines FROM STDIN; COPY incoming_scores FROM STDIN";

/* In the order of the keys, so that two ingests at once wait for each other and do not deadlock. */
static const char lines_sql[] =
        "WITH stored AS (INSERT INTO game_logs AS g (player_id, game_id, season_year, week, season_type, team, targets, receptions, "
        "receiving_yards, receiving_td, carries, rushing_yards, rushing_td, return_td) "
        "SELECT DISTINCT ON (i.player_id, i.game_id) i.player_id, i.game_id, s.season_year, s.week, s.season_type, i.team, i.targets, "
        "i.receptions, i.receiving_yards, i.receiving_td, i.carries, i.rushing_yards, i.rushing_td, i.return_td "
        "FROM incoming_lines i JOIN players USING (player_id) JOIN schedule s USING (game_id) ORDER BY i.player_id, i.game_id "
        "ON CONFLICT (player_id, game_id) DO UPDATE SET season_year = EXCLUDED.season_year, week = EXCLUDED.week, "
        "season_type = EXCLUDED.season_type, team = EXCLUDED.team, targets = EXCLUDED.targets, receptions = EXCLUDED.receptions, "
        "receiving_yards = EXCLUDED.receiving_yards, receiving_td = EXCLUDED.receiving_td, carries = EXCLUDED.carries, "
        "rushing_yards = EXCLUDED.rushing_yards, rushing_td = EXCLUDED.rushing_td, return_td = EXCLUDED.return_td "
        "RETURNING xmax = 0 AS added) SELECT count(*), count(*) FILTER (WHERE added) FROM stored";
/* Lines that come to a game whose others are stored: their player was unknown then. Before lines_sql. */
static const char backfilled_sql[] =
        "CREATE TEMP TABLE IF NOT EXISTS late_lines (player_id text, game_id text) ON COMMIT DELETE ROWS; "
        "INSERT INTO late_lines SELECT DISTINCT i.player_id, i.game_id FROM incoming_lines i JOIN players USING (player_id) "
        "JOIN game_log_sets USING (game_id) WHERE NOT EXISTS (SELECT FROM game_logs l WHERE (l.player_id, l.game_id) = "
        "(i.player_id, i.game_id))";
static const char note_backfilled_sql[] =
        "INSERT INTO game_logs_backfilled SELECT player_id, game_id FROM late_lines ORDER BY 1, 2 ON CONFLICT DO NOTHING";
static const char unknown_sql[] =
        "SELECT player_id, name FROM (SELECT DISTINCT ON (player_id, game_id) player_id, game_id, name FROM incoming_lines) i "
        "WHERE NOT EXISTS (SELECT FROM players p WHERE p.player_id = i.player_id) ORDER BY name, player_id";
static const char marks_sql[] =
        "INSERT INTO game_log_sets (game_id, log_count, unknown_players) "
        "SELECT g.game_id, count(p.player_id), count(i.player_id) - count(p.player_id) FROM incoming_scores g "
        "LEFT JOIN (SELECT DISTINCT player_id, game_id FROM incoming_lines) i USING (game_id) LEFT JOIN players p USING (player_id) GROUP BY g.game_id ORDER BY g.game_id "
        "ON CONFLICT (game_id) DO UPDATE SET log_count = EXCLUDED.log_count, unknown_players = EXCLUDED.unknown_players, "
        "stored_at = now()";
static const char scores_sql[] =
        "UPDATE schedule s SET away_score = coalesce(i.away_score, s.away_score), home_score = coalesce(i.home_score, s.home_score), "
        "status = 'final', updated_at = now() FROM incoming_scores i WHERE s.game_id = i.game_id";

int store_logs_start(struct log_storing *storing, struct db *db, struct log_batch *batch, bool late, char **ret_error) {
        if (batch->overflow)
                return error_set(ret_error, NFL_DATA, "box scores are larger than %zu MiB of rows", ROWS_MAX >> 20);
        const char *const statements[] = {tables_sql,  copy_sql,
                                          unknown_sql, late ? backfilled_sql : "",
                                          lines_sql,   late ? note_backfilled_sql : "",
                                          marks_sql,   scores_sql};
        _cleanup_buf_ struct buf sql = BUF_INIT(SCRIPT_MAX);
        for (size_t i = 0; i < ELEMENTSOF(statements); i++)
                if (buf_appendf(&sql, "%s;", statements[i]) < 0)
                        abort();
        struct log_batch empty = storing->batch;
        storing->batch = *batch;
        *batch = empty;
        storing->script = (struct db_script){.copies = {&storing->batch.lines, &storing->batch.games}, .n_copies = 2};
        return db_script_start(db, &storing->script, buf_data(&sql), ret_error);
}

int store_logs_poll(struct log_storing *storing, bool wait, struct unknown *unknown, struct log_counts *counts,
                    char **ret_error) {
        int r = db_script_poll(&storing->script, wait, ret_error);
        if (r <= 0)
                return r;
        const PGresult *strangers = storing->script.rows[0], *stored = storing->script.rows[1];
        counts->games += storing->batch.n_games;
        counts->stored += result_int(stored, 0, 0);
        counts->added += result_int(stored, 0, 1);
        for (int i = 0; i < PQntuples(strangers); i++)
                unknown_add(unknown, PQgetvalue(strangers, i, 0), PQgetvalue(strangers, i, 1));
        db_script_done(&storing->script);
        buf_clear(&storing->batch.lines);
        buf_clear(&storing->batch.games);
        storing->batch.n_games = 0;
        return 1;
}

void store_logs_done(struct log_storing *storing) {
        db_script_done(&storing->script);
        log_batch_done(&storing->batch);
}
