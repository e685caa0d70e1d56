/* Supervision with real processes: the daemon's side in this process, batch-runner as it is installed, commands that
 * behave in every way that commands do. */
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

static void run_shell(struct witness *witness, const char *script) {
        witness_shell(&harness, witness, script);
        assert_true(witness_wait(witness, 20));
        assert_false(witness->has_gap);
}

static void test_output(void **state) {
        struct witness witness;
        run_shell(&witness, "echo one; echo two; sleep 0.1; echo three >&2; sleep 0.1; printf 'no newline'");
        assert_int_equal(witness.result.ended_by, ENDED_BY_ITSELF);
        assert_int_equal(witness.result.exit_status, 0);
        assert_string_equal(witness.text, "stdout one\nstdout two\nstderr three\nstdout no newline\n");
        assert_int_equal(witness.n_started, 1);
        assert_int_equal(witness.result.lines, 4);
        assert_int_equal(witness.result.log_size, witness.next_offset);
        assert_true(witness.result.started_at > 0 && witness.result.ended_at >= witness.result.started_at);
        assert_true(witness.result.duration >= 200 * USEC_PER_MSEC);
        assert_true(witness.result.cpu_usec >= 0 && witness.result.memory_peak > 0);
        witness_done(&witness);
}

static void test_output_in_pieces(void **state) {
        struct witness witness;
        run_shell(&witness, "head -c 40000 /dev/zero | tr '\\0' x; echo; head -c 16384 /dev/zero | tr '\\0' y; echo");
        assert_int_equal(witness.n_lines, 4);
        assert_int_equal(strlen(witness.text), 40000 + 16384 + 4 * 8 + 2 * 2);
        assert_true(strncmp(witness.text, "stdout P x", 10) == 0);
        assert_non_null(strstr(witness.text, "\nstdout y"));
        assert_null(strstr(witness.text, "P y"));
        witness_done(&witness);
}

static void test_partial_line_waits_for_its_end(void **state) {
        struct witness witness;
        run_shell(&witness, "printf 'a'; sleep 0.1; printf 'b'; sleep 0.1; echo c; printf '\\377\\001\\n'");
        assert_string_equal(witness.text, "stdout abc\nstdout \377\001\n");
        witness_done(&witness);
}

static void test_flood(void **state) {
        struct witness witness;
        run_shell(&witness, "seq 1 300000");
        assert_int_equal(witness.n_lines, 300000);
        const char *at = witness.text;
        for (int i = 1; i <= 300000; i++) {
                char line[32];
                int n = snprintf(line, sizeof(line), "stdout %d\n", i);
                if (strncmp(at, line, (size_t)n) != 0)
                        fail_msg("line %d is %.20s", i, at);
                at += n;
        }
        witness_done(&witness);
}

static void test_exit_statuses(void **state) {
        struct witness witness;
        run_shell(&witness, "exit 75");
        assert_int_equal(witness.result.exit_status, 75);
        assert_int_equal(witness.result.signal_number, 0);
        witness_done(&witness);
        run_shell(&witness, "kill -SEGV $$");
        assert_int_equal(witness.result.ended_by, ENDED_BY_ITSELF);
        assert_int_equal(witness.result.exit_status, -1);
        assert_int_equal(witness.result.signal_number, SIGSEGV);
        witness_done(&witness);
}

static void test_command_that_does_not_exist(void **state) {
        struct witness witness;
        char *argv[] = {(char[]){"no-such-command"}, NULL};
        struct attempt_spec spec = harness_spec(&harness, &witness, argv);
        witness_launch(&witness, &spec);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_SPAWN);
        assert_int_equal(witness.result.spawn_errno, ENOENT);
        assert_int_equal(witness.n_started, 0);
        assert_int_equal(witness.result.started_at, 0);
        assert_string_equal(witness.text,
                            "stderr batch-runner: cannot execute no-such-command: No such file or directory\n");
        witness_done(&witness);
}

static void test_places_that_do_not_exist(void **state) {
        struct witness witness;
        char *argv[] = {(char[]){"true"}, NULL};
        struct attempt_spec spec = harness_spec(&harness, &witness, argv);
        spec.working_directory = "/nonexistent";
        witness_launch(&witness, &spec);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_SPAWN);
        assert_non_null(strstr(witness.text, "working directory"));
        witness_done(&witness);

        spec = harness_spec(&harness, &witness, argv);
        spec.log_path = "/nonexistent/x.log";
        witness_launch(&witness, &spec);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_SPAWN);
        assert_int_equal(witness.result.spawn_errno, ENOENT);
        witness_done(&witness);

        spec = harness_spec(&harness, &witness, argv);
        spec.attempt_path = "/nonexistent/x.attempt";
        witness_launch(&witness, &spec);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_SPAWN);
        witness_done(&witness);
}

