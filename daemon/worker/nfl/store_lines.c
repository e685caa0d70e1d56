#include <stdio.h>

#include "store_lines.h"

int line_row(struct buf *rows, const char *game_id, const struct api_game_line *line) {
        char total[32], spread[32];
        (void)snprintf(total, sizeof(total), "%.2f", line->total);
        (void)snprintf(spread, sizeof(spread), "%.2f", line->home_spread);
        const char *const texts[] = {game_id, line->sportsbook, total, spread};
        int r = 0;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && r == 0; i++) {
                r = i ? row_next(rows) : 0;
                r = r < 0 ? r : row_text(rows, texts[i]);
        }
        return r < 0 ? r : row_end(rows);
}

static const char create_sql[] =
        "CREATE TEMP TABLE incoming_game_lines (game_id text, sportsbook text, total double precision, home_spread double "
        "precision, number integer GENERATED ALWAYS AS IDENTITY) ON COMMIT DROP";
static const char copy_sql[] = "COPY incoming_game_lines (game_id, sportsbook, total, home_spread) FROM STDIN";
/* In the order of the keys, so that two updates at once wait for each other and do not deadlock. */
static const char upsert_sql[] =
        "INSERT INTO game_lines AS l (game_id, sportsbook, total, home_spread, fetched_at) "
        "SELECT DISTINCT ON (i.game_id, i.sportsbook) i.game_id, i.sportsbook, i.total, i.home_spread, $1::timestamptz "
        "FROM incoming_game_lines i JOIN schedule s USING (game_id) "
        "WHERE s.status = 'final' OR s.kickoff IS NULL OR s.kickoff > $1::timestamptz "
        "ORDER BY i.game_id, i.sportsbook, i.number DESC "
        "ON CONFLICT (game_id, sportsbook) DO UPDATE SET total = EXCLUDED.total, home_spread = EXCLUDED.home_spread, "
        "fetched_at = EXCLUDED.fetched_at WHERE NOT EXISTS (SELECT FROM schedule s WHERE s.game_id = l.game_id AND "
        "l.fetched_at < s.kickoff AND EXCLUDED.fetched_at >= s.kickoff)";

int store_lines(struct db *db, const struct buf *rows, usec_t fetched_at, char **ret_error) {
        char instant[RFC3339_SIZE];
        const char *parameters[] = {format_rfc3339(instant, fetched_at)};
        _cleanup_result_ PGresult *stored = NULL;
        if (rows->len == 0)
                return 0;
        int r = db_run(db, create_sql, ret_error);
        r = r < 0 ? r : db_copy(db, copy_sql, rows, ret_error);
        return r < 0 ? r : db_query(db, upsert_sql, parameters, 1, &stored, ret_error);
}
