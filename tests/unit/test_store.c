#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "file_systems.h"
#include "store_fixture.h"
#include "strutil.h"

/* One value of state.db as another connection sees it; new memory, "" for NULL. */
static char *look(const struct fixture *fixture, const char *sql) {
        sqlite3_stmt *statement;
        char *value;
        sqlite3 *db;

        assert_int_equal(sqlite3_open_v2(store_path(fixture->store), &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        value = xstrdup(str_or((const char *)sqlite3_column_text(statement, 0), ""));
        (void)sqlite3_finalize(statement);
        (void)sqlite3_close(db);
        return value;
}

static void check(const struct fixture *fixture, const char *sql, const char *expected) {
        char *value = look(fixture, sql);

        assert_string_equal(value, expected);
        free(value);
}

static void put_run(struct store_batch *batch, int64_t number, enum run_status status) {
        struct run_record record = fixture_run_record(number, "weekly", status);

        store_batch_put_run(batch, &record);
        run_record_done(&record);
}

static void test_instance_stays(void **state) {
        struct fixture *fixture = *state;
        char before[UUID_SIZE];

        assert_true(uuid_is_valid(store_instance(fixture->store)));
        memcpy(before, store_instance(fixture->store), UUID_SIZE);
        fixture->store = store_close(fixture->store);
        fixture_open_store(fixture);
        assert_string_equal(store_instance(fixture->store), before);
}

static void test_second_daemon_is_refused(void **state) {
        struct fixture *fixture = *state;
        struct store *second = NULL;
        char pid[32], *error = NULL;

        assert_int_equal(store_open(&second, fixture->loop, fixture->folder, &error), -EBUSY);
        assert_null(second);
        (void)snprintf(pid, sizeof(pid), "process %ld ", (long)getpid());
        assert_non_null(strstr(error, pid));
        assert_non_null(strstr(error, fixture->folder));
        free(error);
}

struct order {
        struct fixture *fixture;
        unsigned *next;
        unsigned place;
};

static void note_order(void *user) {
        struct order *order = user;

        assert_int_equal((*order->next)++, order->place);
        if (order->place == 499)
                loop_exit(order->fixture->loop, 0);
}

static void test_done_comes_in_order(void **state) {
        struct fixture *fixture = *state;
        struct order orders[500];
        unsigned next = 0;

        for (unsigned i = 0; i < 500; i++) {
                struct store_batch *batch = store_batch_new();
                orders[i] = (struct order){fixture, &next, i};
                assert_true(store_batch_is_empty(batch));
                put_run(batch, i + 1, RUN_SUCCESS);
                assert_false(store_batch_is_empty(batch));
                assert_int_equal(store_submit(fixture->store, batch, note_order, &orders[i]), 0);
        }
        assert_true(store_backlog(fixture->store) > 0);
        assert_true(fixture_run(fixture, 20 * USEC_PER_SEC));
        assert_int_equal(next, 500);
        assert_int_equal(store_backlog(fixture->store), 0);
        check(fixture, "SELECT count(*) FROM runs", "500");
}

static void test_last_put_of_a_key_counts(void **state) {
        struct fixture *fixture = *state;
        struct store_batch *batch = store_batch_new();
        struct attempt_record attempt = fixture_attempt_record(1, "load", 1, STEP_RUNNING);

        put_run(batch, 1, RUN_QUEUED);
        store_batch_put_attempt(batch, &attempt, NULL);
        put_run(batch, 1, RUN_RUNNING);
        attempt.status = STEP_SUCCESS;
        store_batch_put_attempt(batch, &attempt, NULL);
        fixture_commit(fixture, batch);
        check(fixture, "SELECT group_concat(status) FROM runs", "running");
        check(fixture, "SELECT group_concat(status) FROM attempts", "success");
        check(fixture, "SELECT version FROM runs", "1");
        /* The version grows although the caller's did not. */
        batch = store_batch_new();
        put_run(batch, 1, RUN_FAILED);
        fixture_commit(fixture, batch);
        check(fixture, "SELECT status || version FROM runs", "failed2");
        attempt_record_done(&attempt);
}

static void test_values_change_after_they_were_put(void **state) {
        struct fixture *fixture = *state;
        struct store_batch *batch = store_batch_new();
        struct run_record record = fixture_run_record(1, "weekly", RUN_RUNNING);

        record.metrics = jval_object();
        jval_set_int(record.metrics, "odds", 1);
        store_batch_put_run(batch, &record);
        jval_set_int(record.metrics, "odds", 2);
        fixture_commit(fixture, batch);
        check(fixture, "SELECT metrics FROM runs", "{\"odds\":1}");
        run_record_done(&record);
}

static void test_foreign_bytes_are_escaped(void **state) {
        struct fixture *fixture = *state;
        struct store_batch *batch = store_batch_new();
        struct run_record record = fixture_run_record(1, "weekly", RUN_FAILED);

        record.error_message = xstrdup("bad \xff byte");
        store_batch_put_run(batch, &record);
        fixture_commit(fixture, batch);
        check(fixture, "SELECT error_message FROM runs", "bad \\xff byte");
        run_record_done(&record);
}

static void test_output_log_is_the_tail(void **state) {
        struct fixture *fixture = *state;
        struct attempt_record attempt = fixture_attempt_record(1, "load", 1, STEP_FAILED);
        char *path = path_join(fixture->folder, "x.log");
        struct buf text = BUF_INIT(65536);

        for (int i = 0; i < 150; i++)
                (void)buf_appendf(&text, "2026-11-22T12:00:00.000000000Z stdout F line %d\n", i);
        assert_int_equal(write_file_atomic(path, buf_data(&text), text.len, 0600), 0);
        struct store_batch *batch = store_batch_new();
        store_batch_put_attempt(batch, &attempt, path);
        store_batch_put_attempt(batch, &attempt, NULL); /* the tail was asked for */
        fixture_commit(fixture, batch);
        check(fixture, "SELECT substr(output_log, 1, 16) FROM attempts", "line 50\nline 51\n");
        check(fixture, "SELECT length(output_log) - length(replace(output_log, char(10), '')) FROM attempts", "100");
        /* A later put without one leaves it alone. */
        batch = store_batch_new();
        store_batch_put_attempt(batch, &attempt, NULL);
        fixture_commit(fixture, batch);
        check(fixture, "SELECT substr(output_log, 1, 8) FROM attempts", "line 50\n");
        attempt_record_done(&attempt);
        buf_done(&text);
        free(path);
}

static void test_requests_audit_settings(void **state) {
        struct fixture *fixture = *state;
        struct store_batch *batch = store_batch_new();
        struct audit_record audit = {.at = START,
                                     .uid = 1000,
                                     .pid = 7,
                                     .user = (char *)"ada",
                                     .method = (char *)"run.start",
                                     .outcome = (char *)"ok"};

        store_batch_put_request(batch, "r1", 1000, STORE_REQUEST_PENDING);
        store_batch_put_request(batch, "r1", 1000, "first");
        store_batch_put_request(batch, "r1", 1000, "second");
        store_batch_put_request(batch, "r1", 1001, "another's");
        store_batch_put_audit(batch, &audit);
        store_batch_put_setting(batch, "key", "1");
        store_batch_put_setting(batch, "key", "2");
        fixture_commit(fixture, batch);
        check(fixture, "SELECT group_concat(answer) FROM (SELECT answer FROM requests ORDER BY uid)",
              "first,another's");
        check(fixture, "SELECT user || ' ' || method || ' ' || coalesce(run_id, 'no run') FROM audit",
              "ada run.start no run");
        check(fixture, "SELECT value FROM settings WHERE key = 'key'", "2");
}

struct loaded {
        unsigned runs, attempts;
        int64_t numbers[8];
        char steps[256];
};

static void load_run(const struct run_record *record, void *user) {
        struct loaded *loaded = user;

        loaded->numbers[loaded->runs++] = record->run_number;
        assert_int_equal(jval_get_int(record->parameters, "week", 0), 9);
        assert_int_equal(record->triggered_by, TRIGGER_MANUAL);
        assert_string_equal(record->triggered_by_user, "ada");
}

static void load_attempt(const struct attempt_record *record, void *user) {
        struct loaded *loaded = user;
        size_t len = strlen(loaded->steps);

        loaded->attempts++;
        (void)snprintf(loaded->steps + len, sizeof(loaded->steps) - len, "%s/%d ", record->step_name, record->attempt);
        assert_int_equal(record->exit_status, -1);
        assert_string_equal(record->item, "");
}

static void test_load_at_start(void **state) {
        static const enum run_status statuses[] = {RUN_SUCCESS, RUN_RUNNING, RUN_FAILED, RUN_QUEUED};
        struct fixture *fixture = *state;
        struct store_batch *batch = store_batch_new();
        struct loaded loaded = {0};
        int64_t run_number = 0, attempt_number = 0;
        char *error = NULL;

        for (int i = 0; i < 4; i++) {
                struct run_record record = fixture_run_record(i + 1, "weekly", statuses[i]);
                struct attempt_record first = fixture_attempt_record(i + 1, "load", 1, STEP_FAILED);
                struct attempt_record second = fixture_attempt_record(i + 1, "load", 2, STEP_RUNNING);
                jval_set_int(record.parameters, "week", 9);
                store_batch_put_attempt(batch, &second, NULL);
                store_batch_put_attempt(batch, &first, NULL);
                store_batch_put_run(batch, &record);
                run_record_done(&record);
                attempt_record_done(&first);
                attempt_record_done(&second);
        }
        fixture_commit(fixture, batch);
        assert_int_equal(store_load_active(fixture->store, load_run, load_attempt, &loaded, &error), 0);
        assert_int_equal(loaded.runs, 2);
        assert_int_equal(loaded.numbers[0], 2);
        assert_int_equal(loaded.numbers[1], 4);
        assert_string_equal(loaded.steps, "load/1 load/2 load/1 load/2 ");
        assert_int_equal(store_load_counters(fixture->store, &run_number, &attempt_number), 0);
        assert_int_equal(run_number, 5);
        assert_int_equal(attempt_number, 43);
}

/* A file that may not grow stands for a full disk. */
static void test_full_disk_holds_and_goes_on(void **state) {
        struct fixture *fixture = *state;
        struct rlimit before, none = {0};
        struct store_batch *batch = store_batch_new();

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        none.rlim_max = before.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
        put_run(batch, 1, RUN_RUNNING);
        fixture_submit(fixture, batch);
        assert_false(fixture_run(fixture, 1300 * USEC_PER_MSEC));
        for (int i = 0; i < 40 && !store_trouble(fixture->store); i++)
                assert_false(fixture_run(fixture, 500 * USEC_PER_MSEC));
        const char *trouble = store_trouble(fixture->store);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_non_null(trouble);
        assert_non_null(strstr(trouble, "state.db"));
        assert_int_equal(store_backlog(fixture->store), 1);
        assert_true(fixture_run(fixture, 30 * USEC_PER_SEC));
        /* What says that it works again may come a pass later. */
        batch = store_batch_new();
        put_run(batch, 2, RUN_RUNNING);
        fixture_commit(fixture, batch);
        assert_null(store_trouble(fixture->store));
        check(fixture, "SELECT count(*) FROM runs", "2");
}

static void test_queue_has_an_end(void **state) {
        struct fixture *fixture = *state;
        struct rlimit before, none = {0};
        struct store_batch *batch;
        unsigned n = 0;
        int r;

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        none.rlim_max = before.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
        do {
                batch = store_batch_new();
                put_run(batch, ++n, RUN_RUNNING);
                r = store_submit(fixture->store, batch, NULL, NULL);
        } while (r >= 0 && n < 5000);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(r, -EAGAIN);
        /* It is the caller's still. */
        (void)store_batch_free(batch);
}

static void sql_on_closed(struct fixture *fixture, const char *sql) {
        char *path = path_join(fixture->folder, "state.db");
        sqlite3 *db;

        fixture->store = store_close(fixture->store);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        free(path);
}

/* Refused with the texts in the error, and not a byte of it changed. */
static void check_refused(struct fixture *fixture, int expected, const char *first, const char *second) {
        char *path = path_join(fixture->folder, "state.db"), *before, *after, *error = NULL;
        size_t before_len, after_len;
        struct store *store = NULL;

        assert_int_equal(read_file(path, (size_t)64 * 1024 * 1024, &before, &before_len), 0);
        assert_int_equal(store_open(&store, fixture->loop, fixture->folder, &error), expected);
        assert_null(store);
        assert_non_null(strstr(error, path));
        if (!strstr(error, first) || !strstr(error, second))
                fail_msg("%s", error);
        assert_int_equal(read_file(path, (size_t)64 * 1024 * 1024, &after, &after_len), 0);
        assert_int_equal(after_len, before_len);
        assert_memory_equal(after, before, before_len);
        free(before);
        free(after);
        free(error);
        free(path);
}

static void test_newer_schema_is_refused(void **state) {
        sql_on_closed(*state, "PRAGMA user_version=99");
        check_refused(*state, -EPROTO, "version 99", "newer batchd");
}

static void test_foreign_database_is_refused(void **state) {
        sql_on_closed(*state, "PRAGMA user_version=0");
        check_refused(*state, -EPROTO, "another program", "move it away");
}

static void test_damaged_file_is_refused(void **state) {
        struct fixture *fixture = *state;
        struct store_batch *batch = store_batch_new();
        char *path = path_join(fixture->folder, "state.db"), rubbish[4096];
        int fd;

        for (int i = 1; i < 2000; i++)
                put_run(batch, i, RUN_SUCCESS);
        fixture_commit(fixture, batch);
        fixture->store = store_close(fixture->store);
        memset(rubbish, 'x', sizeof(rubbish));
        fd = open(path, O_WRONLY | O_CLOEXEC);
        for (off_t at = 20; at < 40; at++)
                assert_int_equal(pwrite_all(fd, rubbish, sizeof(rubbish), 4096 * at), 0);
        (void)close(fd);
        check_refused(fixture, -EBADMSG, "damaged", "move it");
        free(path);
}

static void test_what_is_no_database_is_refused(void **state) {
        struct fixture *fixture = *state;
        char *path = path_join(fixture->folder, "state.db");

        fixture->store = store_close(fixture->store);
        assert_int_equal(
                write_file_atomic(path,
                                  "this is no database, but long enough to look like one: 0123456789 0123456789 "
                                  "0123456789 0123456789 0123456789",
                                  110, 0600),
                0);
        check_refused(fixture, -EBADMSG, "damaged", "move it");
        free(path);
}

static void test_folder_that_cannot_be_made(void **state) {
        struct fixture *fixture = *state;
        struct store *store = NULL;
        char *error = NULL;

        assert_true(store_open(&store, fixture->loop, "/proc/no/such/folder", &error) < 0);
        assert_non_null(strstr(error, "/proc/no/such/folder"));
        free(error);
}

static void test_what_little_room_is(void **state) {
        assert_false(file_system_is_low(10, 100, 1000)); /* a tenth */
        assert_true(file_system_is_low(9, 100, 1000));
        assert_false(file_system_is_low(1000, 1000000, 1000)); /* enough, however large it is */
        assert_true(file_system_is_low(999, 1000000, 1000));
        assert_false(file_system_is_low(0, 0, 1000)); /* one without a bound */
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_STORE(test_instance_stays),
                WITH_STORE(test_second_daemon_is_refused),
                WITH_STORE(test_done_comes_in_order),
                WITH_STORE(test_last_put_of_a_key_counts),
                WITH_STORE(test_values_change_after_they_were_put),
                WITH_STORE(test_foreign_bytes_are_escaped),
                WITH_STORE(test_output_log_is_the_tail),
                WITH_STORE(test_requests_audit_settings),
                WITH_STORE(test_load_at_start),
                WITH_STORE(test_full_disk_holds_and_goes_on),
                WITH_STORE(test_queue_has_an_end),
                WITH_STORE(test_newer_schema_is_refused),
                WITH_STORE(test_foreign_database_is_refused),
                WITH_STORE(test_damaged_file_is_refused),
                WITH_STORE(test_what_is_no_database_is_refused),
                WITH_STORE(test_folder_that_cannot_be_made),
                cmocka_unit_test(test_what_little_room_is),
        };

        /* Else a file over its limit ends the process. */
        (void)sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
