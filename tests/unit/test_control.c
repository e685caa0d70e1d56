/* The control socket over real connections, with an engine that does as it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control_harness.h"
#include "frame.h"
#include "log.h"
#include "macro.h"
#include "session.h"
#include "sockutil.h"
#include "strutil.h"
#include "timeutil.h"
#include "xalloc.h"

#define NOBODY 65534
#define CALL(id, method, params) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"" method "\",\"params\":" params "}"
#define STATUS(id) CALL(id, "daemon.status", "{}")

static int set_up(void **state) {
        *state = harness_new(NULL);
        return 0;
}

static int tear_down(void **state) {
        harness_free(*state);
        return 0;
}

/* Reads and changes of the fake engine's state, on its thread */

struct ask {
        struct harness *harness;
        struct fake_engine_state copy;
        size_t sessions;
};

static void get_state(void *user) {
        struct ask *ask = user;

        ask->copy = *fake_engine_state(harness_engine(ask->harness));
        ask->sessions = control_server_n_sessions(harness_server(ask->harness));
}

static struct fake_engine_state engine_state(struct harness *harness) {
        struct ask ask = {.harness = harness};

        harness_on_loop(harness, get_state, &ask);
        return ask.copy;
}

static size_t n_sessions(struct harness *harness) {
        struct ask ask = {.harness = harness};

        harness_on_loop(harness, get_state, &ask);
        return ask.sessions;
}

/* Waits for at most two seconds until that many sessions are left. */
static void assert_sessions(struct harness *harness, size_t expected) {
        for (int i = 0; i < 400 && n_sessions(harness) != expected; i++)
                (void)usleep(5000);
        assert_int_equal(n_sessions(harness), expected);
}

static void release_held(void *user) {
        fake_engine_release(user);
}

