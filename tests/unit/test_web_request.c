/* What comes from outside, without a socket: heads, addresses, their routes and the params that they become. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "api_params.h"
#include "api_reply.h"
#include "cleanup.h"
#include "client_address.h"
#include "http_head.h"
#include "http_target.h"
#include "metric_text.h"
#include "route.h"

static int parse(const char *text, struct http_head *ret, const char **why) {
        return http_head_parse(text, strlen(text), ret, why);
}

static void test_head(void **state) {
        static const char text[] =
                "GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-Y:  spaced out \t\r\nContent-Length: 12\r\n\r\nrest";
        struct http_head head;
        const char *why = NULL;

        assert_int_equal(parse(text, &head, &why), (int)(strlen(text) - 4));
        assert_string_equal(head.method, "GET");
        assert_string_equal(head.target, "/a?b=c");
        assert_string_equal(http_head_get(&head, "x-y"), "spaced out");
        assert_int_equal(head.content_length, 12);
        assert_true(head.keep_alive);
        http_head_done(&head);
        for (size_t len = 0; len < strlen(text) - 5; len++)
                assert_int_equal(http_head_parse(text, len, &head, &why), 0);
}

static void test_connection_header(void **state) {
        static const struct {
                const char *version, *header;
                bool keep_alive;
        } cases[] = {
                {"1.1", "X: y", true},
                {"1.1", "Connection: close", false},
                {"1.1", "Connection: Upgrade , CLOSE", false},
                {"1.1", "Connection: enclose", true},
                {"1.0", "X: y", false},
                {"1.0", "Connection: keep-alive", true},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char text[200];
                struct http_head head;
                const char *why;

                (void)snprintf(text, sizeof(text), "GET / HTTP/%s\r\nHost: h\r\n%s\r\n\r\n", cases[i].version,
                               cases[i].header);
                assert_true(parse(text, &head, &why) > 0);
                assert_int_equal(head.keep_alive, cases[i].keep_alive);
                http_head_done(&head);
        }
}

static void test_targets(void **state) {
        struct http_target target;
        const char *why = NULL;

        assert_int_equal(http_target_parse("/api/v1/jobs/a%20b%C3%A9?x=1+2%2B3&y&x=later#z", &target, &why), 0);
        assert_string_equal(target.path, "/api/v1/jobs/a b\xc3\xa9");
        assert_int_equal(target.n_query, 3);
        assert_string_equal(http_target_get(&target, "x"), "1 2+3");
        assert_string_equal(http_target_get(&target, "y"), "");
        assert_null(http_target_get(&target, "z"));
        http_target_done(&target);
        assert_int_equal(http_target_parse("/a+b", &target, &why), 0);
        assert_string_equal(target.path, "/a+b");
        http_target_done(&target);
        static const char *const wrong[] = {"/..",    "/a/../b", "/a/./b", "/%2e%2e/x", "/a%2fb",
                                            "/a%5cb", "//a",     "/a//b",  "/%",        "/%4",
                                            "/%00",   "/%0a",    "/%ff",   "/?a=%zz",   "/?%ff=1"};

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                if (http_target_parse(wrong[i], &target, &why) == 0)
                        fail_msg("%s is taken", wrong[i]);
}

static struct jval *params_of(const char *verb, const char *address, const char *body, char **parameter) {
        struct http_request request = {.body = body ? body : "", .body_len = body ? strlen(body) : 0};
        struct route_match match;
        _cleanup_free_ char *error = NULL, *allowed = NULL;
        struct jval *params = NULL;
        const char *why;

        assert_int_equal(http_target_parse(address, &request.target, &why), 0);
        assert_int_equal(route_find(verb, request.target.path, &match, &allowed), 0);
        if (api_params(&match, &request, &params, &error, parameter) < 0)
                params = NULL;
        route_match_done(&match);
        http_target_done(&request.target);
        return params;
}

static void expect_params(const char *verb, const char *address, const char *body, const char *expected) {
        _cleanup_free_ char *parameter = NULL, *text = NULL;
        _cleanup_jval_ struct jval *params = params_of(verb, address, body, &parameter);

        assert_non_null(params);
        text = jval_dump(params);
        assert_string_equal(text, expected);
}

static void expect_refusal(const char *verb, const char *address, const char *body, const char *expected) {
        _cleanup_free_ char *parameter = NULL;

        assert_null(params_of(verb, address, body, &parameter));
        if (expected)
                assert_string_equal(parameter, expected);
        else
                assert_null(parameter);
}

static void test_params(void **state) {
        expect_params("GET", "/runs?limit=5&job=x", NULL, "{\"limit\":5,\"job\":\"x\"}");
        expect_params("GET", "/runs?params.week=7&params.season_type=reg", NULL,
                      "{\"params\":{\"week\":7,\"season_type\":\"reg\"}}");
        expect_params("GET", "/runs/42", NULL, "{\"run\":\"42\"}");
        expect_params("HEAD", "/runs/latest", NULL, "{}");
        expect_params("GET", "/runs/7/lines?after=3&follow", NULL, "{\"after\":3,\"follow\":true,\"run\":\"7\"}");
        expect_params("POST", "/runs", "{\"job\":\"x\",\"steps\":[\"a\"]}", "{\"job\":\"x\",\"steps\":[\"a\"]}");
        expect_params("POST", "/runs?steps=a,b&force=no", "{\"job\":\"x\"}",
                      "{\"job\":\"x\",\"steps\":[\"a\",\"b\"],\"force\":false}");
        expect_params("POST", "/runs/7/cancel", "{\"run\":\"8\"}", "{\"run\":\"7\"}");
        expect_refusal("GET", "/runs?limit=0", NULL, "limit");
        expect_refusal("GET", "/runs?limit=x", NULL, "limit");
        expect_refusal("GET", "/runs?since=yesterday", NULL, "since");
        expect_refusal("GET", "/readiness/19", NULL, "week");
        expect_refusal("POST", "/runs", "{\"job\":7}", "job");
        expect_refusal("POST", "/runs", NULL, "job");
        expect_refusal("POST", "/runs", "[1]", NULL);
        expect_refusal("POST", "/runs", "{\"job\":\"x\"", NULL);
}

static void test_routes(void **state) {
        _cleanup_free_ char *allowed = NULL;
        struct route_match match;

        assert_int_equal(route_find("GET", "/runs/current", &match, &allowed), 0);
        assert_int_equal(match.route->method, METHOD_RUN_CURRENT);
        route_match_done(&match);
        assert_int_equal(route_find("GET", "/runs/", &match, &allowed), -ENOENT);
        assert_int_equal(route_find("GET", "/runs/1/nothing", &match, &allowed), -ENOENT);
        assert_int_equal(route_find("DELETE", "/runs", &match, &allowed), -ENOTSUP);
        assert_string_equal(allowed, "GET, HEAD, POST");
}

/* Every {name} of the table is an argument of its method, and what acts is no GET. */
static void test_table_of_routes(void **state) {
        for (size_t i = 0; i < n_routes; i++) {
                const struct method *method = method_by_id(routes[i].method);

                assert_string_equal(routes[i].verb, routes[i].kind == ROUTE_SESSION ? routes[i].verb
                                                    : method->acts                  ? "POST"
                                                                                    : "GET");
                for (const char *open = strchr(routes[i].pattern, '{'); open; open = strchr(open + 1, '{')) {
                        size_t len = strcspn(open + 1, "}");
                        bool known = false;

                        for (const struct method_argument *a = method->arguments; a->name; a++)
                                known |= strlen(a->name) == len && strncmp(a->name, open + 1, len) == 0;
                        assert_true(known);
                }
        }
}

