/* Supervision when daemon, launcher and monitor die, are exchanged or are stopped, in every order that matters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attempt_file.h"
#include "attempt_state.h"
#include "fileutil.h"
#include "supervise_harness.h"
#include "xalloc.h"

static struct harness harness;

static int setup(void **state) {
        harness_init(&harness);
        return 0;
}

static int teardown(void **state) {
        harness_done(&harness);
        return 0;
}

static void test_daemon_dies_and_comes_back(void **state) {
        struct witness first, second;
        witness_shell(
                &harness, &first,
                "systemd-notify STATUS=begun METRIC=n+=3; for i in $(seq 1 40); do echo $i; sleep 0.02; done; exit 9");
        assert_true(harness_run(&harness, witness_has_four_lines, &first, 60));
        harness_crash(&harness);
        second = (struct witness){.harness = &harness,
                                  .number = first.number,
                                  .attempt_path = xstrdup(first.attempt_path),
                                  .log_path = xstrdup(first.log_path),
                                  .next_offset = first.next_offset};
        (void)usleep(100000);
        harness_start(&harness);
        witness_adopt(&second, first.next_offset);
        assert_true(witness_wait(&second, 60));
        assert_false(second.has_gap);
        assert_int_equal(second.result.exit_status, 9);
        assert_int_equal(first.n_lines + second.n_lines, 40);
        assert_int_equal(second.n_started, 1);
        assert_string_equal(witness_report(&second, "status"), "begun");
        assert_string_equal(witness_report(&second, "metric+:n"), "3");
        /* And once more, when all is over: from the files alone. */
        harness_crash(&harness);
        struct witness third = {
                .harness = &harness, .number = 1, .attempt_path = second.attempt_path, .log_path = second.log_path};
        harness_start(&harness);
        witness_adopt(&third, 0);
        assert_true(witness_wait(&third, 60));
        assert_int_equal(third.result.exit_status, 9);
        assert_int_equal(third.n_lines, 40);
        assert_string_equal(witness_report(&third, "metric+:n"), "3");
        free(third.text);
        free(third.reports);
        witness_done(&first);
        witness_done(&second);
}

static void test_stop_after_the_daemon_came_back(void **state) {
        struct witness first, second;
        witness_shell(&harness, &first, harness_nasty_script);
        assert_true(harness_run(&harness, witness_has_four_lines, &first, 60));
        harness_crash(&harness);
        harness_start(&harness);
        second = (struct witness){.harness = &harness,
                                  .number = 1,
                                  .attempt_path = xstrdup(first.attempt_path),
                                  .log_path = xstrdup(first.log_path)};
        witness_adopt(&second, 0);
        attempt_stop(second.attempt);
        assert_true(witness_wait(&second, 60));
        assert_int_equal(second.result.ended_by, ENDED_BY_STOP);
        witness_assert_gone(&first);
        witness_done(&first);
        witness_done(&second);
}

static void test_adopt_what_never_was(void **state) {
        struct witness witness;
        char *argv[] = {(char[]){"true"}, NULL};
        (void)harness_spec(&harness, &witness, argv);
        witness_adopt(&witness, 0);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_LOST);
        assert_int_equal(witness.result.started_at, 0);
        witness_done(&witness);
}

/* Asked for, but the daemon died before the launcher knew: what comes next finds that nothing ran, and may ask again.
 * An attempt that ran never runs again. */
static void test_launch_that_never_left_the_daemon(void **state) {
        struct witness first, second, third;
        char name[] = "true";
        char *argv[] = {name, NULL};
        harness_wait_for_launcher(&harness);
        harness_kill(harness_launcher_pid(&harness), SIGKILL);
        harness_crash(&harness);
        harness.runner_path[0] = 0;
        harness_start(&harness);
        struct attempt_spec spec = harness_spec(&harness, &first, argv);
        witness_launch(&first, &spec);
        harness_spin(&harness, 20);
        harness_crash(&harness);
        harness_restore_runner(&harness);
        harness_start(&harness);
        second = (struct witness){.harness = &harness,
                                  .number = 1,
                                  .attempt_path = xstrdup(first.attempt_path),
                                  .log_path = xstrdup(first.log_path)};
        witness_adopt(&second, 0);
        assert_true(witness_wait(&second, 60));
        assert_int_equal(second.result.ended_by, ENDED_BY_LOST);
        assert_int_equal(second.result.started_at, 0);
        witness_launch(&first, &spec);
        assert_true(witness_wait(&first, 60));
        assert_int_equal(first.result.ended_by, ENDED_BY_ITSELF);
        third = (struct witness){.harness = &harness,
                                 .number = 1,
                                 .attempt_path = xstrdup(first.attempt_path),
                                 .log_path = xstrdup(first.log_path)};
        (void)usleep(100000); /* until its monitor has let go of the lock */
        witness_launch(&third, &spec);
        assert_true(witness_wait(&third, 60));
        assert_int_equal(third.result.ended_by, ENDED_BY_SPAWN);
        assert_int_equal(third.result.spawn_errno, EEXIST);
        witness_done(&first);
        witness_done(&second);
        witness_done(&third);
}

