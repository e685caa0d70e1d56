/* Instants and spans. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "macro.h"
#include "timeutil.h"
#include "unit.h"

static void instants_are_read_and_written(void **state) {
        static const struct {
                const char *text;
                int code;
                usec_t value;
        } cases[] = {
                {"2026-11-22T12:00:00Z", 0, 1795348800000000},
                {"2026-11-22T12:00:00.5Z", 0, 1795348800500000},
                {"2026-11-22T13:00:00.000001+01:00", 0, 1795348800000001},
                {"2024-02-29T00:00:00Z", 0, 1709164800000000},
                {"2023-02-29T00:00:00Z", -EINVAL, 0},
                {"2026-13-01T00:00:00Z", -EINVAL, 0},
                {"2026-11-22T24:00:00Z", -EINVAL, 0},
                {"2026-11-22T12:00:00", -EINVAL, 0},
                {"2026-11-22", -EINVAL, 0},
                {"2026-11-22T12:00:00Zx", -EINVAL, 0},
                {"2026-11-22T12:00:00.Z", -EINVAL, 0},
                {"", -EINVAL, 0},
        };
        char text[RFC3339_SIZE];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                usec_t value = 1;

                assert_int_equal(parse_rfc3339(cases[i].text, &value), cases[i].code);
                assert_true(value == (cases[i].code == 0 ? cases[i].value : 1));
        }
        assert_string_equal(format_rfc3339(text, 1795348800000001), "2026-11-22T12:00:00.000001Z");
        assert_string_equal(format_rfc3339(text, 0), "");
}

static void local_times_follow_the_zone(void **state) {
        char text[RFC3339_SIZE];

        (void)state;
        assert_int_equal(setenv("TZ", "America/New_York", 1), 0);
        tzset();
        assert_string_equal(format_time_local(text, 1795348800000000, false), "2026-11-22 07:00:00");
        assert_string_equal(format_time_local(text, 1795348800000000, true), "2026-11-22 12:00:00");
}

static void spans_are_systemds(void **state) {
        static const struct {
                const char *text;
                int code;
                usec_t value;
        } cases[] = {
                {"90", 0, 90 * USEC_PER_SEC},
                {"5min 20s", 0, 320 * USEC_PER_SEC},
                {"1.5h", 0, 5400 * USEC_PER_SEC},
                {"2h30m", 0, 9000 * USEC_PER_SEC},
                {"100ms", 0, 100 * USEC_PER_MSEC},
                {"1 week", 0, 7 * USEC_PER_DAY},
                {"infinity", 0, USEC_INFINITY},
                {"0", 0, 0},
                {"", -EINVAL, 0},
                {"-5", -EINVAL, 0},
                {"5 parsecs", -EINVAL, 0},
                {"min", -EINVAL, 0},
                {"99999999999y", -ERANGE, 0},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                usec_t value = 1;

                assert_int_equal(parse_timespan(cases[i].text, &value), cases[i].code);
                assert_true(value == (cases[i].code == 0 ? cases[i].value : 1));
        }
}

static void spans_are_written_for_people(void **state) {
        char text[TIMESPAN_SIZE];

        (void)state;
        assert_string_equal(format_timespan(text, 120 * USEC_PER_MSEC), "120ms");
        assert_string_equal(format_timespan(text, 3400 * USEC_PER_MSEC), "3.4s");
        assert_string_equal(format_timespan(text, 5 * USEC_PER_SEC), "5s");
        assert_string_equal(format_timespan(text, 320 * USEC_PER_SEC), "5min 20s");
        assert_string_equal(format_timespan(text, 2 * USEC_PER_HOUR), "2h");
        assert_string_equal(format_timespan(text, 26 * USEC_PER_HOUR), "1d 2h");
        assert_string_equal(format_timespan(text, USEC_INFINITY), "infinity");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(instants_are_read_and_written),
                cmocka_unit_test(local_times_follow_the_zone),
                cmocka_unit_test(spans_are_systemds),
                cmocka_unit_test(spans_are_written_for_people),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
