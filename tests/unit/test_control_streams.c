/* Following runs over the control socket, and what clients are told when the daemon leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "control_checks.h"
#include "log.h"
#include "macro.h"

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

int main(void) {
        const struct CMUnitTest tests[] = {
                CONTROL_TEST(test_follow),
                CONTROL_TEST(test_follower_that_does_not_read),
                CONTROL_TEST(test_follower_that_vanishes),
                CONTROL_TEST(test_refused_follow),
                CONTROL_TEST(test_stopping),
                CONTROL_TEST(test_stopping_for_restart),
                cmocka_unit_test(test_free_with_everything_open),
        };

        log_set_level(LOG_LEVEL_CRIT);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