static void assert_end(int fd) {
        char byte;

        assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void assert_served(struct harness *harness) {
        int fd = client_connect(harness);
        struct jval *reply = client_call(fd, STATUS(77));

        assert_non_null(reply);
        assert_int_equal(jval_get_int(reply, "id", 0), 77);
        assert_non_null(jval_get(reply, "result"));
        jval_unref(reply);
        (void)close(fd);
}

static void assert_kind(int fd, const char *json, const char *kind, const char *text) {
        struct jval *reply = client_call(fd, json);

        assert_non_null(reply);
        assert_string_equal(reply_kind(reply), kind);
        if (!strstr(reply_message(reply), text))
                fail_msg("'%s' does not say '%s'", reply_message(reply), text);
        jval_unref(reply);
}

/* Another user, for this thread alone (the C library's setters change all threads). False without root. */
static bool become(uid_t uid, gid_t group) {
        if (getuid() != 0)
                return false;
        if (uid == 0) {
                assert_int_equal(syscall(SYS_setresuid, -1, 0, -1), 0);
                assert_int_equal(syscall(SYS_setgroups, 0, NULL), 0);
                return true;
        }
        assert_int_equal(syscall(SYS_setgroups, (size_t)1, &group), 0);
        assert_int_equal(syscall(SYS_setresuid, -1, uid, -1), 0);
        return true;
}

static int connect_as(struct harness *harness, uid_t uid, gid_t group) {
        int fd;

        assert_true(become(uid, group));
        fd = client_connect(harness);
        assert_true(become(0, 0));
        return fd;
}

static struct harness *harness_with_groups(void) {
        static const uid_t trusted[] = {NOBODY - 1};
        const struct control_config config = {
                .watch_gid = 5000,
                .act_gid = 5001,
                .own_uid = 12345,
                .trusted_uids = trusted,
                .n_trusted = 1,
                .actions_per_minute = 5,
        };

        return harness_new(&config);
}

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
        (void)usleep(50000);
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
        (void)usleep(50000);
        /* What fits the caps has been asked for, no more: a socket buffer and SESSION_OUT_HIGH. */
        assert_in_range(engine_state(*state).calls, 1, 20);
        /* Others are served, at once. */
        for (int i = 0; i < 10; i++) {
                usec_t start = now_boottime();

                assert_served(*state);
                assert_true(now_boottime() - start < USEC_PER_SEC);
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

/* Streams */

static void add_ten_lines(void *user) {
        fake_engine_add_lines(user, 10);
}

static void add_ten_lines_and_end(void *user) {
        fake_engine_state(user)->end_after_lines = true;
        fake_engine_add_lines(user, 10);
}

static void assert_notification(int fd, const char *method, int64_t sequence) {
        struct jval *notification = client_receive(fd);

        assert_non_null(notification);
        assert_string_equal(jval_get_str(notification, "method"), method);
        if (sequence > 0)
                assert_int_equal(jval_get_int(jval_get(notification, "params"), "seq", 0), sequence);
        jval_unref(notification);
}

static void test_follow(void **state) {
        struct engine *engine = harness_engine(*state);
        int fd = client_connect(*state);
        struct jval *reply;

        fake_engine_state(engine)->lines_left = 3;
        reply = client_call(fd, CALL(1, "run.tail", "{\"follow\":true}"));
        assert_int_equal(jval_get_int(reply, "id", 0), 1);
        jval_unref(reply);
        for (int64_t i = 1; i <= 3; i++)
                assert_notification(fd, "run.lines", i);
        harness_on_loop(*state, add_ten_lines, engine);
        for (int64_t i = 4; i <= 13; i++)
                assert_notification(fd, "run.lines", i);
        harness_on_loop(*state, add_ten_lines_and_end, engine);
        for (int64_t i = 14; i <= 23; i++)
                assert_notification(fd, "run.lines", i);
        assert_notification(fd, "run.end", 0);
        /* The stream is over, the connection is not. */
        reply = client_call(fd, STATUS(9));
        assert_int_equal(jval_get_int(reply, "id", 0), 9);
        jval_unref(reply);
        assert_int_equal(engine_state(*state).watches, 0);
        (void)close(fd);
}

static void test_follower_that_does_not_read(void **state) {
        struct fake_engine_state *engine = fake_engine_state(harness_engine(*state));
        unsigned long lines = 20000;
        int fd = client_connect(*state);

        engine->lines_left = lines;
        engine->notification_bytes = 1000;
        engine->end_after_lines = true;
        client_send_text(fd, CALL(1, "run.tail", "{\"follow\":true}"));
        (void)usleep(100000);
        /* 20 MB wait in the ring, not in the session. */
        assert_served(*state);
        assert_int_equal(engine_state(*state).watches, 1);
        jval_unref(client_receive(fd));
        for (unsigned long i = 1; i <= lines; i++)
                assert_notification(fd, "run.lines", (int64_t)i);
        assert_notification(fd, "run.end", 0);
        (void)close(fd);
}

static void test_follower_that_vanishes(void **state) {
        int fd = client_connect(*state);

        fake_engine_state(harness_engine(*state))->lines_left = 20000;
        client_send_text(fd, CALL(1, "run.tail", "{\"follow\":true}"));
        client_send_text(fd, CALL(2, "run.tail", "{\"follow\":true}"));
        jval_unref(client_receive(fd));
        assert_int_equal(engine_state(*state).watches, 2);
        (void)close(fd);
        assert_sessions(*state, 0);
        assert_int_equal(engine_state(*state).watches, 0);
        harness_on_loop(*state, add_ten_lines, harness_engine(*state));
}

static void test_refused_follow(void **state) {
        int fd = client_connect(*state);

        fake_engine_state(harness_engine(*state))->refuse = true;
        fake_engine_state(harness_engine(*state))->refuse_with = ERROR_KIND_NOT_FOUND;
        assert_kind(fd, CALL(1, "run.tail", "{\"run\":99,\"follow\":true}"), "not_found", "refused");
        assert_int_equal(engine_state(*state).watches, 0);
        (void)close(fd);
}

/* The end of the daemon */

static void stop_for_restart(void *user) {
        control_server_stop(user, "restart");
}

static void stop_for_good(void *user) {
        control_server_stop(user, "stop");
}

static void check_stopping(struct harness *harness, void (*stop)(void *user), const char *reason) {
        int fds[] = {client_connect(harness), client_connect(harness)};

        assert_sessions(harness, 2);
        harness_on_loop(harness, stop, harness_server(harness));
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                struct jval *told = client_receive(fds[i]);
                struct jval *reply;

                assert_string_equal(jval_get_str(told, "method"), "daemon.stopping");
                assert_string_equal(jval_get_str(jval_get(told, "params"), "reason"), reason);
                /* Those that are connected may ask until the end. */
                reply = client_call(fds[i], STATUS(3));
                assert_int_equal(jval_get_int(reply, "id", 0), 3);
                jval_unref(reply);
                jval_unref(told);
                (void)close(fds[i]);
        }
}

static void test_stopping(void **state) {
        check_stopping(*state, stop_for_good, "stop");
        assert_int_equal(access(harness_socket(*state), F_OK), -1);
}

static void test_stopping_for_restart(void **state) {
        check_stopping(*state, stop_for_restart, "restart");
        assert_int_equal(access(harness_socket(*state), F_OK), 0);
}

static void test_free_with_everything_open(void **state) {
        struct harness *harness = harness_new(NULL);
        int fds[3];

        fake_engine_state(harness_engine(harness))->lines_left = 5000;
        fake_engine_state(harness_engine(harness))->notification_bytes = 1000;
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = client_connect(harness);
        client_send_text(fds[0], CALL(1, "run.tail", "{\"follow\":true}"));
        jval_unref(client_receive(fds[0]));
        fake_engine_state(harness_engine(harness))->hold = true;
        client_send_text(fds[1], STATUS(1));
        client_send_text(fds[1], CALL(2, "run.tail", "{\"follow\":true}"));
        client_send(fds[2], "\0\0\1", 3);
        for (int i = 0; i < 200 && engine_state(harness).held < 2; i++)
                (void)usleep(5000);
        harness_free(harness);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                (void)close(fds[i]);
}

/* Descriptors */

static void test_out_of_descriptors(void **state) {
        struct rlimit old, low;
        int fds[2];
        struct jval *reply;
        int used = client_connect(*state);
        int spare = fcntl(used, F_DUPFD_CLOEXEC, 0);

        assert_sessions(*state, 1);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(spare >= 0 && fds[1] >= 0);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
        low = old;
        low.rlim_cur = (rlim_t)fds[1] + 1;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
                struct sockaddr_un {
                        sa_family_t family;
                        char path[108];
                } address = {.family = AF_UNIX};

                (void)snprintf(address.path, sizeof(address.path), "%s", harness_socket(*state));
                assert_int_equal(connect(fds[i], (const struct sockaddr *)&address, sizeof(address)), 0);
        }
        /* The first is told, by the descriptor that was kept for it; those that have a connection go on. */
        reply = client_receive(fds[0]);
        assert_string_equal(reply_kind(reply), "unavailable");
        assert_non_null(strstr(reply_message(reply), "descriptors"));
        jval_unref(reply);
        reply = client_call(used, STATUS(4));
        assert_int_equal(jval_get_int(reply, "id", 0), 4);
        jval_unref(reply);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        /* The second waits the pause out and is served. */
        reply = client_call(fds[1], STATUS(5));
        assert_int_equal(jval_get_int(reply, "id", 0), 5);
        jval_unref(reply);
        (void)close(spare);
        (void)close(used);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                (void)close(fds[i]);
}

