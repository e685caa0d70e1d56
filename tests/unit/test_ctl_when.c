/* Instants as people write them. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "timeutil.h"
#include "unit.h"
#include "when.h"

/* Sunday, 22 November 2026, 12:30:00 UTC: 07:30 in New York. */
#define NOW (1795350600 * USEC_PER_SEC)

static void assert_when(const char *text, bool utc, const char *expected) {
        char shown[RFC3339_SIZE];
        usec_t instant = 0;

        if (when_parse(text, NOW, utc, &instant) < 0)
                fail_msg("'%s' is not taken", text);
        assert_string_equal(format_rfc3339(shown, instant), expected);
}

static int in_new_york(void **state) {
        (void)setenv("TZ", "America/New_York", 1);
        tzset();
        return 0;
}

static void words_and_spans_count_from_now(void **state) {
        assert_when("now", false, "2026-11-22T12:30:00.000000Z");
        assert_when("today", true, "2026-11-22T00:00:00.000000Z");
        assert_when("today", false, "2026-11-22T05:00:00.000000Z");
        assert_when("yesterday", false, "2026-11-21T05:00:00.000000Z");
        assert_when("tomorrow", true, "2026-11-23T00:00:00.000000Z");
        assert_when("-1h", false, "2026-11-22T11:30:00.000000Z");
        assert_when("+5min 30s", false, "2026-11-22T12:35:30.000000Z");
        assert_when("2h ago", false, "2026-11-22T10:30:00.000000Z");
        assert_when("@1790000000", false, "2026-09-21T14:13:20.000000Z");
}

static void dates_are_local_unless_said(void **state) {
        assert_when("2026-09-22 14:00", false, "2026-09-22T18:00:00.000000Z");
        assert_when("2026-12-22 14:00:05", false, "2026-12-22T19:00:05.000000Z");
        assert_when("2026-09-22 14:00", true, "2026-09-22T14:00:00.000000Z");
        assert_when("2026-09-22 14:00 UTC", false, "2026-09-22T14:00:00.000000Z");
        assert_when("2026-09-22", false, "2026-09-22T04:00:00.000000Z");
        assert_when("14:05", false, "2026-11-22T19:05:00.000000Z");
        assert_when("2026-09-22T14:00:00+02:00", false, "2026-09-22T12:00:00.000000Z");
        /* the night that has an hour less, and the one that has an hour more */
        assert_when("2026-03-08 03:30", false, "2026-03-08T07:30:00.000000Z");
        assert_when("2026-11-01 03:30", false, "2026-11-01T08:30:00.000000Z");
}

static void what_is_no_time_is_refused(void **state) {
        static const char *const texts[] = {"",
                                            "soon",
                                            "2026-02-31",
                                            "2026-13-01",
                                            "2026-9-2",
                                            "2026-09-22 25:00",
                                            "2026-09-22x",
                                            "2026-09-22 14:00 CET",
                                            "14:60",
                                            "1:30",
                                            "-",
                                            "-infinity",
                                            "ago",
                                            " ago",
                                            "@x",
                                            "yesterday 14:00",
                                            "-60000y"};

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                usec_t instant = 7;
                if (when_parse(texts[i], NOW, false, &instant) != -EINVAL)
                        fail_msg("'%s' is taken", texts[i]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(words_and_spans_count_from_now, in_new_york),
                cmocka_unit_test_setup(dates_are_local_unless_said, in_new_york),
                cmocka_unit_test_setup(what_is_no_time_is_refused, in_new_york),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
