#include "history_scene.h"
#include "strutil.h"

/* An attempt of run `run` that ended `at` seconds after START. */
static void put(struct store_batch *batch, int64_t run, const char *step, const char *item, int attempt,
                enum step_status status, unsigned at) {
        struct attempt_record record = fixture_attempt_record(run, step, attempt, status);

        free(record.item);
        record.item = xstrdup(item);
        record.completed_at = step_status_is_final(status) ? START + at * USEC_PER_SEC : 0;
        store_batch_put_attempt(batch, &record, NULL);
        attempt_record_done(&record);
}

/* Three runs of `nightly` and one of `weekly`; greeks of P1 was tried twice in run 1, and runs on in run 3. */
static void fill(struct scene *scene) {
        struct store_batch *batch = store_batch_new();

        for (int i = 1; i <= 4; i++) {
                struct run_record record = fixture_run_record(i, i == 4 ? "weekly" : "nightly", RUN_SUCCESS);

                store_batch_put_run(batch, &record);
                run_record_done(&record);
        }
        put(batch, 1, "greeks", "P1", 1, STEP_FAILED, 10);
        put(batch, 1, "greeks", "P1", 2, STEP_SUCCESS, 20);
        put(batch, 1, "greeks", "P2", 1, STEP_SKIPPED, 21);
        put(batch, 1, "stress", "P1", 1, STEP_SUCCESS, 30);
        put(batch, 2, "greeks", "P1", 1, STEP_FAILED, 40);
        put(batch, 2, "greeks", "P1", 2, STEP_FAILED, 50);
        put(batch, 2, "stress", "P1", 1, STEP_CANCELLED, 51);
        put(batch, 3, "greeks", "P1", 1, STEP_RUNNING, 0);
        put(batch, 3, "stress", "P1", 1, STEP_PENDING, 0);
        put(batch, 4, "odds", "", 1, STEP_SUCCESS, 60);
        fixture_commit(scene->fixture, batch);
}

static struct jval *filter_of(const char *json) {
        struct jval *filter;

        assert_int_equal(jval_parse(json, strlen(json), &filter, NULL), 0);
        return filter;
}

/* "run:step.item=status" of each, and `/` where there are more. */
static char *listed(struct scene *scene, const char *json) {
        _cleanup_jval_ struct jval *filter = filter_of(json);
        struct jval *answer = wait_answer(scene, history_step_list(scene->history, filter, answered, scene));
        const struct jval *steps = jval_get(answer, "steps");
        struct buf text = BUF_INIT(4096);

        for (size_t i = 0; i < jval_array_size(steps); i++) {
                const struct jval *step = jval_at(steps, i);

                (void)buf_appendf(&text, "%s%lld:%s.%s=%s", i ? " " : "",
                                  (long long)jval_get_int(step, "run_number", 0), jval_get_str(step, "step_name"),
                                  jval_get_str(step, "item"), jval_get_str(step, "status"));
        }
        if (jval_has(answer, "next"))
                (void)buf_append_str(&text, "/");
        return buf_steal(&text);
}

static void check(struct scene *scene, const char *json, const char *expected) {
        _cleanup_free_ char *text = listed(scene, json);

        assert_string_equal(text, expected);
}

static void test_ended_steps_newest_first(void **state) {
        struct scene *scene = *state;

        check(scene, "{}", "");
        fill(scene);
        /* An attempt that was tried again is no step of its own, and what goes on has not ended. */
        check(scene, "{}",
              "4:odds.=success 2:stress.P1=cancelled 2:greeks.P1=failed 1:stress.P1=success 1:greeks.P2=skipped"
              " 1:greeks.P1=success");
        check(scene, "{\"step\":\"greeks\"}", "2:greeks.P1=failed 1:greeks.P2=skipped 1:greeks.P1=success");
        check(scene, "{\"step\":\"greeks\",\"status\":\"success\",\"limit\":1}", "1:greeks.P1=success");
        check(scene, "{\"status\":\"failed\"}", "2:greeks.P1=failed");
        check(scene, "{\"item\":\"P2\"}", "1:greeks.P2=skipped");
        check(scene, "{\"item\":\"\"}", "4:odds.=success");
        check(scene, "{\"job\":\"weekly\"}", "4:odds.=success");
        check(scene, "{\"type\":\"nightly\",\"status\":\"success\"}", "1:stress.P1=success 1:greeks.P1=success");
        check(scene, "{\"step\":\"nothing\"}", "");
        check(scene, "{\"step\":\"' OR 1=1 --\"}", "");
}