/* Rights, by real credentials: these need root to be somebody else */

static void test_rights_by_group(void **state) {
        struct harness *harness;
        int stranger, watcher, actor;

        if (getuid() != 0)
                skip();
        harness = harness_with_groups();
        stranger = connect_as(harness, NOBODY, 4999);
        watcher = connect_as(harness, NOBODY, 5000);
        actor = connect_as(harness, NOBODY, 5001);
        jval_unref(client_call(stranger, CALL(1, "daemon.hello", "{}")));
        assert_kind(stranger, STATUS(2), "not_permitted", "add user nobody to group batchd ");
        assert_kind(stranger, CALL(3, "run.start", "{\"job\":\"a\"}"), "not_permitted",
                    "add user nobody to group batchd-admin ");
        assert_int_equal(engine_state(harness).audited, 1);
        assert_string_equal(engine_state(harness).last_method, "run.start");
        assert_string_equal(engine_state(harness).last_outcome, "not_permitted");
        assert_string_equal(engine_state(harness).last_user, "nobody");
        assert_kind(watcher, STATUS(4), "", "");
        assert_kind(watcher, CALL(5, "run.cancel", "{}"), "not_permitted", "batchd-admin");
        assert_kind(actor, CALL(6, "run.cancel", "{}"), "", "");
        assert_int_equal(engine_state(harness).calls, 2);
        (void)close(stranger);
        (void)close(watcher);
        (void)close(actor);
        harness_free(harness);
}

