/* Week detection by the day, the calendar behind it, Eastern days and game ids. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "eastern.h"
#include "game_id.h"
#include "macro.h"
#include "week.h"

#define REG(number)                                                                                                    \
        { 2024, number, SEASON_REG }
#define POST(number)                                                                                                   \
        { 2024, number, SEASON_POST }

/* A season's corners: days with games, in order. */
static const struct {
        int date[3];
        struct week week;
} season[] = {
        {{2024, 9, 5}, REG(1)},    {{2024, 9, 8}, REG(1)},    {{2024, 9, 9}, REG(1)},    {{2024, 9, 12}, REG(2)},
        {{2024, 9, 15}, REG(2)},   {{2024, 9, 16}, REG(2)},   {{2024, 9, 19}, REG(3)},   {{2024, 9, 22}, REG(3)},
        {{2024, 11, 28}, REG(13)}, {{2024, 11, 29}, REG(13)}, {{2024, 12, 1}, REG(13)},  {{2024, 12, 2}, REG(13)},
        {{2024, 12, 8}, REG(14)},  {{2024, 12, 10}, REG(14)}, /* moved to a Tuesday */
        {{2024, 12, 12}, REG(15)}, {{2024, 12, 15}, REG(15)}, {{2024, 12, 25}, REG(17)}, {{2024, 12, 28}, REG(17)},
        {{2025, 1, 4}, REG(18)},   {{2025, 1, 5}, REG(18)},   {{2025, 1, 11}, POST(1)},  {{2025, 1, 13}, POST(1)},
        {{2025, 1, 18}, POST(2)},  {{2025, 1, 19}, POST(2)},  {{2025, 1, 26}, POST(3)},  {{2025, 2, 9}, POST(4)},
};

static struct week_game games[ELEMENTSOF(season)];

static int setup(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(season); i++)
                games[i] = (struct week_game){day_from_date(season[i].date[0], season[i].date[1], season[i].date[2]),
                                              season[i].week};
        return 0;
}

struct expectation {
        int date[3];
        struct week week;
        const char *why;
};

static void check_week(const struct expectation *row, const struct week *week) {
        if (week_compare(week, &row->week) != 0)
                fail_msg("%04d-%02d-%02d (%s): %d %s %d", row->date[0], row->date[1], row->date[2], row->why,
                         week->season, season_type_name(week->type), week->week);
}

static void test_rule(void **state) {
        static const struct expectation rows[] = {
                {{2024, 8, 10}, REG(1), "before the season: the next game"},
                {{2024, 8, 26}, REG(1), "Monday before the season"},
                {{2024, 9, 3}, REG(1), "Tuesday before the opener"},
                {{2024, 9, 5}, REG(1), "Thursday, day of the opener"},
                {{2024, 9, 9}, REG(1), "Monday night"},
                {{2024, 9, 10}, REG(2), "Tuesday starts a new week"},
                {{2024, 9, 11}, REG(2), "Wednesday"},
                {{2024, 9, 15}, REG(2), "Sunday, whatever the hour"},
                {{2024, 9, 23}, REG(3), "Monday without a game: still the old week"},
                {{2024, 9, 24}, REG(13), "nothing within four days: the next game in the table"},
                {{2024, 11, 26}, REG(13), "Tuesday of Thanksgiving"},
                {{2024, 11, 30}, REG(13), "Saturday between Friday and Sunday games"},
                {{2024, 12, 2}, REG(13), "Monday night"},
                {{2024, 12, 9}, REG(14), "Monday, a game moved to tomorrow"},
                {{2024, 12, 10}, REG(15), "Tuesday with a moved game of the old week: the new week"},
                {{2024, 12, 11}, REG(15), "Wednesday after it"},
                {{2024, 12, 16}, REG(15), "Monday without a game"},
                {{2024, 12, 24}, REG(17), "Tuesday before the games of Wednesday"},
                {{2024, 12, 25}, REG(17), "Wednesday games"},
                {{2024, 12, 30}, REG(17), "Monday after"},
                {{2025, 1, 5}, REG(18), "last Sunday"},
                {{2025, 1, 6}, REG(18), "Monday after the last Sunday"},
                {{2025, 1, 7}, POST(1), "Tuesday: the first round"},
                {{2025, 1, 13}, POST(1), "Monday game of the first round"},
                {{2025, 1, 14}, POST(2), "Tuesday"},
                {{2025, 1, 20}, POST(2), "Monday"},
                {{2025, 1, 26}, POST(3), "semi-finals"},
                {{2025, 1, 27}, POST(3), "Monday after the semi-finals"},
                {{2025, 1, 28}, POST(4), "the fortnight before the last game"},
                {{2025, 2, 2}, POST(4), "its Sunday"},
                {{2025, 2, 3}, POST(4), "its Monday: the semi-finals do not come back"},
                {{2025, 2, 9}, POST(4), "the last game"},
                {{2025, 2, 10}, POST(4), "Monday after the last game"},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct week week = {0};
                day_t today = day_from_date(rows[i].date[0], rows[i].date[1], rows[i].date[2]);
                assert_int_equal(week_decide(games, ELEMENTSOF(games), today, &week), 0);
                check_week(&rows[i], &week);
        }
}

