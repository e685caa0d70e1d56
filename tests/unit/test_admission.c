/* Requests, rights and admission without any connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admission.h"
#include "dispatch.h"
#include "frame.h"
#include "macro.h"
#include "rpc.h"
#include "strutil.h"

#define WATCH_GID 500
#define ACT_GID 501
#define OWN_UID 200
#define TRUSTED_UID 300

static const uid_t trusted[] = {TRUSTED_UID};
static const struct rights_policy policy = {
        .watch_gid = WATCH_GID,
        .act_gid = ACT_GID,
        .watch_group = "batchd",
        .act_group = "batchd-admin",
        .own_uid = OWN_UID,
        .trusted = trusted,
        .n_trusted = 1,
};

static enum method_right right_of(uid_t uid, gid_t gid, gid_t extra) {
        gid_t groups[] = {77, extra};
        const struct peer peer = {.uid = uid, .gid = gid, .groups = groups, .n_groups = 2};

        return rights_of(&policy, &peer);
}

static void test_rights(void **state) {
        const struct peer anybody = {.uid = 1000, .gid = 1000};
        struct rights_policy without_groups = policy;

        assert_int_equal(right_of(0, 0, 0), RIGHT_ACT);
        assert_int_equal(right_of(OWN_UID, 1, 1), RIGHT_ACT);
        assert_int_equal(right_of(1000, 1000, 1000), RIGHT_NONE);
        assert_int_equal(right_of(1000, WATCH_GID, 1000), RIGHT_WATCH);
        assert_int_equal(right_of(1000, 1000, WATCH_GID), RIGHT_WATCH);
        assert_int_equal(right_of(1000, 1000, ACT_GID), RIGHT_ACT);
        assert_int_equal(right_of(1000, ACT_GID, 1000), RIGHT_ACT);
        /* To be trusted to name others is no right of its own. */
        assert_int_equal(right_of(TRUSTED_UID, 1000, 1000), RIGHT_NONE);
        without_groups.watch_gid = without_groups.act_gid = GID_NONE;
        assert_int_equal(rights_of(&without_groups, &anybody), RIGHT_NONE);
        assert_int_equal(rights_of(&without_groups, &(struct peer){.uid = 1000, .gid = GID_NONE}), RIGHT_NONE);
}

/* One request against the rules: the outcome and its text. */
struct outcome {
        int result;
        enum error_kind kind;
        char message[512];
        char data[512];
        const struct method *method;
};

static const char *user_anna(void *data) {
        return "anna";
}

static struct rate_limit *limit;

static struct outcome admit_at(uid_t uid, enum method_right right, const char *json, usec_t now) {
        const struct admission_rules rules = {.rights = &policy, .limit = limit};
        const struct admission_caller caller = {.uid = uid, .right = right, .user = user_anna};
        struct outcome outcome = {0};
        struct refusal refusal = {0};
        struct rpc_request request;
        char *text;

        assert_int_equal(rpc_parse(json, strlen(json), &request, NULL), 0);
        outcome.result = admission_check(&rules, &caller, &request, now, &outcome.method, &refusal);
        if (outcome.result < 0) {
                outcome.kind = refusal.kind;
                (void)snprintf(outcome.message, sizeof(outcome.message), "%s", refusal.message);
                text = refusal.data ? jval_dump(refusal.data) : NULL;
                (void)snprintf(outcome.data, sizeof(outcome.data), "%s", str_or(text, ""));
                free(text);
                refusal_done(&refusal);
        }
        rpc_request_done(&request);
        return outcome;
}

static struct outcome admit(uid_t uid, enum method_right right, const char *json) {
        return admit_at(uid, right, json, 1000 * USEC_PER_SEC);
}

#define CALL(method, params) "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":" params "}"

static int set_up(void **state) {
        limit = rate_limit_new(5, 64);
        return 0;
}

static int tear_down(void **state) {
        limit = rate_limit_free(limit);
        return 0;
}

static void assert_refused(const struct outcome *outcome, enum error_kind kind, const char *text) {
        assert_true(outcome->result < 0);
        assert_string_equal(error_kind_to_string(outcome->kind), error_kind_to_string(kind));
        if (!strstr(outcome->message, text))
                fail_msg("'%s' does not say '%s'", outcome->message, text);
}

