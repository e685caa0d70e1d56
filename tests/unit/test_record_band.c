/* The learned band: its arithmetic, and on generated histories how often it is wrong. The generator's seed is fixed, so
 * that the rates are the same on every machine; they are printed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "macro.h"
#include "record_band.h"
#include "strutil.h"
#include "xalloc.h"

static const struct band_rule usual = {BAND_WARN, BAND_WIDTH_DEFAULT, BAND_WINDOW_DEFAULT, BAND_LEAST_DEFAULT};

static enum verdict judge(const struct band_rule *rule, const struct record_band *band, int64_t records) {
        char *text = NULL;
        enum verdict verdict = record_band_judge(rule, band, &(struct step_figures){records, -1, -1}, &text);

        assert_true((text != NULL) == (verdict != VERDICT_PASS));
        free(text);
        return verdict;
}

static void test_little_history_judges_nothing(void **state) {
        static const int64_t counts[] = {100, 100, 100, 100, 100};

        for (size_t n = 0; n < ELEMENTSOF(counts); n++) {
                struct record_band band = record_band_learn(&usual, counts, n);

                assert_false(band.is_known);
                assert_int_equal(band.n, n);
                assert_int_equal(judge(&usual, &band, 0), VERDICT_PASS);
        }
        assert_true(record_band_learn(&usual, counts, 5).is_known);
}

static void test_the_arithmetic(void **state) {
        static const int64_t counts[] = {100, 110, 90, 130, 70, 5000, 1}; /* the last two are beyond the window */
        const struct band_rule rule = {BAND_FAIL, 2, 5, 5};
        struct record_band band = record_band_learn(&rule, counts, ELEMENTSOF(counts));
        _cleanup_free_ char *text = NULL;

        /* median 100, deviations 0 10 10 30 30: MAD 10 */
        assert_int_equal(band.n, 5);
        assert_true(band.median == 100 && fabs(band.spread - 14.826) < 1e-9);
        assert_true(fabs(band.lowest - 70.348) < 1e-9 && fabs(band.highest - 129.652) < 1e-9);
        assert_int_equal(judge(&rule, &band, 71), VERDICT_PASS);
        assert_int_equal(judge(&rule, &band, 129), VERDICT_PASS);
        assert_int_equal(judge(&rule, &band, 70), VERDICT_FAIL);
        assert_int_equal(record_band_judge(&rule, &band, &(struct step_figures){130, -1, -1}, &text), VERDICT_FAIL);
        assert_string_equal(text, "130 records, usual are 71 to 129 (median 100 of the last 5 successes)");
}

static void test_a_count_that_never_changed_may_move_a_little(void **state) {
        static const int64_t thirty[] = {30, 30, 30, 30, 30, 30}, many[] = {1000, 1000, 1000, 1000, 1000};
        struct record_band band = record_band_learn(&usual, thirty, ELEMENTSOF(thirty));

        /* 27 of 30 teams are outside, 29 are not. */
        assert_int_equal(judge(&usual, &band, 29), VERDICT_PASS);
        assert_int_equal(judge(&usual, &band, 27), VERDICT_WARN);
        assert_int_equal(judge(&usual, &band, 33), VERDICT_WARN);
        band = record_band_learn(&usual, many, ELEMENTSOF(many));
        assert_int_equal(judge(&usual, &band, 950), VERDICT_PASS);
        assert_int_equal(judge(&usual, &band, 949), VERDICT_WARN);
}

static void test_one_bad_count_widens_nothing_two_do(void **state) {
        static const int64_t one[] = {100, 100, 3, 100, 101, 99}, two[] = {100, 100, 40, 100, 40, 99};
        struct record_band band = record_band_learn(&usual, one, ELEMENTSOF(one));

        assert_int_equal(judge(&usual, &band, 50), VERDICT_WARN);
        band = record_band_learn(&usual, two, ELEMENTSOF(two));
        assert_int_equal(judge(&usual, &band, 38), VERDICT_PASS);
        assert_int_equal(judge(&usual, &band, 37), VERDICT_WARN);
}

static void test_a_zero_is_outside_unless_it_is_usual(void **state) {
        static const int64_t spread[] = {1, 200, 3, 400, 5, 600, 7}, zeros[] = {0, 200, 3, 400, 5, 600, 7};
        struct record_band band = record_band_learn(&usual, spread, ELEMENTSOF(spread));

        assert_true(band.lowest == 0);
        assert_int_equal(judge(&usual, &band, 0), VERDICT_WARN);
        assert_int_equal(judge(&usual, &band, 1), VERDICT_PASS);
        band = record_band_learn(&usual, zeros, ELEMENTSOF(zeros));
        assert_int_equal(judge(&usual, &band, 0), VERDICT_PASS);
}