static void origin_of(const char *peer, const char *headers, const char *trusted, struct client_origin *ret,
                      bool *ret_own) {
        struct http_request request = {0};
        struct address_net nets[2];
        char text[1000];
        const char *why;

        (void)snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: ops.example\r\n%s\r\n", headers);
        assert_true(http_head_parse(text, strlen(text), &request.head, &why) > 0);
        (void)snprintf(request.address, sizeof(request.address), "%s", peer);
        assert_int_equal(address_net_parse(trusted, &nets[0]), 0);
        client_origin_find(&request, nets, 1, ret);
        *ret_own = client_origin_is_own(&request, ret);
        http_head_done(&request.head);
        ret->host = NULL;
}

static void test_client_addresses(void **state) {
        static const struct {
                const char *peer, *headers, *trusted, *address, *key;
                bool secure, own;
        } cases[] = {
                {"10.0.0.1", "", "10.0.0.0/8", "10.0.0.1", "10.0.0.1", false, true},
                {"10.0.0.1", "X-Forwarded-For: 1.2.3.4\r\n", "10.0.0.0/8", "1.2.3.4", "1.2.3.4", false, true},
                {"10.0.0.1", "X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.9.9.9\r\n", "10.0.0.0/8", "1.2.3.4", "1.2.3.4",
                 false, true},
                {"10.0.0.1", "X-Forwarded-For: 10.1.1.1\r\n", "10.0.0.0/8", "10.1.1.1", "10.1.1.1", false, true},
                {"10.0.0.1", "X-Forwarded-For: nonsense\r\n", "10.0.0.0/8", "10.0.0.1", "10.0.0.1", false, true},
                {"11.0.0.1", "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n", "10.0.0.0/8", "11.0.0.1",
                 "11.0.0.1", false, true},
                {"10.0.0.1", "X-Forwarded-Proto: https\r\nOrigin: https://ops.example\r\n", "10.0.0.0/8", "10.0.0.1",
                 "10.0.0.1", true, true},
                {"10.0.0.1", "Origin: https://evil.example\r\n", "10.0.0.0/8", "10.0.0.1", "10.0.0.1", false, false},
                {"10.0.0.1", "Origin: https://ops.example.evil\r\n", "10.0.0.0/8", "10.0.0.1", "10.0.0.1", false,
                 false},
                {"11.0.0.1", "X-Forwarded-Host: evil.example\r\nOrigin: https://evil.example\r\n", "10.0.0.0/8",
                 "11.0.0.1", "11.0.0.1", false, false},
                {"10.0.0.1", "X-Forwarded-Host: page.example\r\nOrigin: https://page.example\r\n", "10.0.0.0/8",
                 "10.0.0.1", "10.0.0.1", false, true},
                {"10.0.0.1", "Origin: null\r\n", "10.0.0.0/8", "10.0.0.1", "10.0.0.1", false, false},
                {"10.0.0.1", "Sec-Fetch-Site: same-site\r\n", "10.0.0.0/8", "10.0.0.1", "10.0.0.1", false, false},
                {"2001:db8:1:2:3:4:5:6", "", "::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", false, true},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct client_origin origin;
                bool own;

                origin_of(cases[i].peer, cases[i].headers, cases[i].trusted, &origin, &own);
                assert_string_equal(origin.address, cases[i].address);
                assert_string_equal(origin.key, cases[i].key);
                assert_int_equal(origin.secure, cases[i].secure);
                assert_int_equal(own, cases[i].own);
        }
}

