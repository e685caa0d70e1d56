#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "quality.h"
#include "xalloc.h"

static void say(struct quality *quality, const char *step, const char *item, const char *metadata, int64_t metric) {
        struct attempt_record attempt = {.step_name = xstrdup(step), .item = xstrdup(item), .status = STEP_SUCCESS};

        if (metadata)
                assert_int_equal(jval_parse(metadata, strlen(metadata), &attempt.metadata, NULL), 0);
        if (metric >= 0) {
                attempt.metrics = jval_object();
                jval_set_int(attempt.metrics, "positions", metric);
        }
        quality_add(quality, &attempt);
        attempt_record_done(&attempt);
}

static int64_t count_of(const struct quality *quality, const char *word) {
        struct jval *json = quality_to_json(quality, false);
        int64_t count = jval_get_int(json, word, -1);

        (void)jval_unref(json);
        return count;
}

static void test_a_target_is_as_good_as_the_worst_said_of_it(void **state) {
        struct quality quality = {0};

        say(&quality, "prices", "", NULL, -1); /* says nothing and has no item: no target */
        say(&quality, "greeks", "P1", "{\"quality\":\"full\"}", -1);
        say(&quality, "greeks", "P2", "{\"quality\":\"limited\"}", -1);
        say(&quality, "greeks", "P3", NULL, -1);
        say(&quality, "stress", "P1", "{\"quality\":\"failed\"}", -1);
        say(&quality, "stress", "P2", "{\"quality\":\"full\"}", -1);
        say(&quality, "stress", "P3", "{\"quality\":\"perfect\"}", -1); /* no such word */
        assert_int_equal(count_of(&quality, "targets"), 3);
        assert_int_equal(count_of(&quality, "full"), 0);
        assert_int_equal(count_of(&quality, "limited"), 1);
        assert_int_equal(count_of(&quality, "failed"), 1);
        assert_int_equal(count_of(&quality, "unknown"), 1);
        quality_done(&quality);
}

static void test_numbers_are_of_those_that_tell_the_quality(void **state) {
        struct quality quality = {0};

        say(&quality, "snapshot", "P1",
            "{\"quality\":\"full\",\"result\":{\"positions\":10,\"days_of_data\":250.5,\"name\":\"x\"}}", 99);
        say(&quality, "snapshot", "P2", "{\"quality\":\"limited\",\"result\":{\"days_of_data\":49.5}}", 20);
        say(&quality, "greeks", "P1", "{\"result\":{\"positions\":10}}", -1);
        struct jval *json = quality_to_json(&quality, true);
        const struct jval *values = jval_get(json, "values"), *positions = jval_get(values, "positions"),
                          *days = jval_get(values, "days_of_data");
        assert_int_equal(jval_object_size(values), 2);
        assert_true(jval_get_real(positions, "sum", 0) == 30);
        assert_int_equal(jval_get_int(positions, "count", 0), 2);
        assert_true(jval_get_real(days, "mean", 0) == 150);
        assert_true(jval_get_real(days, "least", 0) == 49.5);
        assert_true(jval_get_real(days, "most", 0) == 250.5);
        assert_int_equal(jval_array_size(jval_get(json, "items")), 2);
        (void)jval_unref(json);
        quality_done(&quality);
}

static void test_what_is_missing_is_told_with_its_reason(void **state) {
        struct quality quality = {0};

        say(&quality, "prices", "",
            "{\"quality\":\"limited\",\"missing\":{\"items\":[{\"item\":\"AAPL\",\"reason\":\"no answer\"}],\"count\":1}}",
            -1);
        say(&quality, "rates", "", "{\"missing\":{\"items\":[{\"item\":\"EUR\",\"reason\":\"holiday\"}],\"count\":1}}",
            -1);
        struct jval *json = quality_to_json(&quality, true), *items = jval_get(json, "items");
        assert_int_equal(jval_array_size(items), 2);
        assert_string_equal(jval_get_str(jval_at(items, 0), "item"), "prices");
        assert_string_equal(jval_get_str(jval_get(jval_at(items, 0), "missing"), "AAPL"), "no answer");
        assert_string_equal(jval_get_str(jval_at(items, 1), "quality"), "unknown");
        assert_string_equal(jval_get_str(jval_get(jval_at(items, 1), "missing"), "EUR"), "holiday");
        (void)jval_unref(json);
        quality_done(&quality);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_target_is_as_good_as_the_worst_said_of_it),
                cmocka_unit_test(test_numbers_are_of_those_that_tell_the_quality),
                cmocka_unit_test(test_what_is_missing_is_told_with_its_reason),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