static void test_what_is_declared_or_unknown_is_not_judged(void **state) {
        static const int64_t counts[] = {100, 100, 100, 100, 100};
        struct record_band band = record_band_learn(&usual, counts, ELEMENTSOF(counts));
        char *text = NULL;

        assert_int_equal(record_band_judge(&usual, &band, &(struct step_figures){0, 0, -1}, &text), VERDICT_PASS);
        assert_int_equal(record_band_judge(&usual, &band, &(struct step_figures){7, 7, -1}, &text), VERDICT_PASS);
        assert_int_equal(judge(&usual, &band, -1), VERDICT_PASS);
}

/* xorshift64* (Vigna 2014). */
static uint64_t random_state;

static double uniform(void) {
        random_state ^= random_state >> 12;
        random_state ^= random_state << 25;
        random_state ^= random_state >> 27;
        return (double)((random_state * UINT64_C(2685821657736338717)) >> 11) / 9007199254740992.0;
}

/* Box and Muller. */
static double normal(void) {
        return sqrt(-2 * log(1 - uniform())) * cos(2 * M_PI * uniform());
}

static double steady(unsigned day) {
        return 500 * (1 + 0.08 * normal());
}
/* A league's games a day: 1 to 15, with 20 to 26 lines each. */
static double games(unsigned day) {
        return floor(1 + 15 * uniform()) * (20 + floor(7 * uniform()));
}
static double growing(unsigned day) {
        return 200 * pow(1.01, day) * (1 + 0.05 * normal());
}
static double heavy_tail(unsigned day) {
        return 300 * exp(0.5 * normal());
}
static double weekly(unsigned day) {
        return (day % 7 < 5 ? 1000 : 300) * (1 + 0.05 * normal());
}

struct tally {
        unsigned days, alarms, zeros_caught, halves_caught;
};

/* A year of a step, each day judged by those before it; beside each count, what it would have been judged with all or
 * half of it lost. */
static void simulate(double (*count)(unsigned day), struct tally *tally) {
        enum { DAYS = 365 };
        int64_t newest_first[DAYS];

        for (unsigned day = 0; day < DAYS; day++) {
                int64_t records = (int64_t)fmax(1, round(count(day)));
                struct record_band band = record_band_learn(&usual, newest_first + DAYS - day, day);

                if (band.is_known) {
                        tally->days++;
                        tally->alarms += judge(&usual, &band, records) != VERDICT_PASS;
                        tally->zeros_caught += judge(&usual, &band, 0) != VERDICT_PASS;
                        tally->halves_caught += judge(&usual, &band, records / 2) != VERDICT_PASS;
                }
                newest_first[DAYS - 1 - day] = records;
        }
}

/* Bounds are what was measured, with room for another compiler's rounding. */
static void test_rates_on_generated_histories(void **state) {
        static const struct {
                const char *name;
                double (*count)(unsigned day);
                double alarms_most, halves_least;
        } kinds[] = {
                {"steady, 8 % noise", steady, 0.01, 0.95},           {"games of a day, 1 to 15", games, 0.005, 0},
                {"growing 1 % a day", growing, 0.02, 0.9},           {"heavy tail", heavy_tail, 0.04, 0},
                {"weekdays 1000, weekends 300", weekly, 0.05, 0.25},
        };

        random_state = 20261122;
        print_message("%-28s %8s %13s %13s %14s\n", "history", "days", "false alarms", "zeros caught", "halves caught");
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                struct tally tally = {0};

                for (int year = 0; year < 100; year++)
                        simulate(kinds[i].count, &tally);
                print_message("%-28s %8u %11.2f %% %11.2f %% %12.2f %%\n", kinds[i].name, tally.days,
                              100.0 * tally.alarms / tally.days, 100.0 * tally.zeros_caught / tally.days,
                              100.0 * tally.halves_caught / tally.days);
                assert_int_equal(tally.zeros_caught, tally.days);
                assert_true(tally.alarms <= kinds[i].alarms_most * tally.days);
                assert_true(tally.halves_caught >= kinds[i].halves_least * tally.days);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_little_history_judges_nothing),
                cmocka_unit_test(test_the_arithmetic),
                cmocka_unit_test(test_a_count_that_never_changed_may_move_a_little),
                cmocka_unit_test(test_one_bad_count_widens_nothing_two_do),
                cmocka_unit_test(test_a_zero_is_outside_unless_it_is_usual),
                cmocka_unit_test(test_what_is_declared_or_unknown_is_not_judged),
                cmocka_unit_test(test_rates_on_generated_histories),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
