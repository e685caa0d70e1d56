#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "rate_limit.h"

#define NOW (1000 * USEC_PER_SEC)

static void test_burst_then_wait(void **state) {
        struct rate_limit *limit = rate_limit_new(5, 16);

        for (int i = 0; i < 5; i++)
                assert_int_equal(rate_limit_take(limit, "uid 1", NOW), 0);
        assert_int_equal(rate_limit_take(limit, "uid 1", NOW), 12 * USEC_PER_SEC);
        /* A refusal costs nothing. */
        assert_int_equal(rate_limit_take(limit, "uid 1", NOW + 2 * USEC_PER_SEC), 10 * USEC_PER_SEC);
        assert_int_equal(rate_limit_take(limit, "uid 2", NOW), 0);
        rate_limit_free(limit);
}

static void test_refills_evenly(void **state) {
        struct rate_limit *limit = rate_limit_new(5, 16);

        for (int i = 0; i < 5; i++)
                assert_int_equal(rate_limit_take(limit, "a", NOW), 0);
        assert_int_not_equal(rate_limit_take(limit, "a", NOW + 12 * USEC_PER_SEC - 1), 0);
        assert_int_equal(rate_limit_take(limit, "a", NOW + 12 * USEC_PER_SEC), 0);
        assert_int_not_equal(rate_limit_take(limit, "a", NOW + 12 * USEC_PER_SEC), 0);
        /* After a minute of rest the whole burst is there again, and no more. */
        for (int i = 0; i < 5; i++)
                assert_int_equal(rate_limit_take(limit, "a", NOW + 100 * USEC_PER_SEC), 0);
        assert_int_not_equal(rate_limit_take(limit, "a", NOW + 100 * USEC_PER_SEC), 0);
        rate_limit_free(limit);
}

static void test_no_limit(void **state) {
        struct rate_limit *limit = rate_limit_new(0, 16);

        for (int i = 0; i < 1000; i++)
                assert_int_equal(rate_limit_take(limit, "a", NOW), 0);
        assert_int_equal(rate_limit_count(limit), 0);
        rate_limit_free(limit);
}

static void test_table_is_bounded(void **state) {
        struct rate_limit *limit = rate_limit_new(2, 8);
        unsigned allowed = 0;
        char name[32];

        for (int i = 0; i < 1000; i++) {
                (void)snprintf(name, sizeof(name), "caller %d", i);
                allowed += rate_limit_take(limit, name, NOW) == 0;
        }
        assert_int_equal(rate_limit_count(limit), 8);
        /* One of each of the eight, and two of all the others together. */
        assert_int_equal(allowed, 10);
        /* Full buckets leave. */
        assert_int_equal(rate_limit_take(limit, "late", NOW + USEC_PER_MINUTE), 0);
        assert_int_equal(rate_limit_count(limit), 1);
        rate_limit_free(limit);
}

static void test_change_of_limit(void **state) {
        struct rate_limit *limit = rate_limit_new(1, 8);

        assert_int_equal(rate_limit_take(limit, "a", NOW), 0);
        assert_int_equal(rate_limit_take(limit, "a", NOW), USEC_PER_MINUTE);
        rate_limit_set(limit, 60);
        assert_int_equal(rate_limit_per_minute(limit), 60);
        assert_int_equal(rate_limit_take(limit, "a", NOW), USEC_PER_SEC);
        rate_limit_free(limit);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_burst_then_wait), cmocka_unit_test(test_refills_evenly),
                cmocka_unit_test(test_no_limit),        cmocka_unit_test(test_table_is_bounded),
                cmocka_unit_test(test_change_of_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
