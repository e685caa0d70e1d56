#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "rollup.h"
#include "xalloc.h"

#define SECOND ((usec_t)1000000)

static struct attempt_record attempt_of(const char *step, const char *item, int attempt, enum step_status status) {
        return (struct attempt_record){
                .step_name = xstrdup(step),
                .item = xstrdup(item),
                .attempt = attempt,
                .step_order = 1,
                .status = status,
                .duration_usec = -1,
                .records_processed = -1,
        };
}

static void add(struct rollup *rollup, struct attempt_record *attempt, bool is_last) {
        rollup_add(rollup, attempt, is_last);
        attempt_record_done(attempt);
}

static void test_items_count_once_however_often_they_were_tried(void **state) {
        struct rollup rollup = {0};
        struct attempt_record first = attempt_of("greeks", "P1", 1, STEP_FAILED),
                              second = attempt_of("greeks", "P1", 2, STEP_SUCCESS),
                              other = attempt_of("greeks", "P2", 1, STEP_SKIPPED);

        first.started_at = 10 * SECOND;
        first.completed_at = 12 * SECOND;
        first.duration_usec = 2 * SECOND;
        first.records_processed = 7;
        second.started_at = 15 * SECOND;
        second.completed_at = 20 * SECOND;
        second.duration_usec = 5 * SECOND;
        second.records_processed = 30;
        other.completed_at = 90 * SECOND; /* skipped: it took no time */
        add(&rollup, &first, false);
        add(&rollup, &second, true);
        add(&rollup, &other, true);
        assert_int_equal(rollup.n_steps, 1);
        assert_int_equal(rollup.steps[0].items, 2);
        assert_int_equal(rollup.steps[0].attempts, 2);
        assert_int_equal(rollup.steps[0].counts[STEP_SUCCESS], 1);
        assert_int_equal(rollup.steps[0].counts[STEP_SKIPPED], 1);
        assert_int_equal(rollup.steps[0].counts[STEP_FAILED], 0);
        assert_int_equal(rollup.steps[0].records_processed, 30);
        assert_int_equal(rollup.steps[0].work_usec, 7 * SECOND);
        assert_true(step_rollup_seconds(&rollup.steps[0]) == 10);
        rollup_done(&rollup);
}

static void test_a_step_that_goes_on_has_no_duration(void **state) {
        struct rollup rollup = {0};
        struct attempt_record runs = attempt_of("greeks", "", 1, STEP_RUNNING),
                              waits = attempt_of("stress", "", 1, STEP_PENDING);
        struct jval *totals;

        runs.started_at = 10 * SECOND;
        waits.step_order = 2;
        add(&rollup, &runs, true);
        add(&rollup, &waits, true);
        assert_int_equal(rollup.n_steps, 2);
        assert_true(step_rollup_seconds(&rollup.steps[0]) < 0);
        assert_true(step_rollup_seconds(&rollup.steps[1]) < 0);
        totals = rollup_totals_to_json(&rollup);
        assert_int_equal(jval_get_int(totals, "items", 0), 2);
        assert_int_equal(jval_get_int(totals, "running", 0), 1);
        assert_int_equal(jval_get_int(totals, "pending", 0), 1);
        (void)jval_unref(totals);
        rollup_done(&rollup);
}

/* += adds over all attempts, = keeps the last attempt's. */
static void test_counters_add_as_they_were_reported(void **state) {
        struct rollup rollup = {0};
        struct attempt_record first = attempt_of("load", "", 1, STEP_FAILED),
                              second = attempt_of("load", "", 2, STEP_SUCCESS);

        first.metrics = jval_object();
        jval_set_int(first.metrics, "calls", 3);
        jval_set_int(first.metrics, "rows", 10);
        first.metadata = jval_object();
        jval_set(first.metadata, "set_metrics", jval_object());
        jval_set_bool(jval_get(first.metadata, "set_metrics"), "rows", true);
        second.metrics = jval_object();
        jval_set_int(second.metrics, "calls", 4);
        jval_set_int(second.metrics, "rows", 12);
        add(&rollup, &first, false);
        add(&rollup, &second, true);
        assert_int_equal(jval_get_int(rollup.steps[0].metrics, "calls", 0), 7);
        assert_int_equal(jval_get_int(rollup.steps[0].metrics, "rows", 0), 12);
        rollup_done(&rollup);
}

static void test_medians_and_quantiles(void **state) {
        double one[] = {4}, two[] = {6, 2}, three[] = {9, 1, 5}, hundred[100];

        for (int i = 0; i < 100; i++)
                hundred[i] = 100 - i;
        assert_true(median_of(one, 1) == 4);
        assert_true(median_of(two, 2) == 4);
        assert_true(median_of(three, 3) == 5);
        assert_true(quantile_of(hundred, 100, 0.95) == 95);
        assert_true(quantile_of(hundred, 100, 1) == 100);
        assert_true(quantile_of(one, 1, 0.95) == 4);
        assert_true(quantile_of(three, 3, 0.95) == 9);
        assert_true(quantile_of(three, 3, 0) == 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_items_count_once_however_often_they_were_tried),
                cmocka_unit_test(test_a_step_that_goes_on_has_no_duration),
                cmocka_unit_test(test_counters_add_as_they_were_reported),
                cmocka_unit_test(test_medians_and_quantiles),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
