/* The method table and the check of a call's params. */
#include <errno.h>
#include <string.h>

#include "methods.h"
#include "unit.h"

static void every_row_is_complete(void **state) {
        for (unsigned id = 0; id < _METHOD_MAX; id++) {
                const struct method *method = method_by_id((enum method_id)id);
                bool takes_request_id = false;

                assert_int_equal(method->id, id);
                assert_ptr_equal(method_by_name(method->name), method);
                assert_non_null(method->help);
                assert_null(method->arguments[15].name);
                assert_int_equal(method->acts, method->right == RIGHT_ACT);
                for (const struct method_argument *a = method->arguments; a->name; a++) {
                        _cleanup_free_ char *takes = method_argument_takes(a);

                        assert_non_null(a->help);
                        assert_non_null(takes);
                        assert_true(a->minimum <= a->maximum);
                        takes_request_id |= strcmp(a->name, "request_id") == 0;
                }
                assert_int_equal(takes_request_id, method->acts);
        }
        assert_null(method_by_name("run.stop"));
        assert_string_equal(method_suggest("run.strat"), "run.start");
        assert_null(method_suggest("something else"));
}

struct params_case {
        const char *method, *params;
        const char *parameter; /* NULL: accepted */
        const char *words;
};

static const struct params_case params_cases[] = {
        {"daemon.status", "{}", NULL, NULL},
        {"daemon.status", "{\"x\":1}", "x", "takes no parameters"},
        {"daemon.status", "[]", "params", "must be an object"},
        {"run.start", "{}", "job", "needs the parameter 'job'"},
        {"run.start", "{\"job\":null}", "job", "takes a string"},
        {"run.start", "{\"job\":\"x\",\"mode\":null}", NULL, NULL},
        {"run.start", "{\"job\":\"x\",\"mod\":\"y\"}", "mod", "did you mean 'mode'?"},
        {"run.start", "{\"job\":\"x\",\"zzzzzzzzzzzz\":\"y\"}", "zzzzzzzzzzzz", "it takes job, mode"},
        {"run.start", "{\"job\":5}", "job", "takes a string, not 5"},
        {"run.start", "{\"job\":\"x\",\"params\":[]}", "params", "takes an object"},
        {"run.start", "{\"job\":\"x\",\"steps\":[\"a\",\"b\"]}", NULL, NULL},
        {"run.start", "{\"job\":\"x\",\"steps\":[\"a\",1]}", "steps", "a list of strings"},
        {"run.start", "{\"job\":\"x\",\"steps\":\"a\"}", "steps", "a list of strings"},
        {"run.start", "{\"job\":\"x\",\"force\":1}", "force", "true or false"},
        {"run.start", "{\"job\":\"x\",\"triggered_by\":\"retry\"}", "triggered_by",
         "one of manual, api, timer, schedule, ci"},
        {"run.start", "{\"job\":\"x\",\"due\":\"2026-11-22T12:00:00Z\"}", NULL, NULL},
        {"run.start", "{\"job\":\"x\",\"due\":\"tomorrow\"}", "due", "RFC 3339"},
        {"run.start", "{\"job\":\"x\",\"due\":5}", "due", "RFC 3339"},
        {"run.list", "{\"limit\":1000,\"triggered_by\":\"retry\"}", NULL, NULL},
        {"run.list", "{\"limit\":1001}", "limit", "from 1 to 1000, not 1001"},
        {"run.list", "{\"limit\":0}", "limit", "from 1 to 1000"},
        {"run.list", "{\"limit\":1.5}", "limit", "an integer"},
        {"run.list", "{\"before\":-1}", "before", "not below 1"},
        {"run.show", "{\"run\":42}", NULL, NULL},
        {"run.show", "{\"run\":\"42\"}", NULL, NULL},
        {"run.show", "{\"run\":\"0b8c3d6e\"}", NULL, NULL},
        {"run.show", "{\"run\":\"0b8c3d6e-3d0f-4b0a-9b1e-0d8f7c2a5e11\"}", NULL, NULL},
        {"run.show", "{\"run\":0}", "run", "a run: its number"},
        {"run.show", "{\"run\":\"-3\"}", "run", "a run: its number"},
        {"run.show", "{\"run\":\"0b8c\"}", "run", "a run: its number"},
        {"run.show", "{\"run\":\"latest one\"}", "run", "a run: its number"},
        {"run.show", "{\"run\":\"0b8c3d6e-3d0f-4b0a-9b1e-0d8f7c2a5e111\"}", "run", "a run: its number"},
        {"run.tail", "{\"after\":0,\"lines\":0,\"follow\":true}", NULL, NULL},
        {"log.read", "{\"encoding\":\"utf8\"}", "encoding", "one of text, base64"},
        {"log.read", "{\"limit\":131073}", "limit", "131072"},
};

static void params_are_checked_against_the_table(void **state) {
        for (size_t i = 0; i < sizeof(params_cases) / sizeof(params_cases[0]); i++) {
                const struct params_case *c = &params_cases[i];
                _cleanup_jval_ struct jval *params = NULL;
                _cleanup_free_ char *error = NULL, *parameter = NULL;

                assert_int_equal(jval_parse(c->params, strlen(c->params), &params, NULL), 0);
                int r = method_check_params(method_by_name(c->method), params, &error, &parameter);
                if ((r < 0) != (c->parameter != NULL))
                        fail_msg("%s %s: %s", c->method, c->params, error ? error : "accepted");
                if (r == 0)
                        continue;
                assert_int_equal(r, -EINVAL);
                assert_string_equal(parameter, c->parameter);
                if (!strstr(error, c->words))
                        fail_msg("%s %s: '%s' is not in '%s'", c->method, c->params, c->words, error);
        }
        assert_int_equal(method_check_params(method_by_name("run.show"), NULL, NULL, NULL), 0);
}

static void kinds_have_words_and_codes(void **state) {
        for (unsigned kind = 0; kind < _ERROR_KIND_MAX; kind++) {
                assert_int_equal(error_kind_from_string(error_kind_to_string((enum error_kind)kind)), kind);
                assert_true(error_kind_code((enum error_kind)kind) <= -32000);
                for (unsigned other = 0; other < kind; other++)
                        assert_int_not_equal(error_kind_code((enum error_kind)kind),
                                             error_kind_code((enum error_kind)other));
        }
        assert_int_equal(error_kind_from_string("of tomorrow"), ERROR_KIND_INTERNAL);
        assert_int_equal(error_kind_from_string(NULL), ERROR_KIND_INTERNAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_row_is_complete),
                cmocka_unit_test(params_are_checked_against_the_table),
                cmocka_unit_test(kinds_have_words_and_codes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
