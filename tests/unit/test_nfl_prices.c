/* American prices, chances, the baseline, team aliases and settings. */
#include "unit.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "baseline.h"
#include "errorclass.h"
#include "macro.h"
#include "price.h"
#include "team.h"
#include "worker_settings.h"

static void test_parse(void **state) {
        static const struct {
                const char *text;
                int result, price;
        } rows[] = {
                {"160", 0, 160},
                {"+175", 0, 175},
                {"-140", 0, -140},
                {"even", 0, 100},
                {"EVEN", 0, 100},
                {"ev", 0, 100},
                {" 250 ", 0, 250},
                {"-100", 0, -100},
                {"100", 0, 100},
                {"100000", 0, 100000},
                {"", -ENODATA, 0},
                {"  ", -ENODATA, 0},
                {NULL, -ENODATA, 0},
                {"n/a", -EBADMSG, 0},
                {"50", -EBADMSG, 0},
                {"-99", -EBADMSG, 0},
                {"0", -EBADMSG, 0},
                {"1.91", -EBADMSG, 0},
                {"160x", -EBADMSG, 0},
                {"+-160", -EBADMSG, 0},
                {"-", -EBADMSG, 0},
                {"100001", -EBADMSG, 0},
                {"99999999999999", -EBADMSG, 0},
                {"evens?", -EBADMSG, 0},
                {"1 60", -EBADMSG, 0},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int price = 0, r = price_parse(rows[i].text, &price);
                if (r != rows[i].result || price != rows[i].price)
                        fail_msg("'%s': %d, %d", rows[i].text ? rows[i].text : "NULL", r, price);
        }
}

static void check_near(double value, double expected) {
        assert_true(value > expected - 1e-9 && value < expected + 1e-9);
}

static void test_chances(void **state) {
        check_near(price_to_chance(100), 0.5);
        check_near(price_to_chance(-100), 0.5);
        check_near(price_to_chance(300), 0.25);
        check_near(price_to_chance(-300), 0.75);
        assert_int_equal(price_from_chance(0.5), 100);
        assert_int_equal(price_from_chance(0.25), 300);
        assert_int_equal(price_from_chance(0.75), -300);
        assert_int_equal(price_from_chance(0), 99900);
        assert_int_equal(price_from_chance(1), -99900);
        assert_int_equal(price_from_chance(0.50001), 100);
        for (int price = 101; price < 3000; price += 7) {
                assert_int_equal(price_from_chance(price_to_chance(price)), price);
                assert_int_equal(price_from_chance(price_to_chance(-price)), -price);
        }
}

static void test_baseline(void **state) {
        struct scoring none = {0}, some = {.lines = 100, .scored = 20}, him = {.lines = 10, .scored = 10};
        check_near(baseline_position_rate(false, &none), 0.20);
        check_near(baseline_position_rate(true, &none), 0.16);
        check_near(baseline_position_rate(false, &some), 0.20);
        check_near(baseline_position_rate(true, &some), 0.17);
        check_near(baseline_chance(0.2, &none), 0.2);
        check_near(baseline_chance(0.2, &him), 0.6);
}

static void test_teams(void **state) {
        assert_string_equal(team_canonical("LA"), "LAR");
        assert_string_equal(team_canonical("WAS"), "WSH");
        assert_string_equal(team_canonical("JAC"), "JAX");
        assert_string_equal(team_canonical("LAC"), "LAC");
        assert_string_equal(team_canonical(""), "");
}

static void test_options(void **state) {
        static const struct {
                const char *name, *value;
                int result;
        } rows[] = {
                {"season", "2024", 0},      {"season", "24", NFL_CONFIG},       {"week", "18", 0},
                {"week", "0", NFL_CONFIG},  {"week", "19", NFL_CONFIG},         {"week", "6;x", NFL_CONFIG},
                {"season-type", "post", 0}, {"season-type", "pre", NFL_CONFIG}, {"parallel", "33", NFL_CONFIG},
                {"delay", "3.5s", 0},       {"delay", "2h", NFL_CONFIG},        {"color", "1", NFL_CONFIG},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct settings settings = {0};
                char *error = NULL;
                int r = settings_set(&settings, rows[i].name, rows[i].value, &error);
                if (r != rows[i].result || (r < 0) != (error != NULL))
                        fail_msg("%s=%s", rows[i].name, rows[i].value);
                free(error);
        }
}

static void test_environment(void **state) {
        struct settings settings = {.asked = {.week = 3}};
        char *error = NULL;
        assert_int_equal(setenv("BATCH_PARAM_WEEK", "9", 1), 0);
        assert_int_equal(setenv("BATCH_PARAM_SEASON", "2024", 1), 0);
        assert_int_equal(setenv("BATCH_PARAM_SEASON_TYPE", "post", 1), 0);
        assert_int_equal(setenv("TANK01_BASE_URL", "http://127.0.0.1:8080///", 1), 0);
        assert_int_equal(setenv("BATCH_NOW", "2024-10-29T12:00:00Z", 1), 0);
        assert_int_equal(settings_complete(&settings, &error), 0);
        assert_int_equal(settings.asked.week, 3); /* the option is above the environment */
        assert_int_equal(settings.asked.season, 2024);
        assert_int_equal(settings.asked.type, SEASON_POST);
        assert_string_equal(settings.base_url, "http://127.0.0.1:8080");
        assert_int_equal(settings.now, 1730203200ULL * USEC_PER_SEC);
        assert_int_equal(settings_require_api(&settings, &error), 0);
        settings_done(&settings);
        assert_int_equal(settings_complete(&settings, &error), NFL_CONFIG); /* post-season week 9 */
        assert_non_null(strstr(error, "1 to 4"));
        settings_done(&settings);
        assert_int_equal(unsetenv("BATCH_PARAM_WEEK"), 0);
        assert_int_equal(setenv("BATCH_NOW", "yesterday", 1), 0);
        assert_int_equal(settings_complete(&settings, &error), NFL_CONFIG);
        settings_done(&settings);
        free(error);
}

/* The key goes out over TLS, or not at all. */
static void test_addresses(void **state) {
        static const struct {
                const char *url, *key;
                int result;
        } rows[] = {
                {"http://127.0.0.1:80", NULL, 0},
                {"http://localhost", "k", 0},
                {"http://localhost.evil.net", "k", NFL_CONFIG},
                {"http://127.0.0.1.evil.net", "k", NFL_CONFIG},
                {"http://127.0.0.1@evil.net", "k", NFL_CONFIG},
                {"http://127.0.0.1:80@evil.net", "k", NFL_CONFIG},
                {"http://example.net", "k", NFL_CONFIG},
                {"https://example.net", "k", 0},
                {"https://example.net", NULL, NFL_CONFIG},
                {"ftp://127.0.0.1", "k", NFL_CONFIG},
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *error = NULL;
                struct settings settings = {.base_url = (char *)(uintptr_t)rows[i].url,
                                            .api_key = (char *)(uintptr_t)rows[i].key};
                if (settings_require_api(&settings, &error) != rows[i].result)
                        fail_msg("%s", rows[i].url);
                free(error);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),     cmocka_unit_test(test_chances), cmocka_unit_test(test_baseline),
                cmocka_unit_test(test_teams),     cmocka_unit_test(test_options), cmocka_unit_test(test_environment),
                cmocka_unit_test(test_addresses),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