static void test_environment(void **state) {
        struct witness witness;
        _cleanup_free_ char *expected = xasprintf("NOTIFY_SOCKET=%s/n/1", harness.dir);
        run_shell(&witness, "exec env");
        assert_non_null(strstr(witness.text, expected));
        assert_non_null(strstr(witness.text, "LANG=C"));
        assert_null(strstr(witness.text, "WATCHDOG_USEC"));
        assert_null(strstr(witness.text, "BATCHTEST"));
        witness_done(&witness);
        run_shell(&witness, "ls /proc/self/fd | wc -l; grep -E 'Sig(Blk|Ign)' /proc/self/status; ulimit -Sn");
        /* ls has one of its own for the folder. */
        assert_string_equal(
                witness.text,
                "stdout 4\nstdout SigBlk:\t0000000000000000\nstdout SigIgn:\t0000000000000000\nstdout 1024\n");
        witness_done(&witness);
}

static void test_timeout(void **state) {
        struct witness witness;
        char *argv[] = {(char[]){"sleep"}, (char[]){"60"}, NULL};
        struct attempt_spec spec = harness_spec(&harness, &witness, argv);
        spec.timeout = 200 * USEC_PER_MSEC;
        witness_launch(&witness, &spec);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_TIMEOUT);
        assert_int_equal(witness.result.signal_number, SIGTERM);
        assert_int_equal(witness.result.processes_ended, 1);
        witness_done(&witness);

        spec = harness_spec(&harness, &witness, argv);
        spec.timeout = USEC_PER_MINUTE;
        spec.run_timeout_left = 100 * USEC_PER_MSEC;
        witness_launch(&witness, &spec);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_RUN_TIMEOUT);
        witness_done(&witness);
}

static void test_stop_ends_the_whole_tree(void **state) {
        struct witness witness;
        witness_shell(&harness, &witness, harness_nasty_script);
        assert_true(harness_run(&harness, witness_has_four_lines, &witness, 60));
        attempt_stop(witness.attempt);
        attempt_stop(witness.attempt);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_STOP);
        assert_true(witness.result.processes_ended >= 4);
        assert_int_equal(witness.result.signal_number, SIGKILL);
        witness_assert_gone(&witness);
        witness_done(&witness);
}

static void test_stop_lets_a_tidy_one_finish(void **state) {
        struct witness witness;
        witness_shell(&harness, &witness,
                      "trap 'echo tidied; exit 7' TERM; echo 1; echo 2; echo 3; echo 4; while :; do sleep 0.05; done");
        assert_true(harness_run(&harness, witness_has_four_lines, &witness, 60));
        attempt_stop(witness.attempt);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_STOP);
        assert_int_equal(witness.result.exit_status, 7);
        assert_non_null(strstr(witness.text, "tidied"));
        witness_done(&witness);
}

static void test_stop_before_the_start(void **state) {
        struct witness witness;
        witness_shell(&harness, &witness, "sleep 60");
        attempt_stop(witness.attempt);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_STOP);
        witness_done(&witness);
}

static void test_leftovers_are_ended(void **state) {
        struct witness witness;
        run_shell(&witness, "setsid sh -c 'exec >/dev/null 2>&1; sleep 100' & echo $!; sleep 0.2");
        assert_int_equal(witness.result.exit_status, 0);
        assert_true(witness.result.processes_ended >= 1);
        assert_false(witness.result.drain_timed_out);
        assert_true(harness_is_gone((pid_t)strtol(witness.text + 7, NULL, 10)));
        witness_done(&witness);
}

static void test_drain_time(void **state) {
        struct witness witness;
        run_shell(&witness, "(sleep 100) & echo first");
        assert_true(witness.result.drain_timed_out);
        assert_true(witness.result.processes_ended >= 1);
        assert_string_equal(witness.text, "stdout first\n");
        witness_done(&witness);
}

static void test_heartbeat(void **state) {
        struct witness witness;
        char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"echo $WATCHDOG_USEC; sleep 60"}, NULL};
        struct attempt_spec spec = harness_spec(&harness, &witness, argv);
        spec.heartbeat = USEC_PER_SEC;
        spec.heartbeat_kill = true;
        witness_launch(&witness, &spec);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_HEARTBEAT);
        assert_true(witness.result.heartbeat_missed);
        assert_int_equal(strncmp(witness_report(&witness, "heartbeat"), "missing ", 8), 0);
        assert_string_equal(witness.text, "stdout 1000000\n");
        witness_done(&witness);

        argv[2] = (char[]){"for i in 1 2 3 4 5; do sleep 0.1; systemd-notify WATCHDOG=1; done; sleep 0.5"};
        spec = harness_spec(&harness, &witness, argv);
        spec.heartbeat = 300 * USEC_PER_MSEC;
        witness_launch(&witness, &spec);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_ITSELF);
        assert_true(witness.result.heartbeat_missed); /* a warning only */
        assert_true(witness.result.duration >= 900 * USEC_PER_MSEC);
        witness_done(&witness);
}