static void test_every_method_asks_its_right(void **state) {
        for (unsigned id = 0; id < _METHOD_MAX; id++) {
                const struct method *method = method_by_id((enum method_id)id);
                struct outcome outcome;
                char json[256];

                (void)snprintf(json, sizeof(json), CALL("%s", "{\"nonsense\":1}"), method->name);
                outcome = admit(1000, RIGHT_NONE, json);
                if (method->right == RIGHT_NONE) {
                        assert_int_equal(outcome.result, 0);
                        continue;
                }
                assert_refused(&outcome, ERROR_KIND_NOT_PERMITTED, method->name);
                outcome = admit(1000, RIGHT_WATCH, json);
                if (method->right == RIGHT_ACT)
                        assert_refused(&outcome, ERROR_KIND_NOT_PERMITTED, "add user anna to group batchd-admin");
                else
                        assert_refused(&outcome, ERROR_KIND_INVALID_PARAMS, "nonsense");
                outcome = admit(1000, RIGHT_ACT, json);
                assert_refused(&outcome, ERROR_KIND_INVALID_PARAMS, "nonsense");
        }
}

static void test_refusals_say_what_to_do(void **state) {
        struct outcome outcome = admit(1000, RIGHT_NONE, CALL("run.list", "{}"));

        assert_refused(&outcome, ERROR_KIND_NOT_PERMITTED, "add user anna to group batchd (usermod -aG batchd anna)");
        assert_non_null(strstr(outcome.data, "\"group\":\"batchd\""));
        outcome = admit(1000, RIGHT_ACT, CALL("run.strat", "{}"));
        assert_refused(&outcome, ERROR_KIND_METHOD, "did you mean 'run.start'");
        assert_null(outcome.method);
        outcome = admit(1000, RIGHT_ACT, CALL("make.coffee", "{}"));
        assert_refused(&outcome, ERROR_KIND_METHOD, "there is no method 'make.coffee'");
        outcome = admit(1000, RIGHT_ACT, CALL("run.start", "{\"job\":5}"));
        assert_refused(&outcome, ERROR_KIND_INVALID_PARAMS, "job");
        assert_non_null(strstr(outcome.data, "\"parameter\":\"job\""));
}

static void test_hello_takes_anything(void **state) {
        const struct outcome outcome =
                admit(1000, RIGHT_NONE, CALL("daemon.hello", "{\"client\":\"x/2\",\"of_a_later_version\":[1]}"));

        assert_int_equal(outcome.result, 0);
        assert_int_equal(outcome.method->id, METHOD_DAEMON_HELLO);
}

#define START CALL("run.start", "{\"job\":\"weekly\"}")
#define START_FOR(name) CALL("run.start", "{\"job\":\"weekly\",\"on_behalf\":\"" name "\"}")

static void test_sixth_action_waits(void **state) {
        struct outcome outcome;

        for (int i = 0; i < 5; i++)
                assert_int_equal(admit(1000, RIGHT_ACT, START).result, 0);
        outcome = admit(1000, RIGHT_ACT, START);
        assert_refused(&outcome, ERROR_KIND_RATE_LIMITED, "wait 12 s");
        assert_string_equal(outcome.data, "{\"retry_after_seconds\":12}");
        /* Watching has no limit, nor has somebody else's bucket suffered; after the wait it goes on. */
        assert_int_equal(admit(1000, RIGHT_ACT, CALL("run.list", "{}")).result, 0);
        assert_int_equal(admit(1001, RIGHT_ACT, START).result, 0);
        assert_int_equal(admit_at(1000, RIGHT_ACT, START, 1012 * USEC_PER_SEC).result, 0);
}

static void test_who_has_no_limit(void **state) {
        for (int i = 0; i < 50; i++) {
                assert_int_equal(admit(0, RIGHT_ACT, START).result, 0);
                assert_int_equal(admit(OWN_UID, RIGHT_ACT, START).result, 0);
                assert_int_equal(
                        admit(1000, RIGHT_ACT, CALL("run.start", "{\"job\":\"w\",\"triggered_by\":\"timer\"}")).result,
                        0);
        }
        /* What is wrong costs no action. */
        for (int i = 0; i < 50; i++)
                assert_true(admit(1000, RIGHT_ACT, CALL("run.start", "{}")).result < 0);
        assert_int_equal(admit(1000, RIGHT_ACT, START).result, 0);
}

