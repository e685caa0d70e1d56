/* Values of parameters: types, ranges, defaults, what stays open and is filled in. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_fixture.h"
#include "macro.h"
#include "run_plan.h"
#include "strutil.h"

static const char all_types[] = "[Parameter week]\nType=integer\nMinimum=1\nMaximum=18\n"
                                "[Parameter any]\nType=integer\n"
                                "[Parameter flag]\nType=boolean\n"
                                "[Parameter day]\nType=date\n"
                                "[Parameter kind]\nType=enum\nValues=reg post\nDefault=reg\n"
                                "[Parameter code]\nPattern=[a-z]{2}|x\n"
                                "[Parameter text]\n"
                                "[Step a]\nExec=true\n";

/* What parameters_check makes of the JSON text: its result, or "!parameter: error". */
static char *check(const struct job *job, const char *given) {
        struct jval *value = NULL, *result = NULL;
        char *error = NULL, *parameter = NULL, *text;

        assert_int_equal(jval_parse(given, strlen(given), &value, NULL), 0);
        if (parameters_check(job, value, &result, &error, &parameter) == 0) {
                text = jval_dump(result);
                jval_unref(result);
        } else {
                assert_non_null(error);
                assert_null(result);
                assert_true(asprintf(&text, "!%s: %s", str_or(parameter, "-"), error) > 0);
        }
        free(error);
        free(parameter);
        jval_unref(value);
        return text;
}

static const struct {
        const char *given;
        const char *expected;
} rows[] = {
        {"{}", "{\"kind\":\"reg\"}"},
        {"null", "{\"kind\":\"reg\"}"},
        {"{\"kind\":null}", "{\"kind\":\"reg\"}"},
        {"{\"week\":6,\"kind\":\"post\"}", "{\"week\":6,\"kind\":\"post\"}"},
        {"{\"kind\":\"post\",\"week\":\"6\"}", "{\"week\":6,\"kind\":\"post\"}"},
        {"{\"week\":1}", "{\"week\":1,\"kind\":\"reg\"}"},
        {"{\"week\":18}", "{\"week\":18,\"kind\":\"reg\"}"},
        {"{\"week\":0}", "!week: \"0\" does not fit parameter week; it takes an integer from 1 to 18"},
        {"{\"week\":19}", "!week: \"19\" does not fit parameter week; it takes an integer from 1 to 18"},
        {"{\"week\":6.5}", "!week: \"6.5\" does not fit parameter week; it takes an integer from 1 to 18"},
        {"{\"week\":\"six\"}", "!week: \"six\" does not fit parameter week; it takes an integer from 1 to 18"},
        {"{\"week\":\"\"}", "!week: \"\" does not fit parameter week; it takes an integer from 1 to 18"},
        {"{\"week\":\" 6\"}", "!week: \" 6\" does not fit parameter week; it takes an integer from 1 to 18"},
        {"{\"week\":[6]}", "!week: parameter week is given as a list or object; it takes an integer from 1 to 18"},
        {"{\"any\":-9223372036854775808}", "{\"any\":-9223372036854775808,\"kind\":\"reg\"}"},
        {"{\"any\":\"9223372036854775808\"}",
         "!any: \"9223372036854775808\" does not fit parameter any; it takes an integer"},
        {"{\"flag\":true}", "{\"flag\":true,\"kind\":\"reg\"}"},
        {"{\"flag\":\"off\"}", "{\"flag\":false,\"kind\":\"reg\"}"},
        {"{\"flag\":1}", "{\"flag\":true,\"kind\":\"reg\"}"},
        {"{\"flag\":\"maybe\"}", "!flag: \"maybe\" does not fit parameter flag; it takes a boolean: yes or no"},
        {"{\"day\":\"2024-02-29\"}", "{\"day\":\"2024-02-29\",\"kind\":\"reg\"}"},
        {"{\"day\":\"2023-02-29\"}", "!day: \"2023-02-29\" does not fit parameter day; it takes a date: YYYY-MM-DD"},
        {"{\"day\":\"1900-02-29\"}", "!day: \"1900-02-29\" does not fit parameter day; it takes a date: YYYY-MM-DD"},
        {"{\"day\":\"2000-02-29\"}", "{\"day\":\"2000-02-29\",\"kind\":\"reg\"}"},
        {"{\"day\":\"2024-13-01\"}", "!day: \"2024-13-01\" does not fit parameter day; it takes a date: YYYY-MM-DD"},
        {"{\"day\":\"2024-1-01\"}", "!day: \"2024-1-01\" does not fit parameter day; it takes a date: YYYY-MM-DD"},
        {"{\"kind\":\"pre\"}", "!kind: \"pre\" does not fit parameter kind; it takes one of reg, post"},
        {"{\"code\":\"ab\"}", "{\"kind\":\"reg\",\"code\":\"ab\"}"},
        {"{\"code\":\"x\"}", "{\"kind\":\"reg\",\"code\":\"x\"}"},
        {"{\"code\":\"abx\"}", "!code: \"abx\" does not fit parameter code; it takes a text that matches [a-z]{2}|x"},
        {"{\"text\":\"\"}", "{\"kind\":\"reg\",\"text\":\"\"}"},
        {"{\"text\":7}", "{\"kind\":\"reg\",\"text\":\"7\"}"},
        {"{\"text\":\"a\\nb\"}",
         "!text: the value of parameter text has a control character or invalid UTF-8; it takes one line of text"},
        {"{\"text\":\"\\u001b[2J\"}",
         "!text: the value of parameter text has a control character or invalid UTF-8; it takes one line of text"},
        {"{\"weeek\":6}", "!weeek: job test has no parameter \"weeek\"; did you mean week?"},
        {"{\"portfolio\":6}",
         "!portfolio: job test has no parameter \"portfolio\"; it takes week, any, flag, day, kind, code, text"},
        {"[6]", "!-: params is not an object; give {\"name\": value, ...}"},
};

