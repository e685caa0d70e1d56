/* The circuit breaker of a step. */
#include "unit.h"

#include "breaker.h"

#define START (1000 * USEC_PER_SEC)

static const struct breaker_rule rule = {.failures = 3, .reset = 60 * USEC_PER_SEC};

static void open_it(struct breaker *breaker) {
        *breaker = (struct breaker){0};
        assert_false(breaker_failed(breaker, &rule, false, START - 2));
        assert_false(breaker_failed(breaker, &rule, false, START - 1));
        assert_true(breaker_failed(breaker, &rule, false, START));
        assert_int_equal(breaker->failures, 3);
        assert_int_equal(breaker->opened_at, START);
        assert_int_equal(breaker->until, START + rule.reset);
}

static void test_only_failures_in_a_row_open_it(void **state) {
        struct breaker breaker = {0};

        for (int round = 0; round < 5; round++) {
                assert_false(breaker_failed(&breaker, &rule, false, START));
                assert_false(breaker_failed(&breaker, &rule, false, START));
                assert_int_equal(breaker_ask(&breaker, &rule, START), BREAKER_LETS_THROUGH);
                assert_false(breaker_succeeded(&breaker));
        }
        assert_int_equal(breaker_state(&breaker, START), BREAKER_CLOSED);
}

static void test_while_it_is_open_nothing_gets_through(void **state) {
        struct breaker breaker;

        open_it(&breaker);
        assert_int_equal(breaker_state(&breaker, START), BREAKER_OPEN);
        assert_int_equal(breaker_ask(&breaker, &rule, START), BREAKER_REFUSES);
        assert_int_equal(breaker_ask(&breaker, &rule, START + rule.reset - 1), BREAKER_REFUSES);
        /* What was begun before it opened changes nothing by failing ... */
        assert_false(breaker_failed(&breaker, &rule, false, START + 5));
        assert_int_equal(breaker.until, START + rule.reset);
        /* ... and closes it by succeeding. */
        assert_true(breaker_succeeded(&breaker));
        assert_int_equal(breaker_ask(&breaker, &rule, START + 6), BREAKER_LETS_THROUGH);
}

static void test_one_probe_at_a_time(void **state) {
        struct breaker breaker;
        usec_t due = START + rule.reset;

        open_it(&breaker);
        assert_int_equal(breaker_state(&breaker, due), BREAKER_HALF_OPEN);
        assert_int_equal(breaker_ask(&breaker, &rule, due), BREAKER_PROBES);
        assert_int_equal(breaker_state(&breaker, due), BREAKER_HALF_OPEN);
        assert_int_equal(breaker_ask(&breaker, &rule, due + 1), BREAKER_REFUSES);
        breaker.is_probed = false; /* it told nothing */
        assert_int_equal(breaker_ask(&breaker, &rule, due + 2), BREAKER_PROBES);
        assert_true(breaker_failed(&breaker, &rule, true, due + 3));
        assert_int_equal(breaker.opened_at, START);
        assert_int_equal(breaker.until, due + 3 + rule.reset);
        assert_int_equal(breaker_ask(&breaker, &rule, due + 4), BREAKER_REFUSES);
        assert_int_equal(breaker_ask(&breaker, &rule, breaker.until), BREAKER_PROBES);
        assert_true(breaker_succeeded(&breaker));
        assert_int_equal(breaker.failures, 0);
        assert_int_equal(breaker_ask(&breaker, &rule, due), BREAKER_LETS_THROUGH);
}

static void test_a_clock_that_is_set_back_does_not_lengthen_it(void **state) {
        struct breaker breaker;

        open_it(&breaker);
        assert_int_equal(breaker_ask(&breaker, &rule, START - 500 * USEC_PER_SEC), BREAKER_REFUSES);
        assert_int_equal(breaker.until, START - 500 * USEC_PER_SEC + rule.reset);
}

static void test_a_shorter_reset_takes_effect(void **state) {
        const struct breaker_rule shorter = {.failures = 3, .reset = USEC_PER_SEC};
        struct breaker breaker;

        open_it(&breaker);
        assert_int_equal(breaker_ask(&breaker, &shorter, START), BREAKER_REFUSES);
        assert_int_equal(breaker_ask(&breaker, &shorter, START + USEC_PER_SEC), BREAKER_PROBES);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_only_failures_in_a_row_open_it),
                cmocka_unit_test(test_while_it_is_open_nothing_gets_through),
                cmocka_unit_test(test_one_probe_at_a_time),
                cmocka_unit_test(test_a_clock_that_is_set_back_does_not_lengthen_it),
                cmocka_unit_test(test_a_shorter_reset_takes_effect),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