static pid_t monitor_of(const struct witness *witness) {
        _cleanup_attempt_state_ struct attempt_state state = ATTEMPT_STATE_INIT;
        _cleanup_close_ int fd = open(witness->attempt_path, O_RDONLY);
        _cleanup_free_ char *content = NULL;
        size_t len;
        uint64_t generation;
        assert_int_equal(attempt_file_read(fd, &content, &len, &generation), 0);
        assert_int_equal(attempt_state_decode(content, len, &state, NULL, NULL), 0);
        return (pid_t)state.monitor_pid;
}

static void test_monitor_dies(void **state) {
        struct witness witness;
        witness_shell(&harness, &witness, harness_nasty_script);
        assert_true(harness_run(&harness, witness_has_four_lines, &witness, 60));
        harness_kill(monitor_of(&witness), SIGKILL);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_LOST);
        assert_true(witness.result.started_at > 0);
        witness_assert_gone(&witness);
        witness_done(&witness);
}

static void test_launcher_dies(void **state) {
        struct witness witness, next;
        witness_shell(&harness, &witness, "for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done; exit 4");
        assert_true(harness_run(&harness, witness_has_four_lines, &witness, 60));
        harness_kill(harness_launcher_pid(&harness), SIGKILL);
        witness_shell(&harness, &next, "echo next");
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.exit_status, 4);
        assert_int_equal(witness.n_lines, 6);
        assert_true(witness_wait(&next, 60));
        assert_int_equal(next.result.exit_status, 0);
        assert_string_equal(next.text, "stdout next\n");
        witness_done(&witness);
        witness_done(&next);
}

/* The new launcher knows the old one's monitors, and ends what a dead one of them left. */
static void test_launcher_dies_then_monitor(void **state) {
        struct witness witness, next;
        witness_shell(&harness, &witness, harness_nasty_script);
        assert_true(harness_run(&harness, witness_has_four_lines, &witness, 60));
        harness_kill(harness_launcher_pid(&harness), SIGKILL);
        witness_shell(&harness, &next, "true");
        assert_true(witness_wait(&next, 60));
        harness_kill(monitor_of(&witness), SIGKILL);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_LOST);
        witness_assert_gone(&witness);
        witness_done(&witness);
        witness_done(&next);
}

static void test_launcher_and_monitor_die_together(void **state) {
        struct witness witness;
        witness_shell(&harness, &witness, harness_nasty_script);
        assert_true(harness_run(&harness, witness_has_four_lines, &witness, 60));
        pid_t monitor = monitor_of(&witness);
        harness_kill(harness_launcher_pid(&harness), SIGKILL);
        harness_kill(monitor, SIGKILL);
        harness_crash(&harness);
        harness_start(&harness);
        struct witness second = {.harness = &harness,
                                 .number = 1,
                                 .attempt_path = xstrdup(witness.attempt_path),
                                 .log_path = xstrdup(witness.log_path)};
        witness_adopt(&second, 0);
        assert_true(witness_wait(&second, 60));
        assert_int_equal(second.result.ended_by, ENDED_BY_LOST);
        harness_spin(&harness, 500); /* the launcher is started again, and sweeps */
        witness_assert_gone(&witness);
        witness_done(&witness);
        witness_done(&second);
}

static void test_launcher_is_exchanged(void **state) {
        struct witness witness, next;
        witness_shell(&harness, &witness, "for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done; exit 4");
        assert_true(harness_run(&harness, witness_has_four_lines, &witness, 60));
        pid_t launcher = harness_launcher_pid(&harness);
        harness_kill(launcher, SIGHUP);
        harness_spin(&harness, 100);
        witness_shell(&harness, &next, "echo next");
        assert_true(witness_wait(&next, 60));
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(harness_launcher_pid(&harness), launcher);
        assert_int_equal(witness.result.exit_status, 4);
        assert_int_equal(witness.n_lines, 6);
        /* A child of the earlier image is still a child. */
        struct witness third;
        witness_shell(&harness, &third, harness_nasty_script);
        assert_true(harness_run(&harness, witness_has_four_lines, &third, 60));
        harness_kill(launcher, SIGHUP);
        harness_spin(&harness, 100);
        harness_kill(monitor_of(&third), SIGKILL);
        assert_true(witness_wait(&third, 60));
        witness_assert_gone(&third);
        witness_done(&witness);
        witness_done(&next);
        witness_done(&third);
}

static void test_launcher_stopped_for_good(void **state) {
        struct witness witness;
        witness_shell(&harness, &witness, harness_nasty_script);
        assert_true(harness_run(&harness, witness_has_four_lines, &witness, 60));
        harness_kill(harness_launcher_pid(&harness), SIGTERM);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_STOP);
        witness_assert_gone(&witness);
        witness_done(&witness);
}