static void test_rate_limit_over_the_socket(void **state) {
        struct harness *harness;
        int actor, root, web;

        if (getuid() != 0)
                skip();
        harness = harness_with_groups();
        actor = connect_as(harness, NOBODY, 5001);
        web = connect_as(harness, NOBODY - 1, 5001);
        root = client_connect(harness);
        for (int i = 0; i < 5; i++)
                assert_kind(actor, CALL(1, "run.start", "{\"job\":\"a\"}"), "", "");
        assert_kind(actor, CALL(2, "run.start", "{\"job\":\"a\"}"), "rate_limited",
                    "wait 12 s and try again: nobody has used its 5 actions");
        assert_string_equal(engine_state(harness).last_outcome, "rate_limited");
        assert_kind(actor, CALL(3, "run.start", "{\"job\":\"a\",\"on_behalf\":\"carl\"}"), "not_permitted",
                    "TrustedClients=");
        for (int i = 0; i < 5; i++)
                assert_kind(web, CALL(4, "run.start", "{\"job\":\"a\",\"on_behalf\":\"carl\"}"), "", "");
        assert_string_equal(engine_state(harness).last_on_behalf, "carl");
        assert_kind(web, CALL(5, "run.start", "{\"job\":\"a\",\"on_behalf\":\"carl\"}"), "rate_limited",
                    "carl has used");
        assert_kind(web, CALL(6, "run.start", "{\"job\":\"a\",\"on_behalf\":\"dora\"}"), "", "");
        for (int i = 0; i < 20; i++)
                assert_kind(root, CALL(7, "run.start", "{\"job\":\"a\"}"), "", "");
        (void)close(actor);
        (void)close(root);
        (void)close(web);
        harness_free(harness);
}

static void test_strangers_get_little(void **state) {
        static const unsigned char announced[] = {0, 0, 0x40, 1};
        struct harness *harness;
        struct jval *reply;
        int fds[9];

        if (getuid() != 0)
                skip();
        harness = harness_with_groups();
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = connect_as(harness, NOBODY, 4999);
        reply = client_receive(fds[8]);
        assert_string_equal(reply_kind(reply), "unavailable");
        assert_non_null(strstr(reply_message(reply), "has 8 open"));
        jval_unref(reply);
        client_send(fds[0], announced, sizeof(announced));
        reply = client_receive(fds[0]);
        assert_string_equal(reply_kind(reply), "too_large");
        jval_unref(reply);
        assert_end(fds[0]);
        /* A flood of refusals is answered, and recorded a few times. */
        for (int i = 0; i < 200; i++)
                assert_kind(fds[1], CALL(1, "daemon.reload", "{}"), "not_permitted", "batchd-admin");
        assert_in_range(engine_state(harness).audited, 20, 40);
        assert_served(harness);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                (void)close(fds[i]);
        harness_free(harness);
}

static void test_socket_in_use(void **state) {
        struct control_config config = {
                .socket_path = harness_socket(*state), .listen_fd = -1, .version = "1", .host = "h"};
        struct control_server *server = NULL;
        struct loop *loop;
        char *error = NULL;

        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(control_server_new(&server, loop, NULL, &config, &error), -EADDRINUSE);
        assert_non_null(strstr(error, "another batchd answers there"));
        assert_null(server);
        free(error);
        error = NULL;
        config.socket_path = "/nonexistent/control.sock";
        assert_int_equal(control_server_new(&server, loop, NULL, &config, &error), -ENOENT);
        assert_non_null(strstr(error, "/nonexistent/control.sock: cannot listen"));
        free(error);
        loop_free(loop);
        assert_served(*state);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_hello),
                TEST(test_calls_reach_the_engine),
                TEST(test_errors_of_the_engine),
                TEST(test_answer_that_is_too_large),
                TEST(test_pipelined),
                TEST(test_byte_by_byte),
                TEST(test_largest_request),
                TEST(test_lost_framing_closes_that_session_only),
                TEST(test_bad_json_keeps_the_session),
                TEST(test_calls_without_an_id),
                TEST(test_cap_of_requests_in_flight),
                TEST(test_client_that_does_not_read),
                TEST(test_answers_that_pile_up),
                TEST(test_clients_that_vanish),
                TEST(test_half_closed),
                TEST(test_half_closed_with_requests_waiting),
                TEST(test_many_idle_clients),
                TEST(test_follow),
                TEST(test_follower_that_does_not_read),
                TEST(test_follower_that_vanishes),
                TEST(test_refused_follow),
                TEST(test_stopping),
                TEST(test_stopping_for_restart),
                cmocka_unit_test(test_free_with_everything_open),
                TEST(test_out_of_descriptors),
                cmocka_unit_test(test_rights_by_group),
                cmocka_unit_test(test_rate_limit_over_the_socket),
                cmocka_unit_test(test_strangers_get_little),
                TEST(test_socket_in_use),
        };

        log_set_level(LOG_LEVEL_CRIT);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
