/* run.list: which entries it goes along, and that the list is the same whichever those are. */
#include "history_internal.h"
#include "history_scene.h"
#include "schema.h"

#include "strutil.h"

static const char *const first_words[_LIST_BY_MAX] = {
        [LIST_BY_TIME] = "SCAN runs USING INDEX runs_created",
        [LIST_BY_JOB] = "SEARCH runs USING INDEX runs_job (job=?",
        [LIST_BY_MODE] = "SEARCH runs USING INDEX runs_mode (batch_mode=?",
        [LIST_BY_STATUS] = "SEARCH runs USING INDEX runs_status (status=?",
        [LIST_BY_TRIGGER] = "SEARCH runs USING INDEX runs_trigger (triggered_by=?",
        [LIST_BY_TYPE] = "SEARCH entry USING PRIMARY KEY (batch_type=?",
        [LIST_BY_PARAMETER] = "SEARCH entry USING PRIMARY KEY (name=? AND value=?",
};

static sqlite3 *open_reader(struct scene *scene) {
        _cleanup_free_ char *path = path_join(scene->fixture->folder, "state.db");
        sqlite3 *db;

        assert_int_equal(schema_open_reader(&db, path, NULL), 0);
        return db;
}

static void check_plan(sqlite3 *db, const char *sql, enum list_by by, bool bounded) {
        _cleanup_free_ char *explain = xasprintf("EXPLAIN QUERY PLAN %s", sql);
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        bool is_first = true;

        assert_int_equal(history_prepare(db, explain, &statement, NULL), 0);
        while (sqlite3_step(statement) == SQLITE_ROW) {
                const char *line = history_text_at(statement, 3);

                if (is_first && !(by == LIST_BY_TIME && bounded))
                        assert_true(startswith(line, first_words[by]));
                else if (strstr(line, "SCAN"))
                        assert_non_null(strstr(line, "VIRTUAL TABLE")); /* the few parameters of json_each */
                is_first = false;
        }
        assert_false(is_first);
}

/* Whatever else is asked for, the entries are found by the one filter and come in the order of the list. */
static void every_way_goes_along_its_own_index(void **state) {
        struct scene *scene = *state;
        sqlite3 *db = open_reader(scene);

        for (unsigned asked = 0; asked < 8 * 32; asked++)
                for (int by = 0; by < _LIST_BY_MAX; by++) {
                        struct run_filter filter = {.job = asked & 1 ? (char *)"j" : NULL,
                                                    .mode = asked & 2 ? (char *)"m" : NULL,
                                                    .status = asked & 4 ? (char *)"s" : NULL,
                                                    .triggered_by = asked & 8 ? (char *)"t" : NULL,
                                                    .type = asked & 16 ? (char *)"y" : NULL,
                                                    .since = asked & 32 ? START : 0,
                                                    .until = asked & 64 ? START : 0,
                                                    .before = asked & 128 ? 5 : 0};
                        _cleanup_free_ char *sql = run_list_sql(&filter, true, (enum list_by)by);

                        check_plan(db, sql, (enum list_by)by, asked & (32 | 64 | 128));
                }
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void put_run(struct scene *scene, int64_t number, const char *value) {
        static const char *const jobs[] = {"weekly", "nightly"}, *const modes[] = {"full", "odds_only", "short"};
        struct store_batch *batch = store_batch_new();
        struct run_record record = fixture_run_record(number, jobs[number % 2], number % 5 ? RUN_SUCCESS : RUN_FAILED);

        free(record.batch_mode);
        record.batch_mode = xstrdup(modes[number % 3]);
        record.triggered_by = number % 7 ? TRIGGER_MANUAL : TRIGGER_TIMER;
        jval_set_int(record.parameters, "week", number % 4);
        if (value)
                jval_set_str(record.parameters, "name", value);
        else
                jval_set(record.parameters, "name", jval_null());
        store_batch_put_run(batch, &record);
        run_record_done(&record);
        fixture_commit(scene->fixture, batch);
}

static bool has_run(struct scene *scene, const struct run_filter *filter, int64_t number) {
        const struct jval *answer = wait_answer(scene, history_run_list(scene->history, filter, answered, scene));
        const struct jval *runs = jval_get(answer, "runs");

        for (size_t i = 0; i < jval_array_size(runs); i++)
                if (jval_get_int(jval_at(runs, i), "run_number", 0) == number)
                        return true;
        return false;
}

/* Against what each run is known to be. */
static void any_filters_together_find_what_they_say(void **state) {
        struct scene *scene = *state;

        for (int64_t i = 1; i <= 20; i++)
                put_run(scene, i, "x");
        for (unsigned asked = 0; asked < 32; asked++) {
                _cleanup_jval_ struct jval *params = jval_object();
                struct run_filter filter = {.job = asked & 1 ? (char *)"weekly" : NULL,
                                            .mode = asked & 2 ? (char *)"odds_only" : NULL,
                                            .status = asked & 4 ? (char *)"failed" : NULL,
                                            .triggered_by = asked & 8 ? (char *)"timer" : NULL,
                                            .params = asked & 16 ? params : NULL};

                jval_set_int(params, "week", 2);
                for (int64_t i = 1; i <= 20; i++) {
                        bool wanted = (!(asked & 1) || i % 2 == 0) && (!(asked & 2) || i % 3 == 1) &&
                                      (!(asked & 4) || i % 5 == 0) && (!(asked & 8) || i % 7 == 0) &&
                                      (!(asked & 16) || i % 4 == 2);

                        assert_int_equal(has_run(scene, &filter, i), wanted);
                }
        }
}

static void check_name(struct scene *scene, const char *value, int64_t number, bool expected) {
        _cleanup_jval_ struct jval *params = jval_object();

        jval_set_str(params, "name", value);
        assert_int_equal(has_run(scene, &(struct run_filter){.params = params}, number), expected);
}

static int64_t count_parameters(struct scene *scene) {
        sqlite3 *db = open_reader(scene);
        sqlite3_stmt *statement;
        int64_t n;

        assert_int_equal(history_prepare(db, "SELECT count(*) FROM run_parameters", &statement, NULL), 0);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        n = sqlite3_column_int64(statement, 0);
        (void)sqlite3_finalize(statement);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        return n;
}

/* A step may fill a parameter in; two long values may begin alike. */
static void parameters_are_found_by_what_they_are_now(void **state) {
        struct scene *scene = *state;
        char longer[300], other[300];
        struct store_batch *batch;

        memset(longer, 'a', sizeof(longer));
        longer[sizeof(longer) - 1] = '\0';
        memcpy(other, longer, sizeof(other));
        other[sizeof(other) - 2] = 'b';
        put_run(scene, 1, NULL);
        check_name(scene, "ada", 1, false);
        put_run(scene, 1, "ada");
        check_name(scene, "ada", 1, true);
        put_run(scene, 1, longer);
        check_name(scene, "ada", 1, false);
        check_name(scene, longer, 1, true);
        check_name(scene, other, 1, false);
        assert_int_equal(count_parameters(scene), 2);
        batch = store_batch_new();
        store_batch_remove_run(batch, 1, false);
        fixture_commit(scene->fixture, batch);
        assert_int_equal(count_parameters(scene), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(every_way_goes_along_its_own_index, scene_setup, scene_teardown),
                cmocka_unit_test_setup_teardown(any_filters_together_find_what_they_say, scene_setup, scene_teardown),
                cmocka_unit_test_setup_teardown(parameters_are_found_by_what_they_are_now, scene_setup, scene_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
