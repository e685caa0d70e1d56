/* Who may do what on the control socket, how often, and what happens when descriptors run out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_checks.h"
#include "log.h"
#include "macro.h"

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

int main(void) {
        const struct CMUnitTest tests[] = {
                CONTROL_TEST(test_out_of_descriptors),
                cmocka_unit_test(test_rights_by_group),
                cmocka_unit_test(test_rate_limit_over_the_socket),
                cmocka_unit_test(test_strangers_get_little),
                CONTROL_TEST(test_socket_in_use),
        };

        log_set_level(LOG_LEVEL_CRIT);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
