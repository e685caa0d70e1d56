/* Calls over the control socket, with an engine that does as it is told: requests, framing, clients that are slow or go
 * away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_checks.h"
#include "frame.h"
#include "log.h"
#include "macro.h"
#include "session.h"
#include "strutil.h"
#include "timeutil.h"
#include "xalloc.h"

/* Calls */

static void test_hello(void **state) {
        int fd = client_connect(*state);
        struct jval *reply = client_call(fd, CALL(1, "daemon.hello", "{\"client\":\"test/1\",\"protocol\":1}"));
        const struct jval *result = jval_get(reply, "result");

        assert_string_equal(jval_get_str(result, "version"), "9.8.7");
        assert_string_equal(jval_get_str(result, "host"), "testhost");
        assert_int_equal(jval_get_int(result, "protocol", 0), PROTOCOL_VERSION);
        assert_int_equal(jval_get_int(result, "pid", 0), getpid());
        jval_unref(reply);
        assert_kind(fd, CALL(2, "daemon.hello", "{\"client\":\"batchctl 17\",\"protocol\":17}"), "version_mismatch",
                    "upgrade batchd to the client's version and restart it: batchd 9.8.7 speaks protocol 1, batchctl "
                    "17 speaks protocol 17");
        (void)close(fd);
}

static void test_calls_reach_the_engine(void **state) {
        static const char *const calls[] = {
                CALL(1, "daemon.status", "{}"),
                CALL(2, "daemon.reload", "{}"),
                CALL(3, "job.list", "{}"),
                CALL(4, "job.show", "{\"job\":\"a\"}"),
                CALL(5, "run.start", "{\"job\":\"a\"}"),
                CALL(6, "run.current", "{}"),
                CALL(7, "run.list", "{}"),
                CALL(8, "run.show", "{}"),
                CALL(9, "run.cancel", "{}"),
                CALL(10, "run.tail", "{}"),
                CALL(11, "log.read", "{}"),
                CALL(12, "readiness.show", "{}"),
                CALL(13, "readiness.refresh", "{}"),
        };
        int fd = client_connect(*state);

        for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
                struct jval *reply = client_call(fd, calls[i]);
                struct jval *request;

                assert_int_equal(jval_parse(calls[i], strlen(calls[i]), &request, NULL), 0);
                assert_int_equal(jval_get_int(reply, "id", 0), (int64_t)i + 1);
                assert_string_equal(jval_get_str(jval_get(reply, "result"), "method"), jval_get_str(request, "method"));
                jval_unref(request);
                jval_unref(reply);
        }
        assert_int_equal(engine_state(*state).calls, ELEMENTSOF(calls));
        (void)close(fd);
}

static void test_errors_of_the_engine(void **state) {
        struct fake_engine_state *engine = fake_engine_state(harness_engine(*state));
        int fd = client_connect(*state);
        struct jval *reply;

        engine->refuse = true;
        engine->refuse_with = ERROR_KIND_ALREADY_RUNNING;
        reply = client_call(fd, CALL(1, "run.start", "{\"job\":\"a\"}"));
        assert_string_equal(reply_kind(reply), "already_running");
        assert_int_equal(jval_get_int(jval_get(jval_get(reply, "error"), "data"), "run_number", 0), 41);
        jval_unref(reply);
        (void)close(fd);
}

static void test_answer_that_is_too_large(void **state) {
        int fd = client_connect(*state);

        fake_engine_state(harness_engine(*state))->answer_bytes = FRAME_MAX;
        assert_kind(fd, STATUS(1), "too_large", "ask for less");
        fake_engine_state(harness_engine(*state))->answer_bytes = 0;
        (void)close(fd);
        assert_served(*state);
}

/* Framing */

