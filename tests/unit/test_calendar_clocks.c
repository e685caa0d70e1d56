/* When calendar expressions elapse where clocks change, which is where we differ from systemd; the rest is compared
 * with it in test_calendar.py. */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "calendar.h"
#include "fileutil.h"
#include "macro.h"
#include "strutil.h"
#include "zone.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"

/* NULL when there is no such file, or it is none. */
static struct zone *read_zone(const char *path) {
        struct zone *zone = NULL;
        char *data;
        size_t len;

        if (read_file(path, ZONE_DATA_MAX, &data, &len) < 0)
                return NULL;
        if (zone_parse(&zone, path, data, len, NULL) < 0)
                zone = NULL;
        free(data);
        return zone;
}

static struct zone *find_zone(const char *name) {
        char *path = path_join(ZONE_FOLDER, name);
        struct zone *zone = read_zone(path);

        free(path);
        return zone;
}

static struct calendar *make(const char *expression) {
        struct calendar *calendar;
        char *error = NULL;

        if (calendar_parse(&calendar, expression, &error) < 0)
                fail_msg("%s", error);
        return calendar;
}

/* The next instants in UTC, "2024-03-10T07:00:00Z ..."; with '+' behind those that a gap moved, and '*' behind those in
 * a fold. */
static char *next_instants(const char *expression, const struct zone *zone, const char *base, unsigned count) {
        static const char marks[] = {[ZONE_LOCAL_ONCE] = ' ', [ZONE_LOCAL_GAP] = '+', [ZONE_LOCAL_FOLD] = '*'};
        struct calendar *calendar = make(expression);
        struct buf out = BUF_INIT(4096);
        usec_t at;

        assert_int_equal(parse_rfc3339(base, &at), 0);
        for (unsigned i = 0; i < count; i++) {
                enum zone_local_kind kind;
                char text[RFC3339_SIZE];

                if (calendar_next(calendar, zone, at, &at, &kind) < 0)
                        break;
                (void)buf_appendf(&out, "%.16s%c", format_rfc3339(text, at) + 0, marks[kind]);
        }
        calendar_free(calendar);
        return buf_steal(&out);
}

static const struct {
        const char *zone, *expression, *base, *expected;
} rows[] = {
        /* Once each local day, also on the day of the gap. */
        {"America/New_York", "02:30", "2024-03-09T00:00:00Z", "2024-03-09T07:30 2024-03-10T07:00+2024-03-11T06:30 "},
        /* All of a gap together as one, with what is right behind it. */
        {"America/New_York", "02:0/10", "2024-03-10T06:55:00Z", "2024-03-10T07:00+2024-03-11T06:00 2024-03-11T06:10 "},
        {"America/New_York", "02,03:00", "2024-03-10T06:00:00Z", "2024-03-10T07:00+2024-03-11T06:00 2024-03-11T07:00 "},
        /* Once in a fold, the first time; what comes behind it as ever. */
        {"America/New_York", "01:30", "2024-11-02T12:00:00Z", "2024-11-03T05:30*2024-11-04T06:30 "},
        {"America/New_York", "01:00..59/20", "2024-11-03T05:00:00Z",
         "2024-11-03T05:20*2024-11-03T05:40*2024-11-04T06:00 "},
        {"America/New_York", "01,02:30", "2024-11-03T05:45:00Z", "2024-11-03T07:30 2024-11-04T06:30 "},
        /* From within the second showing of the fold nothing fires again. */
        {"America/New_York", "01:30", "2024-11-03T06:10:00Z", "2024-11-04T06:30 "},
        {"America/New_York", "01:45", "2024-11-03T06:00:00Z", "2024-11-04T06:45 "},
        /* Every hour: elapsed time. */
        {"America/New_York", "*:30", "2024-03-10T06:00:00Z", "2024-03-10T06:30 2024-03-10T07:30 2024-03-10T08:30 "},
        {"America/New_York", "*:30", "2024-11-03T05:00:00Z", "2024-11-03T05:30 2024-11-03T06:30 2024-11-03T07:30 "},
        {"America/New_York", "00..23:30", "2024-11-03T05:00:00Z",
         "2024-11-03T05:30 2024-11-03T06:30 2024-11-03T07:30 "},
        {"Australia/Lord_Howe", "*:0/30", "2024-10-05T15:00:00Z",
         "2024-10-05T15:30 2024-10-05T16:00 2024-10-05T16:30 "},
        /* Every second hour names not every hour: each local time once. */
        {"America/New_York", "0/2:00", "2024-03-10T05:00:00Z", "2024-03-10T07:00+2024-03-10T08:00 2024-03-10T10:00 "},
        {"Australia/Lord_Howe", "02:15", "2024-10-04T20:00:00Z", "2024-10-05T15:30+2024-10-06T15:15 "},
        /* A day that a zone left out: its times together right behind it. */
        {"Pacific/Apia", "12:00", "2011-12-29T12:00:00Z", "2011-12-29T22:00 2011-12-30T10:00+2011-12-30T22:00 "},
        /* Southern daylight saving time, by the rule far ahead. */
        {"Europe/Berlin", "02:30", "2100-03-27T12:00:00Z", "2100-03-28T01:00+2100-03-29T00:30 "},
        {"UTC", "02:30", "2024-03-09T00:00:00Z", "2024-03-09T02:30 2024-03-10T02:30 "},
};