static void test_by_time(void **state) {
        struct scene *scene = *state;

        fill(scene);
        check(scene, "{\"since\":\"2026-11-22T12:00:50Z\"}",
              "4:odds.=success 2:stress.P1=cancelled 2:greeks.P1=failed");
        check(scene, "{\"since\":\"2026-11-22T12:00:20Z\",\"until\":\"2026-11-22T12:00:30Z\"}",
              "1:greeks.P2=skipped 1:greeks.P1=success");
}

static void test_pages_show_each_step_once(void **state) {
        struct scene *scene = *state;
        _cleanup_jval_ struct jval *filter = filter_of("{\"limit\":1}");
        size_t seen = 0;

        fill(scene);
        check(scene, "{\"limit\":2}", "4:odds.=success 2:stress.P1=cancelled/");
        for (;;) {
                struct jval *answer = wait_answer(scene, history_step_list(scene->history, filter, answered, scene));

                seen += jval_array_size(jval_get(answer, "steps"));
                if (!jval_has(answer, "next"))
                        break;
                jval_set_str(filter, "before", jval_get_str(answer, "next"));
        }
        assert_int_equal(seen, 6);
        jval_set_str(filter, "before", "12.x");
        wait_error(scene, history_step_list(scene->history, filter, answered, scene), -EINVAL, "12.x");
}

static void test_two_that_ended_together_are_both_shown(void **state) {
        struct scene *scene = *state;
        struct store_batch *batch = store_batch_new();
        struct run_record record = fixture_run_record(1, "nightly", RUN_SUCCESS);
        _cleanup_jval_ struct jval *filter = filter_of("{\"limit\":2}");

        store_batch_put_run(batch, &record);
        run_record_done(&record);
        for (int i = 0; i < 5; i++) {
                char item[8];

                (void)snprintf(item, sizeof(item), "P%d", i);
                put(batch, 1, "greeks", item, 1, STEP_SUCCESS, 7);
        }
        fixture_commit(scene->fixture, batch);
        size_t seen = 0;
        for (bool more = true; more;) {
                struct jval *answer = wait_answer(scene, history_step_list(scene->history, filter, answered, scene));

                seen += jval_array_size(jval_get(answer, "steps"));
                more = jval_has(answer, "next");
                if (more)
                        jval_set_str(filter, "before", jval_get_str(answer, "next"));
        }
        assert_int_equal(seen, 5);
}

static void test_counts_by_name_and_status(void **state) {
        struct scene *scene = *state;
        _cleanup_jval_ struct jval *all = filter_of("{\"group\":true}");
        _cleanup_jval_ struct jval *some = filter_of("{\"group\":true,\"step\":\"greeks\",\"item\":\"P1\"}");

        fill(scene);
        struct jval *answer = wait_answer(scene, history_step_list(scene->history, all, answered, scene));
        const struct jval *steps = jval_get(answer, "steps"), *greeks = jval_at(steps, 0);
        assert_int_equal(jval_array_size(steps), 3);
        assert_string_equal(jval_get_str(greeks, "step_name"), "greeks");
        assert_int_equal(jval_get_int(greeks, "total", 0), 3);
        assert_int_equal(jval_get_int(jval_get(greeks, "counts"), "success", -1), 1);
        assert_int_equal(jval_get_int(jval_get(greeks, "counts"), "failed", -1), 1);
        assert_int_equal(jval_get_int(jval_get(greeks, "counts"), "skipped", -1), 1);
        assert_int_equal(jval_get_int(jval_get(greeks, "counts"), "cancelled", 0), 0);
        assert_string_equal(jval_get_str(greeks, "last_success_at"), "2026-11-22T12:00:20.000000Z");
        assert_string_equal(jval_get_str(greeks, "last_failure_at"), "2026-11-22T12:00:50.000000Z");
        assert_null(jval_get_str(jval_at(steps, 1), "last_failure_at")); /* odds */
        answer = wait_answer(scene, history_step_list(scene->history, some, answered, scene));
        assert_int_equal(jval_array_size(jval_get(answer, "steps")), 1);
        assert_int_equal(jval_get_int(jval_at(jval_get(answer, "steps"), 0), "total", 0), 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_ended_steps_newest_first, scene_setup, scene_teardown),
                cmocka_unit_test_setup_teardown(test_by_time, scene_setup, scene_teardown),
                cmocka_unit_test_setup_teardown(test_pages_show_each_step_once, scene_setup, scene_teardown),
                cmocka_unit_test_setup_teardown(test_two_that_ended_together_are_both_shown, scene_setup,
                                                scene_teardown),
                cmocka_unit_test_setup_teardown(test_counts_by_name_and_status, scene_setup, scene_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