static void test_pipelined(void **state) {
        struct buf requests = BUF_INIT(FRAME_MAX);
        int fd = client_connect(*state);
        bool seen[501] = {false};

        for (int i = 1; i <= 500; i++) {
                size_t mark = frame_begin(&requests);

                (void)buf_appendf(&requests, CALL(% d, "run.list", "{\"limit\":%d}"), i, i);
                assert_int_equal(frame_end(&requests, mark), 0);
        }
        client_send(fd, buf_data(&requests), requests.len);
        for (int i = 1; i <= 500; i++) {
                struct jval *reply = client_receive(fd);
                int64_t id = jval_get_int(reply, "id", 0);

                assert_in_range(id, 1, 500);
                assert_false(seen[id]);
                seen[id] = true;
                jval_unref(reply);
        }
        buf_done(&requests);
        (void)close(fd);
}

static void test_byte_by_byte(void **state) {
        static const char text[] = STATUS(5);
        const uint32_t header = htonl(sizeof(text) - 1);
        int fd = client_connect(*state);
        struct jval *reply;

        for (size_t i = 0; i < sizeof(header); i++)
                client_send(fd, (const char *)&header + i, 1);
        for (size_t i = 0; i < sizeof(text) - 1; i++) {
                client_send(fd, text + i, 1);
                if (i % 16 == 0)
                        (void)usleep(500);
        }
        reply = client_receive(fd);
        assert_int_equal(jval_get_int(reply, "id", 0), 5);
        jval_unref(reply);
        (void)close(fd);
}

static void test_largest_request(void **state) {
        char *text = xmalloc(FRAME_MAX + 1);
        int fd = client_connect(*state);
        int n = snprintf(
                text, FRAME_MAX,
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"run.start\",\"params\":{\"job\":\"a\",\"reason\":\"");

        memset(text + n, 'x', FRAME_MAX - (size_t)n);
        memcpy(text + FRAME_MAX - 3, "\"}}", 4);
        assert_int_equal(strlen(text), FRAME_MAX);
        for (int i = 0; i < 3; i++) {
                struct jval *reply = client_call(fd, text);

                assert_non_null(jval_get(reply, "result"));
                jval_unref(reply);
        }
        free(text);
        (void)close(fd);
}