static void test_rows(void **state) {
        struct job *job = job_from_text(all_types);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *found = check(job, rows[i].given);

                if (!streq(found, rows[i].expected))
                        fail_msg("%s\nexpected: %s\nis:       %s", rows[i].given, rows[i].expected, found);
                free(found);
        }
        job_unref(job);
}

static void test_required(void **state) {
        struct job *job = job_from_text("[Parameter day]\nType=date\nRequired=yes\n[Step a]\nExec=true\n");
        char *found = check(job, "{}");

        assert_string_equal(found, "!day: parameter day is missing; it takes a date: YYYY-MM-DD");
        free(found);
        job_unref(job);
}

static void test_too_long(void **state) {
        struct job *job = job_from_text(all_types);
        _cleanup_jval_ struct jval *given = jval_object(), *result = NULL;
        char *error = NULL, *parameter = NULL, value[5000] = "";

        memset(value, 'x', sizeof(value) - 1);
        jval_set_str(given, "text", value);
        assert_int_equal(parameters_check(job, given, &result, &error, &parameter), -EINVAL);
        assert_string_equal(error, "the value of parameter text is too long; it takes at most 4096 bytes");
        free(error);
        free(parameter);
        job_unref(job);
}

static void test_fill(void **state) {
        static const struct {
                const char *assignment;
                const char *expected; /* parameters, or the error */
        } fills[] = {
                {"week=6", "{\"kind\":\"reg\",\"week\":6}"},
                {"week=6", "{\"kind\":\"reg\",\"week\":6}"},
                {"week=7", "parameter week is 6 already; only one that was left open can be filled in"},
                {"kind=post", "parameter kind is reg already; only one that was left open can be filled in"},
                {"any=x", "\"x\" does not fit parameter any; it takes an integer"},
                {"anny=6", "job test has no parameter \"anny\"; did you mean any?"},
                {"any", "\"any\" sets no parameter; write PARAMETER=name=value"},
                {"=6", "\"=6\" sets no parameter; write PARAMETER=name=value"},
                {"text=a=b", "{\"kind\":\"reg\",\"week\":6,\"text\":\"a=b\"}"},
        };
        struct job *job = job_from_text(all_types);
        _cleanup_jval_ struct jval *parameters = NULL;

        assert_int_equal(parameters_check(job, NULL, &parameters, NULL, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(fills); i++) {
                char *error = NULL;
                int r = parameters_fill(job, parameters, fills[i].assignment, &error);
                char *text = r < 0 ? strdup(error) : jval_dump(parameters);

                assert_string_equal(text, fills[i].expected);
                free(text);
                free(error);
        }
        job_unref(job);
}

static void test_text(void **state) {
        _cleanup_jval_ struct jval *parameters = jval_object();
        char *text;

        jval_set_int(parameters, "week", -6);
        jval_set_bool(parameters, "flag", false);
        text = parameter_text(parameters, "week");
        assert_string_equal(text, "-6");
        free(text);
        text = parameter_text(parameters, "flag");
        assert_string_equal(text, "false");
        free(text);
        assert_null(parameter_text(parameters, "none"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows), cmocka_unit_test(test_required), cmocka_unit_test(test_too_long),
                cmocka_unit_test(test_fill), cmocka_unit_test(test_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
