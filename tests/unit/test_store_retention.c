/* Rows that are let go: which may, what goes with them, and that the file gives its pages back. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "outbox.h"

static int64_t number_of(const struct fixture *fixture, const char *sql) {
        _cleanup_free_ char *path = path_join(fixture->folder, "state.db");
        sqlite3_stmt *statement = NULL;
        sqlite3 *db = NULL;
        int64_t value;

        assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        value = sqlite3_column_int64(statement, 0);
        (void)sqlite3_finalize(statement);
        (void)sqlite3_close(db);
        return value;
}

static void put_run(struct store_batch *batch, int64_t number, enum run_status status) {
        struct run_record run = fixture_run_record(number, "job", status);
        struct attempt_record attempt = fixture_attempt_record(number, "one", 1, STEP_SUCCESS);

        run.error_message = xasprintf("%01000d", 7);
        store_batch_put_run(batch, &run);
        store_batch_put_attempt(batch, &attempt, NULL);
        store_batch_put_ended_run(batch, number, 100);
        run_record_done(&run);
        attempt_record_done(&attempt);
}

static void remove_run(struct fixture *fixture, int64_t number, bool mirrored) {
        struct store_batch *batch = store_batch_new();

        store_batch_remove_run(batch, number, mirrored);
        fixture_commit(fixture, batch);
}

static void test_only_what_may_go_goes(void **state) {
        struct fixture *fixture = *state;
        struct store_batch *batch = store_batch_new();

        put_run(batch, 1, RUN_SUCCESS);
        put_run(batch, 2, RUN_RUNNING);
        put_run(batch, 3, RUN_FAILED);
        fixture_commit(fixture, batch);
        assert_int_equal(number_of(fixture, "SELECT count(*) FROM ended_runs"), 2);
        remove_run(fixture, 2, false);
        remove_run(fixture, 3, true);
        assert_int_equal(number_of(fixture, "SELECT count(*) FROM runs"), 3);
        remove_run(fixture, 3, false);
        assert_int_equal(number_of(fixture, "SELECT sum(run_number) FROM runs"), 3);
        assert_int_equal(number_of(fixture, "SELECT count(*) FROM attempts"), 2);
        assert_int_equal(number_of(fixture, "SELECT sum(run_number) FROM run_types"), 3);
        assert_int_equal(number_of(fixture, "SELECT sum(run_number) FROM ended_runs"), 1);
}

static void test_what_postgres_has_may_go(void **state) {
        struct fixture *fixture = *state;
        struct store_batch *batch = store_batch_new();
        struct outbox_key run = {OUTBOX_RUNS, 1, 1}, attempt = {OUTBOX_ATTEMPTS, 1, 1};

        put_run(batch, 1, RUN_SUCCESS);
        outbox_acknowledge(batch, &run, NULL);
        fixture_commit(fixture, batch);
        remove_run(fixture, 1, true);
        assert_int_equal(number_of(fixture, "SELECT count(*) FROM runs"), 1);
        batch = store_batch_new();
        outbox_acknowledge(batch, &attempt, NULL);
        fixture_commit(fixture, batch);
        remove_run(fixture, 1, true);
        assert_int_equal(number_of(fixture, "SELECT count(*) FROM runs"), 0);
}

static void put_audit(struct store_batch *batch, usec_t at) {
        const struct audit_record record = {
                .at = at, .method = (char *)(uintptr_t) "run.start", .outcome = (char *)(uintptr_t) "ok"};

        store_batch_put_audit(batch, &record);
}

static void test_purge(void **state) {
        struct fixture *fixture = *state;
        struct store_batch *batch = store_batch_new();
        struct run_record run = fixture_run_record(1, "job", RUN_RUNNING);
        struct jval *in_force = jval_array();

        run.definition_hash = xstrdup("active");
        store_batch_put_run(batch, &run);
        run_record_done(&run);
        store_batch_put_setting(batch, "definition/active", "x");
        store_batch_put_setting(batch, "definition/inforce", "x");
        store_batch_put_setting(batch, "definition/old", "x");
        for (usec_t i = 1; i <= 10; i++)
                put_audit(batch, START + i);
        fixture_commit(fixture, batch);
        jval_add(in_force, jval_string("inforce"));
        batch = store_batch_new();
        store_batch_purge(batch, START + 4, 5, true, in_force);
        fixture_commit(fixture, batch);
        assert_int_equal(number_of(fixture, "SELECT count(*) FROM audit"), 10);
        assert_int_equal(number_of(fixture, "SELECT count(*) FROM settings WHERE key LIKE 'definition/%'"), 2);
        batch = store_batch_new();
        store_batch_purge(batch, START + 4, 8, false, in_force);
        fixture_commit(fixture, batch);
        assert_int_equal(number_of(fixture, "SELECT count(*) FROM audit"), 7);
        batch = store_batch_new();
        store_batch_purge(batch, 0, 5, false, in_force);
        fixture_commit(fixture, batch);
        assert_int_equal(number_of(fixture, "SELECT count(*) FROM audit"), 5);
        jval_unref(in_force);
}

/* As long as rows go as they come, the file stays as large as it is; when they are gone it shrinks. */
static void test_the_file_is_bounded(void **state) {
        struct fixture *fixture = *state;
        int64_t largest = 0, pages;

        for (int64_t i = 0; i < 40; i++) {
                struct store_batch *batch = store_batch_new();

                for (int64_t k = 1; k <= 100; k++) {
                        put_run(batch, i * 100 + k, RUN_SUCCESS);
                        if (i > 10)
                                store_batch_remove_run(batch, (i - 10) * 100 + k - 100, false);
                }
                fixture_commit(fixture, batch);
                if (i == 20)
                        largest = number_of(fixture, "PRAGMA page_count");
        }
        pages = number_of(fixture, "PRAGMA page_count");
        assert_true(pages <= largest + largest / 10);
        for (int64_t i = 0; i < 40; i++) {
                struct store_batch *batch = store_batch_new();

                for (int64_t k = 1; k <= 100; k++)
                        store_batch_remove_run(batch, i * 100 + k, false);
                fixture_commit(fixture, batch);
        }
        assert_int_equal(number_of(fixture, "SELECT count(*) FROM runs"), 0);
        fixture->store = store_close(fixture->store);
        assert_true(number_of(fixture, "PRAGMA page_count") < pages / 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_only_what_may_go_goes, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_what_postgres_has_may_go, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_purge, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_the_file_is_bounded, fixture_setup, fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