static void test_on_behalf(void **state) {
        struct outcome outcome = admit(1000, RIGHT_ACT, START_FOR("ben"));

        assert_refused(&outcome, ERROR_KIND_NOT_PERMITTED, "TrustedClients=");
        outcome = admit(0, RIGHT_ACT, START_FOR("ben"));
        assert_refused(&outcome, ERROR_KIND_NOT_PERMITTED, "on_behalf");
        for (int i = 0; i < 5; i++)
                assert_int_equal(admit(TRUSTED_UID, RIGHT_ACT, START_FOR("ben@10.0.0.1")).result, 0);
        outcome = admit(TRUSTED_UID, RIGHT_ACT, START_FOR("ben@10.0.0.1"));
        assert_refused(&outcome, ERROR_KIND_RATE_LIMITED, "ben@10.0.0.1");
        assert_int_equal(admit(TRUSTED_UID, RIGHT_ACT, START_FOR("carl@10.0.0.2")).result, 0);
        /* A person is no timer. */
        outcome = admit(TRUSTED_UID, RIGHT_ACT,
                        CALL("run.start", "{\"job\":\"w\",\"triggered_by\":\"timer\",\"on_behalf\":\"ben@10.0.0.1\"}"));
        assert_refused(&outcome, ERROR_KIND_RATE_LIMITED, "ben@10.0.0.1");
        outcome = admit(TRUSTED_UID, RIGHT_ACT, START_FOR(""));
        assert_refused(&outcome, ERROR_KIND_INVALID_PARAMS, "on_behalf");
        outcome = admit(TRUSTED_UID, RIGHT_ACT, START_FOR("a\\nb"));
        assert_refused(&outcome, ERROR_KIND_INVALID_PARAMS, "control characters");
}

static void test_one_handler_a_method(void **state) {
        for (unsigned id = 0; id < _METHOD_MAX; id++)
                assert_int_equal(dispatch_handlers_of((enum method_id)id), 1);
}

static void test_requests_that_are_none(void **state) {
        static const struct {
                const char *json, *error, *id;
        } cases[] = {
                {"hello", "not JSON", NULL},
                {"[]", "one request", NULL},
                {"17", "must be a JSON object", NULL},
                {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"a\"}", "\"id\" must be", NULL},
                {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}", "\"id\" must be", NULL},
                {"{\"jsonrpc\":\"1.0\",\"id\":\"q\",\"method\":\"a\"}", "\"jsonrpc\" must be", "\"q\""},
                {"{\"jsonrpc\":\"2.0\",\"id\":3}", "\"method\" must be", "3"},
                {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"a\",\"params\":[1]}", "by name", "4"},
                {"{\"jsonrpc\":\"2.0\",\"id\":5,\"id\":6,\"method\":\"a\"}", "not JSON", NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct rpc_request request;
                char *error = NULL;

                assert_int_equal(rpc_parse(cases[i].json, strlen(cases[i].json), &request, &error), -22);
                if (!strstr(error, cases[i].error))
                        fail_msg("%s: '%s' does not say '%s'", cases[i].json, error, cases[i].error);
                if (cases[i].id) {
                        char *id = jval_dump(request.id);

                        assert_string_equal(id, cases[i].id);
                        free(id);
                } else {
                        assert_null(request.id);
                }
                free(error);
                rpc_request_done(&request);
        }
}

static void test_frames_that_do_not_fit(void **state) {
        struct buf out = BUF_INIT(4 * FRAME_MAX);
        struct jval *large = jval_object();
        char *text = malloc(FRAME_MAX + 1);

        memset(text, 'x', FRAME_MAX);
        text[FRAME_MAX] = 0;
        jval_set_str(large, "text", text);
        assert_int_equal(buf_append_str(&out, "before"), 0);
        assert_int_equal(rpc_append_result(&out, NULL, large), -7);
        assert_string_equal(buf_data(&out), "before");
        assert_int_equal(rpc_append_error(&out, NULL, ERROR_KIND_INTERNAL, text, NULL), -7);
        assert_int_equal(rpc_append_notification(&out, "x.y", large), -7);
        assert_string_equal(buf_data(&out), "before");
        assert_int_equal(rpc_append_error(&out, NULL, ERROR_KIND_PAUSED, "x", NULL), 0);
        assert_string_equal(buf_data(&out) + strlen("before") + FRAME_HEADER_SIZE,
                            "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32004,\"message\":\"x\",\"data\":{"
                            "\"kind\":\"paused\"}}}");
        free(text);
        jval_unref(large);
        buf_done(&out);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rights),
                cmocka_unit_test_setup_teardown(test_every_method_asks_its_right, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_refusals_say_what_to_do, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_hello_takes_anything, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_sixth_action_waits, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_who_has_no_limit, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_on_behalf, set_up, tear_down),
                cmocka_unit_test(test_one_handler_a_method),
                cmocka_unit_test(test_requests_that_are_none),
                cmocka_unit_test(test_frames_that_do_not_fit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
