/* The store: what a commit costs the loop, and when it is durable; bare is the same rows and the same fdatasync in one
 * thread. Then history over 100,000 runs. */
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "bench.h"
#include "fileutil.h"
#include "history.h"
#include "loop.h"
#include "record.h"
#include "store.h"
#include "strutil.h"
#include "xalloc.h"

#define COMMITS 3000
#define RUNS 100000
#define RUNS_BATCH 1000
#define QUESTIONS 200

struct bench {
        struct loop *loop;
        struct store *store;
        struct history *history;
        double submitted; /* when */
        double costs[COMMITS], latencies[COMMITS];
        int n;
        int64_t next_run;
};

static struct run_record make_run(int64_t number) {
        static const char *const jobs[] = {"weekly_update", "roster_refresh", "odds_backfill", "integrity_check"};
        struct run_record record = {
                .run_number = number,
                .job = xstrdup(jobs[number % 4]),
                .batch_type = xstrdup(jobs[number % 4]),
                .batch_mode = xstrdup(number % 50 ? "full" : "odds_only"),
                .triggered_by = number % 20 ? TRIGGER_SCHEDULE : TRIGGER_MANUAL,
                .status = number % 100 ? RUN_SUCCESS : RUN_FAILED,
                .created_at = (usec_t)(1700000000 + number * 60) * USEC_PER_SEC,
                .duration_usec = 1000000,
                .parameters = jval_object(),
                .metrics = jval_object(),
                .version = 1,
        };

        (void)snprintf(record.run_id, UUID_SIZE, "%08llx-0000-4000-8000-%012llx",
                       (unsigned long long)(number * 2654435761u) & 0xffffffff, (unsigned long long)number);
        jval_set_int(record.parameters, "season", 2024);
        jval_set_int(record.parameters, "week", 1 + number % 18);
        jval_set_int(record.metrics, "games_processed", 16);
        jval_set_int(record.metrics, "odds_synced", 523);
        return record;
}

static struct attempt_record make_attempt(const struct run_record *run) {
        struct attempt_record record = {
                .step_name = xstrdup("schedule"),
                .item = xstrdup(""),
                .attempt = 1,
                .step_order = 1,
                .ordinal = 1,
                .number = run->run_number,
                .status = STEP_SUCCESS,
                .created_at = run->created_at,
                .duration_usec = 1000000,
                .records_processed = 272,
                .exit_status = 0,
                .version = 1,
        };

        memcpy(record.run_id, run->run_id, UUID_SIZE);
        return record;
}

static void submit_next(void *user);

static void durable(void *user) {
        struct bench *bench = user;

        bench->latencies[bench->n++] = bench_now(CLOCK_MONOTONIC) - bench->submitted;
        if (bench->n == COMMITS)
                loop_exit(bench->loop, 0);
        else
                submit_next(bench);
}

static void submit_next(void *user) {
        struct bench *bench = user;
        struct run_record run = make_run(bench->next_run++);
        struct attempt_record attempt = make_attempt(&run);
        double begin = bench->submitted = bench_now(CLOCK_MONOTONIC);
        struct store_batch *batch = store_batch_new();

        store_batch_put_run(batch, &run);
        store_batch_put_attempt(batch, &attempt, NULL);
        (void)store_submit(bench->store, batch, durable, bench);
        bench->costs[bench->n] = bench_now(CLOCK_MONOTONIC) - begin;
        run_record_done(&run);
        attempt_record_done(&attempt);
}

/* The bare loop: two inserts of the same size and a commit, with the settings of the store. */
static void bare_commits(const char *folder, double *ret_p50, double *ret_p99) {
        static const char text[] =
                "INSERT INTO t VALUES (?1, '01234567-0000-4000-8000-000000000000', 'weekly_update', 'full', 'success',"
                " '{\"season\":2024,\"week\":9}', '{\"games_processed\":16,\"odds_synced\":523}')";
        char *path = path_join(folder, "bare.db");
        sqlite3_stmt *insert, *begin, *commit;
        double latencies[COMMITS];
        sqlite3 *db;

        (void)sqlite3_open(path, &db);
        (void)sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (a, b, c, d, e, f, g)",
                           NULL, NULL, NULL);
        (void)sqlite3_prepare_v2(db, text, -1, &insert, NULL);
        (void)sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", -1, &begin, NULL);
        (void)sqlite3_prepare_v2(db, "COMMIT", -1, &commit, NULL);
        for (int i = 0; i < COMMITS; i++) {
                double start = bench_now(CLOCK_MONOTONIC);
                (void)sqlite3_step(begin);
                (void)sqlite3_reset(begin);
                for (int k = 0; k < 2; k++) {
                        (void)sqlite3_bind_int(insert, 1, i);
                        (void)sqlite3_step(insert);
                        (void)sqlite3_reset(insert);
                }
                (void)sqlite3_step(commit);
                (void)sqlite3_reset(commit);
                latencies[i] = bench_now(CLOCK_MONOTONIC) - start;
        }
        *ret_p50 = bench_quantile(latencies, COMMITS, 0.5);
        *ret_p99 = bench_quantile(latencies, COMMITS, 0.99);
        (void)sqlite3_finalize(insert);
        (void)sqlite3_finalize(begin);
        (void)sqlite3_finalize(commit);
        (void)sqlite3_close(db);
        free(path);
}