static void test_nets(void **state) {
        static const char *const wrong[] = {"", "x", "10.0.0.0/33", "::1/129", "10.0.0", "10.0.0.1/x", "localhost"};
        struct address_net net;

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                assert_int_equal(address_net_parse(wrong[i], &net), -EINVAL);
        assert_int_equal(address_net_parse("192.168.16.0/20", &net), 0);
        assert_true(address_net_has(&net, "192.168.31.255"));
        assert_false(address_net_has(&net, "192.168.32.0"));
        assert_false(address_net_has(&net, "nonsense"));
        assert_int_equal(address_net_parse("0.0.0.0/0", &net), 0);
        assert_true(address_net_has(&net, "8.8.8.8"));
        assert_false(address_net_has(&net, "2001:db8::1"));
}

/* The table of the manual: batch-web(8), API. */
static void test_statuses_of_errors(void **state) {
        static const int expected[] = {
                [ERROR_KIND_PARSE] = 400,           [ERROR_KIND_METHOD] = 404,    [ERROR_KIND_INVALID_PARAMS] = 422,
                [ERROR_KIND_ALREADY_RUNNING] = 409, [ERROR_KIND_NOT_FOUND] = 404, [ERROR_KIND_RATE_LIMITED] = 429,
                [ERROR_KIND_NOT_PERMITTED] = 403,   [ERROR_KIND_PAUSED] = 409,    [ERROR_KIND_TOO_LARGE] = 413,
                [ERROR_KIND_UNAVAILABLE] = 503,     [ERROR_KIND_VERSION] = 503,   [ERROR_KIND_INTERNAL] = 500,
        };

        assert_int_equal(sizeof(expected) / sizeof(expected[0]), _ERROR_KIND_MAX);
        for (size_t i = 0; i < _ERROR_KIND_MAX; i++)
                assert_int_equal(api_status_of((enum error_kind)i), expected[i]);
}

static void test_samples_of_metrics(void **state) {
        _cleanup_buf_ struct buf out = BUF_INIT(4096);

        metric_sample(&out, "a", NULL, NULL, NULL, NULL, 0.5);
        metric_sample(&out, "b_total", "job", "x\"y\\z\n", "status", "ok", 1e6);
        assert_string_equal(buf_data(&out), "a 0.5\nb_total{job=\"x\\\"y\\\\z\\n\",status=\"ok\"} 1000000\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_head),
                cmocka_unit_test(test_connection_header),
                cmocka_unit_test(test_targets),
                cmocka_unit_test(test_params),
                cmocka_unit_test(test_routes),
                cmocka_unit_test(test_table_of_routes),
                cmocka_unit_test(test_client_addresses),
                cmocka_unit_test(test_nets),
                cmocka_unit_test(test_statuses_of_errors),
                cmocka_unit_test(test_samples_of_metrics),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