static void test_lost_framing_closes_that_session_only(void **state) {
        int other = client_connect(*state);
        static const struct {
                unsigned char bytes[8];
                const char *kind, *text;
        } cases[] = {
                {{0, 0x10, 0, 1, '{'}, "too_large", "1048577 bytes was announced, at most 1048576"},
                {{0xff, 0xff, 0xff, 0xff}, "too_large", "4294967295 bytes"},
                {{'G', 'E', 'T', ' ', '/'}, "too_large", "4-byte big-endian length"},
                {{0, 0, 0, 0, 1}, "parse_error", "an empty frame"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int fd = client_connect(*state);
                struct jval *reply;

                client_send(fd, cases[i].bytes, sizeof(cases[i].bytes));
                reply = client_receive(fd);
                assert_string_equal(reply_kind(reply), cases[i].kind);
                assert_int_equal(jval_type_of(jval_get(reply, "id")), JVAL_NULL);
                if (!strstr(reply_message(reply), cases[i].text))
                        fail_msg("'%s' does not say '%s'", reply_message(reply), cases[i].text);
                jval_unref(reply);
                assert_null(client_receive(fd));
                (void)close(fd);
        }
        assert_kind(other, CALL(1, "job.show", "{}"), "invalid_params", "job");
        (void)close(other);
        assert_sessions(*state, 0);
}

static void test_bad_json_keeps_the_session(void **state) {
        int fd = client_connect(*state);

        assert_kind(fd, "{\"jsonrpc\"", "parse_error", "not JSON");
        assert_kind(fd, "\xff\xfe", "parse_error", "not JSON");
        assert_kind(fd, "[[[[[[", "parse_error", "not JSON");
        assert_kind(fd, "{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"run.list\"}", "parse_error", "\"id\"");
        assert_kind(fd, CALL(1, "run.lsit", "{}"), "unknown_method", "run.list");
        assert_kind(fd, CALL(2, "run.list", "{\"limit\":\"ten\"}"), "invalid_params", "limit");
        assert_int_equal(engine_state(*state).calls, 0);
        (void)close(fd);
}

static void test_calls_without_an_id(void **state) {
        int fd = client_connect(*state);
        struct jval *reply;

        fake_engine_state(harness_engine(*state))->hold = true;
        for (int i = 0; i < 2 * SESSION_REQUESTS_MAX; i++)
                client_send_text(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"run.list\"}");
        client_send_text(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"no.such\"}");
        client_send_text(fd, STATUS(3));
        for (int i = 0; i < 200 && engine_state(*state).calls < 2 * SESSION_REQUESTS_MAX + 1; i++) {
                harness_on_loop(*state, release_held, harness_engine(*state));
                (void)usleep(1000);
        }
        harness_on_loop(*state, release_held, harness_engine(*state));
        /* Carried out, and the first that is answered is the first that asks for it. */
        reply = client_receive(fd);
        assert_int_equal(jval_get_int(reply, "id", 0), 3);
        jval_unref(reply);
        assert_int_equal(engine_state(*state).calls, 2 * SESSION_REQUESTS_MAX + 1);
        (void)close(fd);
}

/* Requests in flight */

static void test_cap_of_requests_in_flight(void **state) {
        int fd = client_connect(*state);

        fake_engine_state(harness_engine(*state))->hold = true;
        for (int i = 0; i < 100; i++)
                client_send_text(fd, STATUS(1));
        for (int i = 0; i < 4000 && engine_state(*state).held < SESSION_REQUESTS_MAX; i++)
                (void)usleep(5000);
        (void)usleep(50000); /* for more, if any were let through */
        assert_int_equal(engine_state(*state).held, SESSION_REQUESTS_MAX);
        for (int i = 0; i < 100; i++) {
                struct pollfd readable = {.fd = fd, .events = POLLIN};
                struct jval *reply;

                while (poll(&readable, 1, 1) == 0)
                        harness_on_loop(*state, release_held, harness_engine(*state));
                reply = client_receive(fd);
                assert_non_null(jval_get(reply, "result"));
                jval_unref(reply);
        }
        assert_int_equal(engine_state(*state).calls, 100);
        (void)close(fd);
}

static void test_client_that_does_not_read(void **state) {
        struct fake_engine_state *engine = fake_engine_state(harness_engine(*state));
        struct buf requests = BUF_INIT(FRAME_MAX);
        int fd = client_connect(*state);
        int n = 1000;

        engine->answer_bytes = 100 * 1000;
        for (int i = 0; i < n; i++)
                assert_int_equal(frame_append(&requests, STATUS(1), sizeof(STATUS(1)) - 1), 0);
        client_send(fd, buf_data(&requests), requests.len);
        for (int i = 0; i < 4000 && engine_state(*state).calls == 0; i++)
                (void)usleep(5000);
        (void)usleep(50000);
        /* What fits the caps has been asked for, no more: a socket buffer and SESSION_OUT_HIGH. */
        assert_in_range(engine_state(*state).calls, 1, 20);
        /* Others are served, and do not wait for it. */
        for (int i = 0; i < 10; i++) {
                usec_t start = now_boottime();

                assert_served(*state);
                assert_true(now_boottime() - start < 20 * USEC_PER_SEC);
        }
        for (int i = 0; i < n; i++) {
                struct jval *reply = client_receive(fd);

                assert_non_null(jval_get(reply, "result"));
                jval_unref(reply);
        }
        buf_done(&requests);
        (void)close(fd);
}

static void test_answers_that_pile_up(void **state) {
        int fd = client_connect(*state), refused = 0;

        fake_engine_state(harness_engine(*state))->hold = true;
        fake_engine_state(harness_engine(*state))->answer_bytes = 900 * 1000;
        for (int i = 0; i < 20; i++)
                client_send_text(fd, STATUS(1));
        for (int i = 0; i < 200 && engine_state(*state).held < 20; i++)
                (void)usleep(5000);
        harness_on_loop(*state, release_held, harness_engine(*state));
        for (int i = 0; i < 20; i++) {
                struct jval *reply = client_receive(fd);

                assert_non_null(reply);
                if (streq(reply_kind(reply), "unavailable"))
                        refused++;
                jval_unref(reply);
        }
        assert_in_range(refused, 10, 18);
        (void)close(fd);
}

static void test_clients_that_vanish(void **state) {
        struct fake_engine_state *engine = fake_engine_state(harness_engine(*state));
        int fd = client_connect(*state);

        client_send(fd, "\0\0\1", 3);
        (void)close(fd);
        fd = client_connect(*state);
        client_send(fd, "\0\0\1\0{\"jsonrpc", 12);
        (void)close(fd);
        engine->hold = true;
        fd = client_connect(*state);
        client_send_text(fd, STATUS(1));
        client_send_text(fd, CALL(2, "run.tail", "{\"follow\":true}"));
        for (int i = 0; i < 200 && engine_state(*state).held < 2; i++)
                (void)usleep(5000);
        (void)close(fd);
        assert_sessions(*state, 0);
        assert_int_equal(engine_state(*state).watches, 1);
        harness_on_loop(*state, release_held, harness_engine(*state));
        assert_int_equal(engine_state(*state).watches, 0);
        engine->hold = false;
        assert_served(*state);
}

static void test_half_closed(void **state) {
        int fd = client_connect(*state);
        struct jval *reply;

        fake_engine_state(harness_engine(*state))->hold = true;
        client_send_text(fd, STATUS(1));
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        for (int i = 0; i < 200 && engine_state(*state).held < 1; i++)
                (void)usleep(5000);
        assert_sessions(*state, 1);
        harness_on_loop(*state, release_held, harness_engine(*state));
        reply = client_receive(fd);
        assert_non_null(jval_get(reply, "result"));
        jval_unref(reply);
        assert_end(fd);
        (void)close(fd);
        assert_sessions(*state, 0);
}

static void test_half_closed_with_requests_waiting(void **state) {
        struct buf requests = BUF_INIT(FRAME_MAX);
        int fd = client_connect(*state);

        /* More than the caps take at once: most of them wait in the receive buffer when the end is seen. */
        fake_engine_state(harness_engine(*state))->answer_bytes = 100 * 1000;
        for (int i = 0; i < 200; i++)
                assert_int_equal(frame_append(&requests, STATUS(1), sizeof(STATUS(1)) - 1), 0);
        client_send(fd, buf_data(&requests), requests.len);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        (void)usleep(20000);
        for (int i = 0; i < 200; i++) {
                struct jval *reply = client_receive(fd);

                assert_non_null(reply);
                jval_unref(reply);
        }
        assert_end(fd);
        buf_done(&requests);
        (void)close(fd);
}

static void test_many_idle_clients(void **state) {
        int fds[200];

        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = client_connect(*state);
        assert_served(*state);
        assert_sessions(*state, ELEMENTSOF(fds));
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                (void)close(fds[i]);
        assert_sessions(*state, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                CONTROL_TEST(test_hello),
                CONTROL_TEST(test_calls_reach_the_engine),
                CONTROL_TEST(test_errors_of_the_engine),
                CONTROL_TEST(test_answer_that_is_too_large),
                CONTROL_TEST(test_pipelined),
                CONTROL_TEST(test_byte_by_byte),
                CONTROL_TEST(test_largest_request),
                CONTROL_TEST(test_lost_framing_closes_that_session_only),
                CONTROL_TEST(test_bad_json_keeps_the_session),
                CONTROL_TEST(test_calls_without_an_id),
                CONTROL_TEST(test_cap_of_requests_in_flight),
                CONTROL_TEST(test_client_that_does_not_read),
                CONTROL_TEST(test_answers_that_pile_up),
                CONTROL_TEST(test_clients_that_vanish),
                CONTROL_TEST(test_half_closed),
                CONTROL_TEST(test_half_closed_with_requests_waiting),
                CONTROL_TEST(test_many_idle_clients),
        };

        log_set_level(LOG_LEVEL_CRIT);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
