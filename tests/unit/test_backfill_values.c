/* Which values a backfill is for: ranges and lists, the parameter that is meant, mistakes. */
#include "unit.h"

#include "backfill_values.h"
#include "core_fixture.h"
#include "macro.h"
#include "strv.h"

#define STEP "[Step a]\nExec=x\n"
#define WEEKS "[Parameter week]\nType=integer\nMinimum=1\nMaximum=18\n[Parameter kind]\n" STEP
#define DAYS "[Parameter day]\nType=date\n[Parameter n]\nType=integer\n" STEP

static void check(const char *job_text, const char *request_text, const char *parameter, const char *values,
                  const char *error) {
        struct job *job = job_from_text(job_text);
        struct jval *request = NULL;
        const struct parameter *found = NULL;
        const char *which = NULL;
        char **list = NULL, *message = NULL, *joined;
        int r;

        assert_int_equal(jval_parse(request_text, strlen(request_text), &request, NULL), 0);
        r = backfill_values(job, request, &found, &list, &message, &which);
        assert_int_equal(r < 0, error != NULL);
        if (error) {
                if (!strstr(message, error))
                        fail_msg("%s", message);
                assert_string_equal(which, parameter);
        } else {
                joined = strv_join(list, " ");
                assert_string_equal(joined, values);
                assert_string_equal(found->name, parameter);
                free(joined);
        }
        free(message);
        strv_free(list);
        jval_unref(request);
        job_unref(job);
}

static void ranges_have_both_ends(void **state) {
        check(WEEKS, "{\"from\":\"1\",\"to\":\"3\"}", "week", "1 2 3", NULL);
        check(WEEKS, "{\"from\":\"5\",\"to\":\"5\"}", "week", "5", NULL);
        check(DAYS, "{\"from\":\"2024-02-28\",\"to\":\"2024-03-01\"}", "day", "2024-02-28 2024-02-29 2024-03-01", NULL);
        check(DAYS, "{\"from\":\"2025-12-31\",\"to\":\"2026-01-01\",\"reverse\":true}", "day", "2026-01-01 2025-12-31",
              NULL);
        check(DAYS, "{\"parameter\":\"n\",\"from\":\"-1\",\"to\":\"1\"}", "n", "-1 0 1", NULL);
        check(DAYS, "{\"parameter\":\"n\",\"from\":\"9223372036854775806\",\"to\":\"9223372036854775807\"}", "n",
              "9223372036854775806 9223372036854775807", NULL);
}

static void lists_keep_their_order_and_each_value_once(void **state) {
        check(WEEKS, "{\"values\":[\"3\",\"1\",\"03\",\"3\"]}", "week", "3 1", NULL);
        check(WEEKS, "{\"parameter\":\"kind\",\"values\":[\"b\",\"a\"],\"reverse\":true}", "kind", "a b", NULL);
}

static void mistakes_say_what_would_be_right(void **state) {
        check(WEEKS, "{\"from\":\"1\",\"to\":\"19\"}", "to", NULL, "week: ");
        check(WEEKS, "{\"from\":\"3\",\"to\":\"1\"}", "from", NULL, "exchange 3 and 1");
        check(WEEKS, "{\"from\":\"3\"}", "to", NULL, "needs both ends");
        check(WEEKS, "{}", "values", NULL, "a range (from and to) or a list");
        check(WEEKS, "{\"from\":\"1\",\"to\":\"2\",\"values\":[\"1\"]}", "values", NULL, "not both");
        check(WEEKS, "{\"parameter\":\"weak\",\"from\":\"1\",\"to\":\"2\"}", "parameter", NULL,
              "these dates and integers: week");
        check(WEEKS, "{\"parameter\":\"kind\",\"from\":\"1\",\"to\":\"2\"}", "parameter", NULL,
              "is no date and no integer");
        check(DAYS, "{\"from\":\"2020-01-01\",\"to\":\"2026-01-01\"}", "to", NULL, "more than 2000 values");
        check(DAYS, "{\"parameter\":\"n\",\"from\":\"-9223372036854775808\",\"to\":\"9223372036854775807\"}", "to",
              NULL, "more than 2000");
        check(DAYS, "{\"from\":\"2026-02-30\",\"to\":\"2026-03-01\"}", "from", NULL, "day: ");
        check(STEP, "{\"from\":\"1\",\"to\":\"2\"}", "parameter", NULL, "no parameter that is a date or an integer");
        check("[Parameter a]\nType=date\n[Parameter b]\nType=date\n" STEP,
              "{\"from\":\"2026-01-01\",\"to\":\"2026-01-02\"}", "parameter", NULL, "name one of a, b");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ranges_have_both_ends),
                cmocka_unit_test(lists_keep_their_order_and_each_value_once),
                cmocka_unit_test(mistakes_say_what_would_be_right),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
