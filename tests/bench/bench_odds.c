/* 100,000 prices: the worker's way (odds_row, store_odds: unknown players told apart, last of a key counts) against the
 * same COPY and upsert typed into one loop, which trusts its input. Called by bench_odds.py with a database that holds
 * the players and games. Interleaved; first all rows are new, then all exist. */
#include <libpq-fe.h>

#include "bench.h"
#include "db.h"
#include "store_odds.h"

#define PLAYERS 2500
#define GAMES 20
#define BOOKS 2
#define REPETITIONS 5

static const char *const books[BOOKS] = {"draftkings", "fanduel"};

static void die(const char *what, const char *why) {
        (void)fprintf(stderr, "%s: %s\n", what, why ? why : "failed");
        exit(1);
}

static void run(PGconn *connection, const char *sql) {
        PGresult *result = PQexec(connection, sql);
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
                die(sql, PQerrorMessage(connection));
        PQclear(result);
}

static int price_of(int player, int game, int round) {
        return 100 + (player * 7 + game * 13 + round) % 900;
}

static double with_worker(struct db *db, int round) {
        struct odds_rows rows = {.prices = BUF_INIT(ROWS_MAX), .lines = BUF_INIT(ROWS_MAX)};
        struct unknown unknown = {0};
        char *error = NULL, player_id[16], game_id[32];
        int64_t stored = 0;
        double began = bench_now(CLOCK_MONOTONIC);
        for (int game = 0; game < GAMES; game++) {
                (void)snprintf(game_id, sizeof(game_id), "202411%02d_AAA@BBB", game + 1);
                for (int player = 0; player < PLAYERS; player++) {
                        (void)snprintf(player_id, sizeof(player_id), "%d", 1000000 + player);
                        for (int book = 0; book < BOOKS; book++)
                                if (odds_row(&rows.prices, player_id, game_id, books[book],
                                             price_of(player, game, round), true) < 0)
                                        die("odds_row", NULL);
                }
        }
        if (store_odds(db, &rows, 1730203200000000ULL, &unknown, &stored, &error) < 0 ||
            stored != PLAYERS * GAMES * BOOKS)
                die("store_odds", error);
        double took = bench_now(CLOCK_MONOTONIC) - began;
        buf_done(&rows.prices);
        return took;
}

static double bare(PGconn *connection, int round) {
        static char chunk[256 * 1024];
        size_t length = 0;
        double began = bench_now(CLOCK_MONOTONIC);
        run(connection, "BEGIN");
        run(connection,
            "CREATE TEMP TABLE bare (player_id text, game_id text, sportsbook text, season_year integer, week integer, "
            "price integer, consensus boolean, fetched_at timestamptz) ON COMMIT DROP");
        PQclear(PQexec(connection, "COPY bare FROM STDIN"));
        for (int game = 0; game < GAMES; game++)
                for (int player = 0; player < PLAYERS; player++)
                        for (int book = 0; book < BOOKS; book++) {
                                length += (size_t)snprintf(
                                        chunk + length, sizeof(chunk) - length,
                                        "%d\t202411%02d_AAA@BBB\t%s\t2024\t9\t%d\tt\t2024-10-29T12:00:00Z\n",
                                        1000000 + player, game + 1, books[book], price_of(player, game, round));
                                if (length > sizeof(chunk) - 128) {
                                        if (PQputCopyData(connection, chunk, (int)length) < 0)
                                                die("COPY", PQerrorMessage(connection));
                                        length = 0;
                                }
                        }
        if (PQputCopyData(connection, chunk, (int)length) < 0 || PQputCopyEnd(connection, NULL) < 0)
                die("COPY", PQerrorMessage(connection));
        for (PGresult *result; (result = PQgetResult(connection)); PQclear(result))
                if (PQresultStatus(result) != PGRES_COMMAND_OK)
                        die("COPY", PQerrorMessage(connection));
        run(connection,
            "INSERT INTO sportsbook_odds (player_id, game_id, sportsbook, season_year, week, anytime_td_odds, consensus, "
            "fetched_at) SELECT * FROM bare ON CONFLICT (player_id, game_id, sportsbook) DO UPDATE SET "
            "season_year = EXCLUDED.season_year, week = EXCLUDED.week, anytime_td_odds = EXCLUDED.anytime_td_odds, "
            "consensus = EXCLUDED.consensus, fetched_at = EXCLUDED.fetched_at");
        run(connection, "COMMIT");
        return bench_now(CLOCK_MONOTONIC) - began;
}

static void prepare(PGconn *connection, int fresh) {
        if (fresh)
                run(connection, "TRUNCATE sportsbook_odds");
        else
                run(connection, "VACUUM sportsbook_odds");
        run(connection, "CHECKPOINT");
}

static void compare(struct db *db, PGconn *connection, int fresh, const char *what) {
        double ours[REPETITIONS], limit[REPETITIONS];
        for (int i = 0; i < REPETITIONS; i++) {
                prepare(connection, fresh);
                limit[i] = bare(connection, 2 * i);
                prepare(connection, fresh);
                ours[i] = with_worker(db, 2 * i + 1);
        }
        bench_ratio(what, "s", bench_quantile(ours, REPETITIONS, 0.5), bench_quantile(limit, REPETITIONS, 0.5),
                    "COPY + upsert in one loop", 1 / 0.9);
}

int main(int argc, char **argv) {
        struct db *db = NULL;
        char *error = NULL;
        if (argc != 2)
                die("usage", "bench_odds CONNINFO (see bench_odds.py)");
        if (db_open(argv[1], &db, &error) < 0)
                die("db_open", error);
        PGconn *connection = PQconnectdb(argv[1]);
        if (PQstatus(connection) != CONNECTION_OK)
                die("connect", PQerrorMessage(connection));
        (void)with_worker(db, 0);
        compare(db, connection, 1, "100,000 new prices");
        compare(db, connection, 0, "100,000 prices over old ones");
        PQfinish(connection);
        db_close(db);
        return 0;
}
