/* What becomes of due times that lie behind, over the policies; their delays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "due.h"
#include "macro.h"

#define DAY USEC_PER_DAY
#define HOUR USEC_PER_HOUR

/* Instants that tests count from: 2026-01-05, a Monday, 00:00 UTC. */
#define MONDAY (UINT64_C(1767571200) * USEC_PER_SEC)

struct given {
        struct calendar *calendars[2];
        struct zone *zone;
        struct due_calendar of_schedule[2];
        struct due_schedule schedule;
};

static void give(struct given *given, const char *one, const char *other, usec_t delay) {
        const char *texts[] = {one, other};
        size_t n = other ? 2 : 1;

        *given = (struct given){.zone = zone_new_utc()};
        for (size_t i = 0; i < n; i++) {
                assert_int_equal(calendar_parse(&given->calendars[i], texts[i], NULL), 0);
                given->of_schedule[i] = (struct due_calendar){given->calendars[i], given->zone};
        }
        given->schedule = (struct due_schedule){given->of_schedule, n, "host/job", delay};
}

static void given_done(struct given *given) {
        for (size_t i = 0; i < ELEMENTSOF(given->calendars); i++)
                calendar_free(given->calendars[i]);
        zone_unref(given->zone);
}

static void test_calendars_together(void **state) {
        struct given given;
        usec_t next = 0;

        (void)state;
        give(&given, "06:00", "Mon *:00", 0);
        assert_int_equal(due_next(&given.schedule, MONDAY + 5 * HOUR, &next, NULL), 0);
        /* Both name it: it is one due time. */
        assert_int_equal(next, MONDAY + 6 * HOUR);
        assert_int_equal(due_next(&given.schedule, next, &next, NULL), 0);
        assert_int_equal(next, MONDAY + 7 * HOUR);
        assert_int_equal(due_next(&given.schedule, MONDAY + DAY, &next, NULL), 0);
        assert_int_equal(next, MONDAY + DAY + 6 * HOUR);
        given_done(&given);
        give(&given, "2020-01-01", NULL, 0);
        assert_true(due_next(&given.schedule, MONDAY, &next, NULL) < 0);
        given_done(&given);
}

/* A row: the daemon saw everything up to `last` and looks at `now` (hours of MONDAY, by a schedule of every day at
 * 06:00). expected: a letter for each due time behind, R runs, m is missed. */
static void test_policies(void **state) {
        static const struct {
                double last, now;
                const char *no, *last_one, *all;
        } rows[] = {
                {0, 5, "", "", ""},
                {0, 6, "R", "R", "R"}, /* on time, to the microsecond */
                {5.9999, 6.0001, "R", "R", "R"},
                {0, 6 + 59.0 / 3600, "R", "R", "R"}, /* within the grace */
                {0, 6 + 61.0 / 3600, "m", "R", "R"}, /* not any more */
                {0, 7, "m", "R", "R"},
                {6, 7, "", "", ""}, /* seen */
                {6, 30, "R", "R", "R"},
                {0, 30, "mR", "mR", "RR"},
                {0, 31, "mm", "mR", "RR"},
                {0, 24 * 5, "mmmmm", "mmmmR", "RRRRR"},
                {6, 24 * 5, "mmmm", "mmmR", "RRRR"},
                {24, 5, "", "", ""}, /* the clock went back */
        };
        struct given given;

        (void)state;
        give(&given, "06:00", NULL, 0);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *const expected[] = {[PERSISTENT_NO] = rows[i].no,
                                                [PERSISTENT_LAST] = rows[i].last_one,
                                                [PERSISTENT_ALL] = rows[i].all};

                for (int policy = PERSISTENT_NO; policy <= PERSISTENT_ALL; policy++) {
                        struct due_behind behind;
                        char found[16] = "";

                        due_settle(&given.schedule, MONDAY + (usec_t)(rows[i].last * (double)HOUR),
                                   MONDAY + (usec_t)(rows[i].now * (double)HOUR), (enum persistent)policy, &behind);
                        for (size_t k = 0; k < behind.count; k++) {
                                found[k] = behind.items[k].run ? 'R' : 'm';
                                assert_int_equal((behind.items[k].due_at - MONDAY) % DAY, 6 * HOUR);
                                assert_int_equal(behind.items[k].until, 0);
                        }
                        assert_string_equal(found, expected[policy]);
                        due_behind_done(&behind);
                }
        }
        given_done(&given);
}