/* Any report is a sign of life, and what was missing comes back. */
static void test_heartbeat_comes_back(void **state) {
        struct witness witness;
        char *argv[] = {
                (char[]){"sh"}, (char[]){"-c"},
                (char[]){"for i in 1 2 3; do sleep 0.3; systemd-notify --status=$i; done; sleep 1.6; systemd-notify "
                         "STATUS=4"},
                NULL};
        struct attempt_spec spec = harness_spec(&harness, &witness, argv);
        unsigned long long since, silence;
        unsigned times;
        spec.heartbeat = 800 * USEC_PER_MSEC;
        witness_launch(&witness, &spec);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_ITSELF);
        assert_int_equal(sscanf(witness_report(&witness, "heartbeat"), "back %llu %llu %u", &since, &silence, &times),
                         3);
        assert_true(since > witness.result.started_at && since < witness.result.ended_at);
        assert_true(silence >= 1600 * USEC_PER_MSEC && times == 1);
        witness_done(&witness);
}

static void test_extend_timeout(void **state) {
        struct witness witness;
        char *argv[] = {(char[]){"sh"}, (char[]){"-c"},
                        (char[]){"systemd-notify EXTEND_TIMEOUT_USEC=60000000; sleep 1.7"}, NULL};
        struct attempt_spec spec = harness_spec(&harness, &witness, argv);
        spec.timeout = 1500 * USEC_PER_MSEC;
        witness_launch(&witness, &spec);
        assert_true(witness_wait(&witness, 60));
        assert_int_equal(witness.result.ended_by, ENDED_BY_ITSELF);
        witness_done(&witness);
}

static void test_reports(void **state) {
        struct witness witness;
        usec_t before = now_boottime();
        /* systemd-notify waits for its barrier, 5 s at most, each of the four. */
        run_shell(&witness, "systemd-notify --status 'at work'; systemd-notify PROGRESS=15/75 METRIC=games+=16; "
                            "systemd-notify METRIC=games+=4; "
                            "systemd-notify METRIC=games+=1.5; systemd-notify WARNING='odds: none'; echo said");
        assert_true(now_boottime() - before < 15 * USEC_PER_SEC);
        assert_string_equal(witness_report(&witness, "status"), "at work");
        assert_string_equal(witness_report(&witness, "progress"), "15/75");
        assert_string_equal(witness_report(&witness, "metric+:games"), "20");
        assert_string_equal(witness_report(&witness, "warning:1"), "odds: none");
        assert_string_equal(witness_report(&witness, "refused:1"), "METRIC=games+=1.5: not a whole number");
        witness_done(&witness);
}

#define MANY 100

static bool all_ended(void *user) {
        const struct witness *witnesses = user;
        for (int i = 0; i < MANY; i++)
                if (!witnesses[i].has_ended)
                        return false;
        return true;
}

static void test_many_at_once(void **state) {
        static struct witness witnesses[MANY];
        for (int i = 0; i < MANY; i++)
                witness_shell(&harness, &witnesses[i],
                              "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done; seq 1 500 >&2; exit 3");
        assert_true(harness_run(&harness, all_ended, witnesses, 60));
        for (int i = 0; i < MANY; i++) {
                assert_int_equal(witnesses[i].result.exit_status, 3);
                assert_int_equal(witnesses[i].n_lines, 505);
                assert_false(witnesses[i].has_gap);
                witness_done(&witnesses[i]);
        }
}

int main(int argc, char **argv) {
        if (argc > 1 && !harness_enter_cgroup_mode())
                return 77;
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_output),
                TEST(test_output_in_pieces),
                TEST(test_partial_line_waits_for_its_end),
                TEST(test_flood),
                TEST(test_exit_statuses),
                TEST(test_command_that_does_not_exist),
                TEST(test_places_that_do_not_exist),
                TEST(test_environment),
                TEST(test_timeout),
                TEST(test_stop_ends_the_whole_tree),
                TEST(test_stop_lets_a_tidy_one_finish),
                TEST(test_stop_before_the_start),
                TEST(test_leftovers_are_ended),
                TEST(test_drain_time),
                TEST(test_heartbeat),
                TEST(test_heartbeat_comes_back),
                TEST(test_extend_timeout),
                TEST(test_reports),
                TEST(test_many_at_once),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        if (argc > 1)
                harness_leave_cgroup_mode();
        return failed;
}