static void test_no_answer(void **state) {
        struct week week;
        assert_int_equal(week_decide(games, ELEMENTSOF(games), day_from_date(2025, 2, 11), &week), -ENOENT);
        assert_int_equal(week_decide(NULL, 0, day_from_date(2024, 10, 1), &week), -ENOENT);
}

static void test_calendar(void **state) {
        static const struct expectation rows[] = {
                {{2024, 9, 2}, REG(1), "Labor Day"},
                {{2024, 9, 3}, REG(1), "first Tuesday"},
                {{2024, 9, 9}, REG(1), "Monday"},
                {{2024, 9, 10}, REG(2), "Tuesday"},
                {{2024, 10, 29}, REG(9), "Tuesday"},
                {{2024, 11, 4}, REG(9), "Monday"},
                {{2025, 1, 6}, REG(18), "last Monday"},
                {{2025, 1, 7}, POST(1), "first round"},
                {{2025, 1, 14}, POST(2), "second"},
                {{2025, 1, 21}, POST(3), "third"},
                {{2025, 1, 28}, POST(4), "free week"},
                {{2025, 2, 9}, POST(4), "last game"},
                {{2025, 2, 28}, POST(4), "after it"},
                {{2025, 3, 1}, {2025, 1, SEASON_REG}, "the next season"},
                {{2026, 9, 9}, {2026, 1, SEASON_REG}, "a Wednesday opener"},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct week week = week_from_calendar(day_from_date(rows[i].date[0], rows[i].date[1], rows[i].date[2]));
                check_week(&rows[i], &week);
        }
}

static void check_eastern(const char *instant, const char *expected) {
        usec_t realtime;
        char day[DAY_SIZE];
        assert_int_equal(parse_rfc3339(instant, &realtime), 0);
        assert_string_equal(day_format(day, eastern_day(realtime)), expected);
}

static void test_eastern(void **state) {
        /* Night games end on the next day in UTC; standard and daylight saving time. */
        check_eastern("2025-09-05T00:20:00Z", "2025-09-04");
        check_eastern("2024-11-03T05:30:00Z", "2024-11-03");
        check_eastern("2024-11-04T04:59:59Z", "2024-11-03");
        check_eastern("2024-07-04T03:59:59Z", "2024-07-03");
        check_eastern("2024-07-04T04:00:00Z", "2024-07-04");
}

static void test_eastern_without_zone_data(void **state) {
        assert_int_equal(setenv("TZDIR", "/nonexistent", 1), 0);
        eastern_init();
        assert_string_equal(getenv("TZ"), "EST5EDT,M3.2.0,M11.1.0");
        test_eastern(state);
        assert_int_equal(unsetenv("TZDIR"), 0);
        eastern_init();
        test_eastern(state);
}

static void test_days(void **state) {
        static const char *const wrong[] = {"",          "2024",      "20240230", "20241301",
                                            "2024-1-01", "202410299", "2024x029", "20240010"};
        day_t day;
        char text[DAY_SIZE];
        assert_int_equal(day_from_date(1970, 1, 1), 0);
        assert_int_equal(day_of_week(0), 4);
        assert_int_equal(day_of_week(day_from_date(2024, 10, 29)), 2);
        for (day_t i = -800; i < 40000; i += 13) {
                assert_int_equal(day_parse(day_format(text, i), &day), 0);
                assert_int_equal(day, i);
        }
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_int_equal(day_parse(wrong[i], &day), -EBADMSG);
}

static void test_game_id(void **state) {
        static const char *const wrong[] = {"",
                                            "20241103",
                                            "20241103_BUF",
                                            "20241103_BUF@",
                                            "20241103_@BUF",
                                            "20241303_MIA@BUF",
                                            "2024110_MIA@BUF",
                                            "20241103_mia@BUF",
                                            "20241103_MIA@BUF&x=1",
                                            "20241103_MIAMI@BUF",
                                            "20241103-MIA@BUF"};
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_false(game_id_is_valid(wrong[i]));
        assert_true(game_id_is_valid("20241103_MIA@BUF"));
        assert_true(game_id_is_valid("20250126_BUF@KC"));
        char *query = game_id_query("getNFLBoxScore", "20250126_BUF@KC", "&a=b");
        assert_string_equal(query, "getNFLBoxScore?gameID=20250126_BUF%40KC&a=b");
        free(query);
}

int main(void) {
        eastern_init();
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule),
                cmocka_unit_test(test_no_answer),
                cmocka_unit_test(test_calendar),
                cmocka_unit_test(test_eastern),
                cmocka_unit_test(test_eastern_without_zone_data),
                cmocka_unit_test(test_days),
                cmocka_unit_test(test_game_id),
        };
        return cmocka_run_group_tests(tests, setup, NULL);
}
