/* A state folder and its mirror, driven by lines on stdin; test_mirror.py speaks to it. Each command is answered by one
 * line.
 *
 *   run NUMBER STATUS [WEEK]     puts a run                        -> "ok" once it is durable
 *   bad NUMBER                   puts a run that PostgreSQL refuses (retry_of is no uuid)
 *   mend NUMBER                  the same run, now as it should be
 *   attempt NUMBER STEP N STATUS puts an attempt of the run
 *   audit METHOD                 puts an entry of the audit
 *   many FROM COUNT              puts COUNT runs with an attempt each, in one batch
 *   status                       mirror_status as JSON
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cleanup.h"
#include "fileutil.h"
#include "loop.h"
#include "mirror.h"
#include "record.h"
#include "store.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

struct harness {
        struct loop *loop;
        struct store *store;
        struct mirror *mirror;
        struct buf input;
        int64_t version;
};

static void say(const char *text) {
        (void)printf("%s\n", text);
        (void)fflush(stdout);
}

/* The id of a run follows from its number, so that a second daemon's ids differ by the instance's first digits. */
static void id_of(const struct harness *harness, int64_t number, char ret[static UUID_SIZE]) {
        (void)snprintf(ret, UUID_SIZE, "%.8s-0000-4000-8000-%012llx", store_instance(harness->store),
                       (unsigned long long)number);
}

static void put_run(struct harness *harness, struct store_batch *batch, int64_t number, const char *status,
                    int64_t week, const char *retry_of) {
        struct run_record record = {
                .run_number = number,
                .job = xstrdup("weekly_update"),
                .batch_type = xstrdup("weekly_update"),
                .status = run_status_from_string(status),
                .created_at = now_realtime(),
                .started_at = now_realtime(),
                .duration_usec = 1500000,
                .parameters = jval_object(),
                .metrics = jval_object(),
                .retry_of = xstrdup_or_null(retry_of),
                .version = ++harness->version,
        };

        id_of(harness, number, record.run_id);
        jval_set_int(record.parameters, "season", 2024);
        jval_set_int(record.parameters, "week", week);
        jval_set_str(record.parameters, "season_type", "reg");
        jval_set_int(record.metrics, "games_processed", 16);
        jval_set_real(record.metrics, "odds_synced", 1.5);
        store_batch_put_run(batch, &record);
        run_record_done(&record);
}

static void put_attempt(struct harness *harness, struct store_batch *batch, int64_t number, const char *step,
                        int attempt, const char *status) {
        struct attempt_record record = {
                .step_name = xstrdup(step),
                .item = xstrdup(""),
                .attempt = attempt,
                .step_order = 1,
                .ordinal = 1,
                .number = number,
                .status = step_status_from_string(status),
                .created_at = now_realtime(),
                .updated_at = now_realtime(),
                .duration_usec = -1,
                .records_processed = -1,
                .exit_status = -1,
                .output_log = xstrdup("first\nsecond\ttab \\ back \xff byte\n"),
                .version = ++harness->version,
        };

        id_of(harness, number, record.run_id);
        store_batch_put_attempt(batch, &record, NULL);
        attempt_record_done(&record);
}

static void durable(void *user) {
        struct harness *harness = user;

        mirror_poke(harness->mirror);
        say("ok");
}

static void put_many(struct harness *harness, struct store_batch *batch, int64_t from, int64_t count) {
        for (int64_t i = from; i < from + count; i++) {
                put_run(harness, batch, i, "success", 1 + i % 18, NULL);
                put_attempt(harness, batch, i, "schedule", 1, "success");
        }
}

static int64_t number(char **words, size_t at) {
        int64_t value = 0;

        if (at < strv_length(words))
                (void)parse_int64(words[at], &value);
        return value;
}

static void command(struct harness *harness, const char *line) {
        _cleanup_strv_ char **words = strv_split(line, " ");
        struct store_batch *batch = store_batch_new();
        size_t n = strv_length(words);

        if (n == 1 && streq(words[0], "status")) {
                _cleanup_jval_ struct jval *status = mirror_status(harness->mirror);
                _cleanup_free_ char *text = jval_dump(status);
                say(text);
        } else if (n >= 3 && streq(words[0], "run"))
                put_run(harness, batch, number(words, 1), words[2], n > 3 ? number(words, 3) : 9, NULL);
        else if (n == 2 && streq(words[0], "bad"))
                put_run(harness, batch, number(words, 1), "success", 9, "no-uuid");
        else if (n == 2 && streq(words[0], "mend"))
                put_run(harness, batch, number(words, 1), "success", 9, NULL);
        else if (n == 5 && streq(words[0], "attempt"))
                put_attempt(harness, batch, number(words, 1), words[2], (int)number(words, 3), words[4]);
        else if (n == 2 && streq(words[0], "audit")) {
                struct audit_record record = {.at = now_realtime(), .uid = 1, .pid = 2, .method = words[1]};
                store_batch_put_audit(batch, &record);
        } else if (n == 3 && streq(words[0], "many"))
                put_many(harness, batch, number(words, 1), number(words, 2));
        else
                say("what?");
        if (store_batch_is_empty(batch) || store_submit(harness->store, batch, durable, harness) < 0)
                (void)store_batch_free(batch);
}

static void input(int fd, unsigned ready, void *user) {
        struct harness *harness = user;
        char *room = buf_reserve(&harness->input, 4096);
        ssize_t got = read(fd, room, 4096);

        if (got <= 0) {
                loop_exit(harness->loop, 0);
                return;
        }
        buf_commit(&harness->input, (size_t)got);
        const char *newline;
        while ((newline = memchr(buf_data(&harness->input), '\n', harness->input.len))) {
                size_t len = (size_t)(newline - buf_data(&harness->input));
                _cleanup_free_ char *line = xstrndup(buf_data(&harness->input), len);
                buf_consume(&harness->input, len + 1);
                command(harness, line);
        }
}

int main(int argc, char **argv) {
        struct harness harness = {.input = BUF_INIT(65536)};
        struct loop_io *io = NULL;
        char *error = NULL;
        int r;

        if (argc != 5) {
                (void)fprintf(stderr, "usage: %s STATE_DIR CONNINFO HOST SQL_DIR\n", argv[0]);
                return 2;
        }
        const struct mirror_config config = {.conninfo = argv[2], .host = argv[3], .sql_dir = argv[4]};
        r = loop_new(&harness.loop);
        if (r >= 0)
                r = store_open(&harness.store, harness.loop, argv[1], &error);
        if (r >= 0)
                r = mirror_new(&harness.mirror, harness.loop, harness.store, &config, &error);
        if (r >= 0)
                r = loop_io_new(harness.loop, &io, STDIN_FILENO, LOOP_READ, input, &harness);
        if (r < 0)
                (void)fprintf(stderr, "%s\n", error ? error : strerror(-r));
        else
                r = loop_run(harness.loop);
        io = loop_io_free(io);
        harness.mirror = mirror_free(harness.mirror);
        if (harness.store)
                harness.store = store_close(harness.store);
        harness.loop = loop_free(harness.loop);
        buf_done(&harness.input);
        free(error);
        return r < 0 ? 1 : 0;
}