static void test_no_runner_at_all(void **state) {
        struct witness witness;
        harness_wait_for_launcher(&harness);
        harness_kill(harness_launcher_pid(&harness), SIGKILL);
        harness_crash(&harness);
        snprintf(harness.runner_path, sizeof(harness.runner_path), "/nonexistent/batch-runner");
        (void)usleep(50000);
        harness_start(&harness);
        witness_shell(&harness, &witness, "true");
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_SPAWN);
        assert_int_equal(witness.result.spawn_errno, ENOENT);
        witness_done(&witness);
}

static bool has_controllers(const char *base) {
        _cleanup_free_ char *path = path_join(base, "cgroup.subtree_control"), *list = NULL;
        assert_int_equal(read_file(path, 4096, &list, NULL), 0);
        return list[0] != 0 && list[0] != '\n';
}

/* As systemd does behind the unit's main process. */
static void after_stop(const char *service_result) {
        _cleanup_free_ char *command = xasprintf("SERVICE_RESULT=%s '%s' --after-stop --runtime-directory '%s'",
                                                 service_result, harness.runner_path, harness.dir);
        assert_int_equal(system(command), 0);
}

/* A killed launcher's unit can be started again while its step goes on, and a stopped one leaves nothing. */
static void test_after_stop(void **state) {
        const char *base = getenv("BATCHTEST_CGROUP");
        struct witness witness, next;
        if (!base)
                skip();
        witness_shell(&harness, &witness, harness_nasty_script);
        assert_true(harness_run(&harness, witness_has_four_lines, &witness, 60));
        bool had_controllers = has_controllers(base);
        harness_kill(harness_launcher_pid(&harness), SIGKILL);
        after_stop("signal");
        assert_false(has_controllers(base));
        assert_false(witness.has_ended);
        assert_int_equal(kill(witness.pid, 0), 0);
        witness_shell(&harness, &next, "true");
        assert_true(witness_wait(&next, 60));
        assert_true(has_controllers(base) == had_controllers);
        after_stop("timeout");
        assert_true(witness_wait(&witness, 60));
        witness_assert_gone(&witness);
        witness_done(&witness);
        witness_done(&next);
}

/* All of them outlive the daemon, and all are found again. BATCHTEST_MONITORS sets how many. */
static struct witness *crowd;
static int crowd_size;

static bool all_started(void *user) {
        for (int i = 0; i < crowd_size; i++)
                if (crowd[i].n_lines < 1)
                        return false;
        return true;
}

static bool all_ended(void *user) {
        for (int i = 0; i < crowd_size; i++)
                if (!crowd[i].has_ended)
                        return false;
        return true;
}

static void test_daemon_finds_many_again(void **state) {
        const char *size = getenv("BATCHTEST_MONITORS");
        crowd_size = size ? (int)strtol(size, NULL, 10) : 100;
        crowd = xcalloc((size_t)crowd_size, sizeof(*crowd));
        for (int i = 0; i < crowd_size; i++)
                witness_shell(&harness, &crowd[i], "echo first; exec sleep 1000");
        assert_true(harness_run(&harness, all_started, NULL, 60));
        harness_crash(&harness);
        (void)usleep(50000);
        for (int i = 0; i < crowd_size; i++)
                crowd[i].n_lines = crowd[i].n_started = 0, crowd[i].next_offset = 0, crowd[i].text_len = 0;
        usec_t before = now_boottime();
        harness_start(&harness);
        for (int i = 0; i < crowd_size; i++)
                witness_adopt(&crowd[i], 0);
        assert_true(harness_run(&harness, all_started, NULL, 60));
        print_message("%d monitors found again in %llu ms\n", crowd_size,
                      (unsigned long long)((now_boottime() - before) / 1000));
        for (int i = 0; i < crowd_size; i++)
                attempt_stop(crowd[i].attempt);
        assert_true(harness_run(&harness, all_ended, NULL, 60));
        for (int i = 0; i < crowd_size; i++) {
                assert_int_equal(crowd[i].result.ended_by, ENDED_BY_STOP);
                assert_false(crowd[i].has_gap);
                witness_done(&crowd[i]);
        }
        free(crowd);
}

int main(int argc, char **argv) {
        if (argc > 1 && !harness_enter_cgroup_mode())
                return 77;
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_daemon_dies_and_comes_back),
                TEST(test_stop_after_the_daemon_came_back),
                TEST(test_adopt_what_never_was),
                TEST(test_launch_that_never_left_the_daemon),
                TEST(test_monitor_dies),
                TEST(test_launcher_dies),
                TEST(test_launcher_dies_then_monitor),
                TEST(test_launcher_and_monitor_die_together),
                TEST(test_launcher_is_exchanged),
                TEST(test_launcher_stopped_for_good),
                TEST(test_no_runner_at_all),
                TEST(test_after_stop),
                TEST(test_daemon_finds_many_again),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        if (argc > 1)
                harness_leave_cgroup_mode();
        return failed;
}