static void test_rows(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct zone *zone = find_zone(rows[i].zone);
                unsigned count = (unsigned)(strlen(rows[i].expected) / 17);
                char *found;

                if (!zone)
                        skip();
                found = next_instants(rows[i].expression, zone, rows[i].base, count);
                if (!streq(found, rows[i].expected))
                        fail_msg("%s in %s\nexpected: %s\nis:       %s", rows[i].expression, rows[i].zone,
                                 rows[i].expected, found);
                free(found);
                zone_unref(zone);
        }
}

static void test_end(void **state) {
        _cleanup_(zone_unrefp) struct zone *utc = zone_new_utc();
        char *found = next_instants("2024-02-29 12:00", utc, "2024-02-29T11:59:59Z", 5);

        assert_string_equal(found, "2024-02-29T12:00 ");
        free(found);
        found = next_instants("*-02-30", utc, "2024-01-01T00:00:00Z", 5);
        assert_string_equal(found, "");
        free(found);
        found = next_instants("@1709208000", utc, "2024-01-01T00:00:00Z", 5);
        assert_string_equal(found, "2024-02-29T12:00 ");
        free(found);
}

static void test_fractions(void **state) {
        _cleanup_(zone_unrefp) struct zone *utc = zone_new_utc();
        struct calendar *calendar = make("*:*:0/7.25");
        usec_t at = 51 * USEC_PER_SEC;

        assert_int_equal(calendar_next(calendar, utc, at, &at, NULL), 0);
        assert_int_equal(at, 58 * USEC_PER_SEC);
        /* Each minute begins anew. */
        assert_int_equal(calendar_next(calendar, utc, at, &at, NULL), 0);
        assert_int_equal(at, 60 * USEC_PER_SEC);
        assert_int_equal(calendar_next(calendar, utc, at, &at, NULL), 0);
        assert_int_equal(at, 67250 * USEC_PER_MSEC);
        calendar_free(calendar);
}

static void test_errors(void **state) {
        static const struct {
                const char *expression, *error;
        } errors[] = {
                {"", "the calendar expression is empty; write for example \"Mon..Fri 12:00\", \"*-*-01 02:30 "
                     "Europe/Berlin\" or \"hourly\""},
                {"sometimes", "\"sometimes\" is no calendar expression; write for example \"Mon..Fri 12:00\", \"*-*-01 "
                              "02:30 Europe/Berlin\" or \"hourly\""},
                {"24:00", "\"24:00\" is wrong in the hour; it takes 0 to 23, and a range or repetition must have a "
                          "second value"},
        };

        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                struct calendar *calendar;
                char *error = NULL;

                assert_int_equal(calendar_parse(&calendar, errors[i].expression, &error), -EINVAL);
                assert_string_equal(error, errors[i].error);
                free(error);
        }
}

static void test_zone_of_the_expression(void **state) {
        struct calendar *calendar = make("Mon 12:00 Europe/Berlin");

        assert_string_equal(calendar_zone_name(calendar), "Europe/Berlin");
        calendar_free(calendar);
        calendar = make("12:00 utc");
        assert_string_equal(calendar_zone_name(calendar), "UTC");
        calendar_free(calendar);
        calendar = make("Mon 12:00");
        assert_null(calendar_zone_name(calendar));
        calendar_free(calendar);
}

#define FROM (1704067200 * USEC_PER_SEC)  /* 2024 */
#define UNTIL (1798761600 * USEC_PER_SEC) /* 2027 */

static unsigned n_zones, n_wrong;

/* Whatever the clocks do, what is due daily comes once a day. */
static void check_daily(const struct zone *zone, const char *expression) {
        struct calendar *calendar = make(expression);
        usec_t at = FROM, last = 0;

        while (calendar_next(calendar, zone, at, &at, NULL) == 0 && at < UNTIL) {
                if (last && (at - last < 22 * USEC_PER_HOUR || at - last > 26 * USEC_PER_HOUR))
                        n_wrong++;
                last = at;
        }
        calendar_free(calendar);
}

/* And what is due every half hour comes every half hour. */
static void check_half_hours(const struct zone *zone) {
        struct calendar *calendar = make("*:0/30");
        usec_t at = FROM, last = 0;

        while (calendar_next(calendar, zone, at, &at, NULL) == 0 && at < UNTIL) {
                if (last && at - last != 30 * USEC_PER_MINUTE)
                        n_wrong++;
                last = at;
        }
        calendar_free(calendar);
}

static int check_file(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        static const char *const expressions[] = {"00:00", "00:30", "01:30", "02:00", "02:30", "03:00", "23:59:59"};
        _cleanup_(zone_unrefp) struct zone *zone = type == FTW_F ? read_zone(path) : NULL;
        unsigned before = n_wrong;

        /* "right" counts leap seconds. */
        if (!zone || strstr(path, "/right/"))
                return 0;
        n_zones++;
        for (size_t i = 0; i < ELEMENTSOF(expressions); i++)
                check_daily(zone, expressions[i]);
        check_half_hours(zone);
        if (n_wrong != before)
                fprintf(stderr, "%s\n", path);
        return 0;
}

static void test_all_zones(void **state) {
        if (nftw(ZONE_FOLDER, check_file, 16, FTW_PHYS) < 0 || n_zones == 0)
                skip();
        assert_true(n_zones > 100);
        assert_int_equal(n_wrong, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_end),
                cmocka_unit_test(test_fractions),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_zone_of_the_expression),
                cmocka_unit_test(test_all_zones),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