static void filled(void *user) {
        struct bench *bench = user;

        loop_exit(bench->loop, 0);
}

static void fill(struct bench *bench) {
        while (bench->next_run <= RUNS) {
                struct store_batch *batch = store_batch_new();
                for (int i = 0; i < RUNS_BATCH; i++) {
                        struct run_record run = make_run(bench->next_run++);
                        struct attempt_record attempt = make_attempt(&run);
                        store_batch_put_run(batch, &run);
                        store_batch_put_attempt(batch, &attempt, NULL);
                        run_record_done(&run);
                        attempt_record_done(&attempt);
                }
                if (store_submit(bench->store, batch, filled, bench) < 0)
                        abort();
                (void)loop_run(bench->loop);
        }
}

static void answered(int error, const char *error_text, struct jval *answer, void *user) {
        struct bench *bench = user;

        if (error < 0)
                abort();
        (void)jval_unref(answer);
        loop_exit(bench->loop, 0);
}

static void question(struct bench *bench, const char *what, const struct run_filter *filter, const char *selector) {
        double latencies[QUESTIONS];

        for (int i = 0; i < QUESTIONS; i++) {
                double begin = bench_now(CLOCK_MONOTONIC);
                int r = filter ? history_run_list(bench->history, filter, answered, bench)
                               : history_run_page(bench->history, selector, 0, 501, answered, bench);
                if (r < 0)
                        abort();
                (void)loop_run(bench->loop);
                latencies[i] = bench_now(CLOCK_MONOTONIC) - begin;
        }
        bench_value(what, "ms", bench_quantile(latencies, QUESTIONS, 0.99) * 1e3, 10);
}

static void questions(struct bench *bench) {
        struct run_record run = make_run(50000);
        char prefix[9] = {0};
        const usec_t first = (usec_t)1700000000 * USEC_PER_SEC, minute = USEC_PER_MINUTE;

        memcpy(prefix, run.run_id, 8);
        run_record_done(&run);
        question(bench, "history of 100,000 runs, newest 50, p99", &(struct run_filter){0}, NULL);
        question(bench, "history, one job", &(struct run_filter){.job = (char *)"odds_backfill"}, NULL);
        question(bench, "history, failed", &(struct run_filter){.status = (char *)"failed"}, NULL);
        question(bench, "history, one job, failed, in the middle",
                 &(struct run_filter){
                         .job = (char *)"weekly_update", .status = (char *)"failed", .until = first + 50000 * minute},
                 NULL);
        question(bench, "history, a span of time in the middle",
                 &(struct run_filter){.since = first + 50000 * minute, .until = first + 60000 * minute}, NULL);
        question(bench, "history, one type, page in the middle",
                 &(struct run_filter){.type = (char *)"roster_refresh", .before = 50000}, NULL);
        question(bench, "history, rare mode, oldest",
                 &(struct run_filter){.mode = (char *)"odds_only", .until = first + 3000 * minute}, NULL);
        question(bench, "history, a mode that no run has", &(struct run_filter){.mode = (char *)"none"}, NULL);
        question(bench, "history, one run by number", NULL, "50000");
        question(bench, "history, one run by the beginning of its id", NULL, prefix);
}

/* What a restart waits for. */
static void open_again(struct bench *bench, const char *folder) {
        bench->history = history_close(bench->history);
        bench->store = store_close(bench->store);
        double begin = bench_now(CLOCK_MONOTONIC);
        if (store_open(&bench->store, bench->loop, folder, NULL) < 0 ||
            history_open(&bench->history, bench->loop, bench->store, NULL) < 0)
                abort();
        bench_value("store, opening a folder of 100,000 runs", "ms", (bench_now(CLOCK_MONOTONIC) - begin) * 1e3, 0);
}

int main(void) {
        struct bench *bench = NEW(struct bench);
        char folder[] = "/var/tmp/bench_store.XXXXXX", *error = NULL;
        double bare_p50, bare_p99;

        bench->next_run = 1;
        if (!mkdtemp(folder) || loop_new(&bench->loop) < 0 ||
            store_open(&bench->store, bench->loop, folder, &error) < 0 ||
            history_open(&bench->history, bench->loop, bench->store, &error) < 0) {
                (void)fprintf(stderr, "%s\n", str_or(error, "cannot begin"));
                return 1;
        }
        bare_commits(folder, &bare_p50, &bare_p99);
        submit_next(bench);
        (void)loop_run(bench->loop);
        bench_value("store, loop's part of a commit of two rows, p50", "us",
                    bench_quantile(bench->costs, COMMITS, 0.5) * 1e6, 0);
        bench_value("store, loop's part of a commit of two rows, p99", "us",
                    bench_quantile(bench->costs, COMMITS, 0.99) * 1e6, 300);
        bench_ratio("store, durable after, p50", "us", bench_quantile(bench->latencies, COMMITS, 0.5) * 1e6,
                    bare_p50 * 1e6, "commits in one thread", 0);
        bench_ratio("store, durable after, p99", "us", bench_quantile(bench->latencies, COMMITS, 0.99) * 1e6,
                    bare_p99 * 1e6, "commits in one thread", 0);
        fill(bench);
        questions(bench);
        open_again(bench, folder);
        bench->history = history_close(bench->history);
        bench->store = store_close(bench->store);
        bench->loop = loop_free(bench->loop);
        (void)remove_tree(folder);
        free(bench);
        return 0;
}
