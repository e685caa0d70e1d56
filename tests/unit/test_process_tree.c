/* Finding and ending processes without a cgroup: by descent and by environment. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"
#include "process_tree.h"

static char mark[64];

static pid_t start(const char *script, char *const environment[]) {
        pid_t pid = fork();

        if (pid == 0) {
                char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};

                (void)execve("/bin/sh", argv, environment);
                _exit(127);
        }
        assert_true(pid > 1);
        return pid;
}

static size_t count_marked(void) {
        _cleanup_pid_list_ struct pid_list found = {0};

        process_find_by_environment(mark, &found);
        return found.n;
}

static void reap(void *user) {
        (void)user;
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
}

static void end_all(void) {
        _cleanup_pid_list_ struct pid_list ended = {0};

        process_kill_descendants(getpid(), NULL, &ended, reap, NULL);
        reap(NULL);
        assert_int_equal(count_marked(), 0);
}

static void wait_for_marked(size_t n) {
        for (int i = 0; i < 5000 && count_marked() < n; i++)
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        assert_true(count_marked() >= n);
}

static void test_who_left_the_session_is_found(void **state) {
        char *environment[] = {mark, NULL};

        (void)start("setsid sleep 100 & (sleep 100 & exec setsid sh -c 'sleep 100 & sleep 100') & wait", environment);
        wait_for_marked(5);
        end_all();
}

static void test_stopped_and_stubborn_ones_are_ended(void **state) {
        char *environment[] = {mark, NULL};

        (void)start("trap '' TERM HUP INT; sh -c 'kill -STOP $$' & sleep 100 & wait", environment);
        wait_for_marked(3);
        end_all();
}

/* Each dies soon after it has a child: whoever looks finds others than before. Not many, and not fast: a machine with
 * other work to do stands this. */
static void test_processes_that_fork_away_are_ended(void **state) {
        pid_t pid = fork();

        for (int generation = 0; pid == 0 && generation < 500; generation++) {
                nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
                if (fork() != 0)
                        _exit(0);
        }
        if (pid == 0)
                _exit(0);
        assert_true(pid > 1);
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        /* As a monitor does: again as long as it has children. */
        for (int i = 0; i < 20 && waitpid(-1, NULL, WNOHANG) >= 0; i++)
                end_all();
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* A process has no environment while it executes a program. One that was given none stands for that here; its program
 * has one 2 ms later. */
static int be_without_environment(const char *assignment) {
        char *argv[] = {(char[]){"sleep"}, (char[]){"100"}, NULL};
        char *environment[] = {(char *)(uintptr_t)assignment, NULL};

        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        return execve("/bin/sleep", argv, environment);
}

static size_t environment_of(pid_t pid, char *ret, size_t size) {
        char path[64];
        FILE *file;
        size_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
        file = fopen(path, "re");
        assert_non_null(file);
        n = fread(ret, 1, size, file);
        (void)fclose(file);
        return n;
}

#define ROUNDS 20
static void test_who_is_about_to_execute_a_program_is_waited_for(void **state) {
        int found = 0;

        for (int i = 0; i < ROUNDS; i++) {
                char text[8], *argv[] = {(char[]){"self"}, mark, NULL}, *none[] = {NULL};
                pid_t pid = fork();

                if (pid == 0) {
                        (void)execve("/proc/self/exe", argv, none);
                        _exit(127);
                }
                assert_true(pid > 1);
                while (environment_of(pid, text, sizeof(text)) > 0 && memcmp(text, mark, sizeof(text)) != 0)
                        ;
                found += count_marked() == 1;
                end_all();
        }
        /* Where the machine is busy, 2 ms may be long. */
        assert_in_range(found, ROUNDS / 2, ROUNDS);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who_left_the_session_is_found),
                cmocka_unit_test(test_stopped_and_stubborn_ones_are_ended),
                cmocka_unit_test(test_processes_that_fork_away_are_ended),
                cmocka_unit_test(test_who_is_about_to_execute_a_program_is_waited_for),
        };

        if (argc > 1)
                return be_without_environment(argv[1]);
        (void)snprintf(mark, sizeof(mark), "NOTIFY_SOCKET=/test/%d", (int)getpid());
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