/* Every due time is in exactly one item, however many there are. */
static void check_cover(const struct due_behind *behind, usec_t first, usec_t last, usec_t step) {
        usec_t next = first;

        for (size_t i = 0; i < behind->count; i++) {
                const struct due_item *item = &behind->items[i];

                assert_int_equal(item->due_at, next);
                if (item->until > 0 && item->count > 0)
                        assert_int_equal(item->count, (item->until - item->due_at) / step + 1);
                next = (item->until > 0 ? item->until - item->until % step : item->due_at) + step;
        }
        assert_int_equal(next, last + step);
}

static void test_many(void **state) {
        static const usec_t spans[] = {999, 1000, 1001, 2500, 99999, 100000, 100001, 365 * UINT64_C(86400)};
        struct given given;

        (void)state;
        give(&given, "*:*:*", NULL, 0);
        for (size_t i = 0; i < ELEMENTSOF(spans); i++) {
                struct due_behind behind;
                usec_t now = MONDAY + spans[i] * USEC_PER_SEC;

                due_settle(&given.schedule, MONDAY, now, PERSISTENT_ALL, &behind);
                assert_true(behind.count <= DUE_BEHIND_MAX + 1);
                check_cover(&behind, MONDAY + USEC_PER_SEC, now, USEC_PER_SEC);
                assert_true(behind.items[behind.count - 1].run);
                if (spans[i] > DUE_BEHIND_MAX) {
                        assert_false(behind.items[0].run);
                        assert_true(behind.items[0].until > 0);
                        /* More than are counted are not said to be a number. */
                        assert_int_equal(behind.items[0].count,
                                         spans[i] > DUE_COUNT_MAX ? 0 : spans[i] - DUE_BEHIND_MAX);
                }
                due_behind_done(&behind);
        }
        given_done(&given);
}

static void test_delays(void **state) {
        struct given given, other;
        usec_t least = USEC_INFINITY, greatest = 0, differ = 0;

        (void)state;
        give(&given, "*:00", NULL, 10 * USEC_PER_MINUTE);
        give(&other, "*:00", NULL, 10 * USEC_PER_MINUTE);
        other.schedule.seed = "other/job";
        for (usec_t due = MONDAY; due < MONDAY + 1000 * HOUR; due += HOUR) {
                usec_t delay = due_fires_at(&given.schedule, due) - due;

                assert_int_equal(due_fires_at(&given.schedule, due) - due, delay);
                differ += due_fires_at(&other.schedule, due) - due != delay;
                least = delay < least ? delay : least;
                greatest = delay > greatest ? delay : greatest;
        }
        assert_true(differ > 990);
        /* Spread over all of it. */
        assert_true(least < 10 * USEC_PER_SEC);
        assert_true(greatest > 590 * USEC_PER_SEC && greatest < 600 * USEC_PER_SEC);
        given_done(&given);
        given_done(&other);
}

static void test_not_behind_before_its_delay(void **state) {
        struct given given;
        struct due_behind behind;
        usec_t due = MONDAY + 6 * HOUR, at;

        (void)state;
        give(&given, "06:00", NULL, HOUR);
        at = due_fires_at(&given.schedule, due);
        assert_true(at > due);
        due_settle(&given.schedule, MONDAY, at - 1, PERSISTENT_ALL, &behind);
        assert_int_equal(behind.count, 0);
        due_settle(&given.schedule, MONDAY, at, PERSISTENT_NO, &behind);
        assert_int_equal(behind.count, 1);
        assert_true(behind.items[0].run);
        due_behind_done(&behind);
        given_done(&given);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_calendars_together),
                cmocka_unit_test(test_policies),
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_delays),
                cmocka_unit_test(test_not_behind_before_its_delay),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
