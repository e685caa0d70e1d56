#include "store_odds.h"
#include "store_lines.h"

int odds_row(struct buf *rows, const char *player_id, const char *game_id, const char *sportsbook, int american,
             bool consensus) {
        int r = row_text(rows, player_id);
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_text(rows, game_id);
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_text(rows, sportsbook);
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_int(rows, american);
        r = r < 0 ? r : row_next(rows);
        r = r < 0 ? r : row_text(rows, consensus ? "t" : "f");
        return r < 0 ? r : row_end(rows);
}

static const char create_sql[] =
        "CREATE TEMP TABLE incoming_odds (player_id text, game_id text, sportsbook text, price integer, "
        "consensus boolean, number integer GENERATED ALWAYS AS IDENTITY) ON COMMIT DROP";
static const char copy_sql[] = "COPY incoming_odds (player_id, game_id, sportsbook, price, consensus) FROM STDIN";
/* In the order of the keys, so that two updates at once wait for each other and do not deadlock. */
static const char upsert_sql[] =
        "WITH stored AS (INSERT INTO sportsbook_odds (player_id, game_id, sportsbook, season_year, week, anytime_td_odds, consensus, "
        "fetched_at) SELECT DISTINCT ON (i.player_id, i.game_id, i.sportsbook) i.player_id, i.game_id, i.sportsbook, s.season_year, "
        "s.week, i.price, i.consensus, $1::timestamptz FROM incoming_odds i JOIN players USING (player_id) "
        "JOIN schedule s USING (game_id) ORDER BY i.player_id, i.game_id, i.sportsbook, i.number DESC "
        "ON CONFLICT (player_id, game_id, sportsbook) DO UPDATE SET season_year = EXCLUDED.season_year, week = EXCLUDED.week, "
        "anytime_td_odds = EXCLUDED.anytime_td_odds, consensus = EXCLUDED.consensus, fetched_at = EXCLUDED.fetched_at "
        "RETURNING 1) SELECT count(*) FROM stored";
static const char unknown_sql[] = "SELECT DISTINCT player_id FROM incoming_odds i WHERE NOT EXISTS "
                                  "(SELECT FROM players p WHERE p.player_id = i.player_id) ORDER BY player_id";

int store_odds(struct db *db, const struct odds_rows *rows, usec_t fetched_at, struct unknown *unknown,
               int64_t *ret_stored, char **ret_error) {
        char instant[RFC3339_SIZE];
        const char *parameters[] = {format_rfc3339(instant, fetched_at)};
        _cleanup_result_ PGresult *stored = NULL, *strangers = NULL;
        int r = db_begin(db, ret_error);
        r = r < 0 ? r : db_run(db, create_sql, ret_error);
        r = r < 0 ? r : db_copy(db, copy_sql, &rows->prices, ret_error);
        r = r < 0 ? r : db_query(db, unknown_sql, NULL, 0, &strangers, ret_error);
        r = r < 0 ? r : db_query(db, upsert_sql, parameters, 1, &stored, ret_error);
        r = r < 0 ? r : store_lines(db, &rows->lines, fetched_at, ret_error);
        r = r < 0 ? r : db_commit(db, ret_error);
        if (r < 0) {
                db_rollback(db);
                return r;
        }
        for (int i = 0; i < PQntuples(strangers); i++)
                unknown_add(unknown, PQgetvalue(strangers, i, 0), NULL);
        *ret_stored = result_int(stored, 0, 0);
        return 0;
}
