#include "control_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int control_set_up(void **state) {
        *state = harness_new(NULL);
        return 0;
}

int control_tear_down(void **state) {
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

struct fake_engine_state engine_state(struct harness *harness) {
        struct ask ask = {.harness = harness};

        harness_on_loop(harness, get_state, &ask);
        return ask.copy;
}

size_t n_sessions(struct harness *harness) {
        struct ask ask = {.harness = harness};

        harness_on_loop(harness, get_state, &ask);
        return ask.sessions;
}

/* Waits for at most two seconds until that many sessions are left. */
void assert_sessions(struct harness *harness, size_t expected) {
        for (int i = 0; i < 400 && n_sessions(harness) != expected; i++)
                (void)usleep(5000);
        assert_int_equal(n_sessions(harness), expected);
}

void release_held(void *user) {
        fake_engine_release(user);
}

void assert_end(int fd) {
        char byte;

        assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

void assert_served(struct harness *harness) {
        int fd = client_connect(harness);
        struct jval *reply = client_call(fd, STATUS(77));

        assert_non_null(reply);
        assert_int_equal(jval_get_int(reply, "id", 0), 77);
        assert_non_null(jval_get(reply, "result"));
        jval_unref(reply);
        (void)close(fd);
}

void assert_kind(int fd, const char *json, const char *kind, const char *text) {
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

int connect_as(struct harness *harness, uid_t uid, gid_t group) {
        int fd;

        assert_true(become(uid, group));
        fd = client_connect(harness);
        assert_true(become(0, 0));
        return fd;
}

struct harness *harness_with_groups(void) {
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
