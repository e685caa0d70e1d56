#include "supervise_harness.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fileutil.h"
#include "runner_path.h"
#include "sockutil.h"
#include "xalloc.h"

static void must(bool is_fine, const char *what) {
        if (is_fine)
                return;
        perror(what);
        abort();
}

void harness_restore_runner(struct harness *harness) {
        /* A unit's delegated cgroup, as a stand-in: the launcher is told of it by a wrapper, however often it is
         * started. */
        const char *cgroup = getenv("BATCHTEST_CGROUP");
        must(getenv("BATCHTEST_BUILD") != NULL, "BATCHTEST_BUILD is not set");
        snprintf(harness->runner_path, sizeof(harness->runner_path), "%s/daemon/runner/batch-runner",
                 getenv("BATCHTEST_BUILD"));
        if (cgroup) {
                _cleanup_free_ char *script =
                        xasprintf("#!/bin/sh\nexec '%s' \"$@\" --cgroup '%s'\n", harness->runner_path, cgroup);
                snprintf(harness->runner_path, sizeof(harness->runner_path), "%s/runner", harness->dir);
                must(write_file_atomic(harness->runner_path, script, strlen(script), 0755) >= 0, "write_file_atomic");
        }
}

void harness_init(struct harness *harness) {
        *harness = (struct harness){.next_number = 1};
        snprintf(harness->dir, sizeof(harness->dir), "/tmp/bt-XXXXXX");
        must(mkdtemp(harness->dir) != NULL, "mkdtemp");
        harness_restore_runner(harness);
        must(loop_new(&harness->loop) >= 0, "loop_new");
        harness_start(harness);
}

void harness_start(struct harness *harness) {
        struct supervise_config config = {.runtime_dir = harness->dir,
                                          .state_dir = harness->dir,
                                          .runner_path = harness->runner_path[0] ? harness->runner_path : NULL};
        char *error = NULL;
        if (supervise_new(&harness->supervise, harness->loop, &config, &error) < 0) {
                fprintf(stderr, "%s\n", error);
                abort();
        }
}

void harness_crash(struct harness *harness) {
        harness->supervise = supervise_free(harness->supervise);
}

pid_t harness_launcher_pid(const struct harness *harness) {
        _cleanup_free_ char *path = runner_launcher_path(harness->dir);
        _cleanup_close_ int fd = unix_connect(path, SOCK_SEQPACKET);
        struct peer peer = {0};
        if (fd < 0 || peer_read(fd, &peer) < 0)
                return -1;
        peer_done(&peer);
        return peer.pid;
}

static bool launcher_is_up(void *user) {
        return supervise_launcher_is_up(((struct harness *)user)->supervise);
}

void harness_wait_for_launcher(struct harness *harness) {
        if (harness->supervise && access(harness->runner_path, X_OK) >= 0)
                must(harness_run(harness, launcher_is_up, harness, 5), "the launcher does not come up");
}

void harness_done(struct harness *harness) {
        /* One that is just being started would come up behind our back. */
        harness_wait_for_launcher(harness);
        if (harness->supervise)
                harness_crash(harness);
        pid_t launcher = harness_launcher_pid(harness);
        if (launcher > 1)
                (void)kill(launcher, SIGTERM);
        for (int i = 0; i < 300 && launcher > 1 && kill(launcher, 0) >= 0; i++)
                (void)usleep(10000);
        loop_timer_free(harness->limit);
        loop_free(harness->loop);
        must(remove_tree(harness->dir) >= 0, "remove_tree");
}

/* Never with an id that is not one process: kill(-1) would end everything that the user has. */
void harness_kill(pid_t pid, int signo) {
        must(pid > 1, "not the id of a process to signal");
        must(kill(pid, signo) >= 0, "kill");
}

struct waiting {
        struct harness *harness;
        bool (*done)(void *user);
        void *user;
        struct loop_timer *look;
        unsigned looks_left;
        bool is_done;
};

static void look(void *user) {
        struct waiting *waiting = user;
        waiting->is_done = waiting->done(waiting->user);
        if (waiting->is_done || waiting->looks_left-- == 0)
                loop_exit(waiting->harness->loop, 0);
        else
                loop_timer_arm(waiting->look, 2 * USEC_PER_MSEC);
}

bool harness_run(struct harness *harness, bool (*done)(void *user), void *user, unsigned seconds) {
        struct waiting waiting = {.harness = harness, .done = done, .user = user, .looks_left = seconds * 500};
        must(loop_timer_new(harness->loop, &waiting.look, look, &waiting) >= 0, "loop_timer_new");
        loop_timer_arm(waiting.look, 0);
        (void)loop_run(harness->loop);
        loop_timer_free(waiting.look);
        return waiting.is_done;
}

static bool never(void *user) {
        unsigned *looks = user;
        return (*looks)-- == 0;
}

void harness_spin(struct harness *harness, unsigned msec) {
        unsigned looks = msec / 2;
        (void)harness_run(harness, never, &looks, msec / 1000 + 2);
}

static void append(char **text, size_t *len, size_t *size, const char *data, size_t n) {
        if (*len + n + 1 > *size) {
                *size = 2 * (*len + n + 1);
                *text = xrealloc(*text, *size);
        }
        memcpy(*text + *len, data, n);
        *len += n;
        (*text)[*len] = 0;
}

static void on_started(pid_t pid, usec_t realtime, void *user) {
        struct witness *witness = user;
        witness->pid = pid;
        witness->n_started++;
}

static void on_lines(const struct cri_line *lines, size_t n, uint64_t offset, uint64_t end, void *user) {
        struct witness *witness = user;
        size_t size = 0;
        witness->has_gap |= offset != witness->next_offset;
        witness->next_offset = end;
        for (size_t i = 0; i < n; i++) {
                const char *stream = lines[i].is_stderr ? "stderr " : "stdout ";
                append(&witness->text, &witness->text_len, &witness->text_size, stream, 7);
                if (lines[i].is_partial)
                        append(&witness->text, &witness->text_len, &witness->text_size, "P ", 2);
                append(&witness->text, &witness->text_len, &witness->text_size, lines[i].text, lines[i].len);
                append(&witness->text, &witness->text_len, &witness->text_size, "\n", 1);
                size += lines[i].size;
        }
        witness->n_lines += n;
        witness->has_gap |= size != end - offset;
}

static void on_report(const char *key, const char *value, void *user) {
        struct witness *witness = user;
        append(&witness->reports, &witness->reports_len, &witness->reports_size, "\n", 1);
        append(&witness->reports, &witness->reports_len, &witness->reports_size, key, strlen(key));
        append(&witness->reports, &witness->reports_len, &witness->reports_size, "\t", 1);
        append(&witness->reports, &witness->reports_len, &witness->reports_size, value, strlen(value));
}

static void on_ended(const struct attempt_result *result, void *user) {
        struct witness *witness = user;
        must(!witness->has_ended, "ended twice");
        witness->has_ended = true;
        witness->result = *result;
        witness->attempt = NULL;
}

static const struct attempt_events events = {on_started, on_lines, on_report, on_ended};

struct attempt_spec harness_spec(struct harness *harness, struct witness *witness, char *const *argv) {
        static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LANG=C";
        static char *const environment[] = {path, lang, NULL};
        int64_t number = harness->next_number++;
        *witness = (struct witness){
                .harness = harness,
                .number = number,
                .attempt_path = xasprintf("%s/%" PRId64 ".attempt", harness->dir, number),
                .log_path = xasprintf("%s/%" PRId64 ".log", harness->dir, number),
        };
        return (struct attempt_spec){
                .number = number,
                .run_id = "00000000-0000-4000-8000-000000000000",
                .label = "1.test.1",
                .argv = argv,
                .environment = environment,
                .working_directory = harness->dir,
                .log_path = witness->log_path,
                .attempt_path = witness->attempt_path,
                .timeout = USEC_INFINITY,
                .run_timeout_left = USEC_INFINITY,
                .kill_grace = 500 * USEC_PER_MSEC,
                .heartbeat = 0,
        };
}

void witness_launch(struct witness *witness, const struct attempt_spec *spec) {
        witness->attempt = supervise_launch(witness->harness->supervise, spec, &events, witness);
}

void witness_shell(struct harness *harness, struct witness *witness, const char *script) {
        char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, xstrdup(script), NULL};
        struct attempt_spec spec = harness_spec(harness, witness, argv);
        witness_launch(witness, &spec);
        free(argv[2]);
}

void witness_adopt(struct witness *witness, uint64_t offset) {
        witness->attempt = supervise_adopt(witness->harness->supervise, witness->number, witness->attempt_path,
                                           witness->log_path, offset, &events, witness);
}

static bool has_ended(void *user) {
        return ((struct witness *)user)->has_ended;
}

bool witness_wait(struct witness *witness, unsigned seconds) {
        return harness_run(witness->harness, has_ended, witness, seconds);
}

const char *witness_report(const struct witness *witness, const char *key) {
        static char value[16384];
        char wanted[256];
        const char *found = NULL;
        snprintf(wanted, sizeof(wanted), "\n%s\t", key);
        for (const char *at = witness->reports; at && (at = strstr(at, wanted)); at++)
                found = at + strlen(wanted);
        if (!found)
                return NULL;
        snprintf(value, sizeof(value), "%.*s", (int)strcspn(found, "\n"), found);
        return value;
}

void witness_done(struct witness *witness) {
        free(witness->attempt_path);
        free(witness->log_path);
        free(witness->text);
        free(witness->reports);
        *witness = (struct witness){0};
}

bool harness_is_gone(pid_t pid) {
        for (int i = 0; i < 200; i++) {
                if (pid > 1 && kill(pid, 0) < 0 && errno == ESRCH)
                        return true;
                (void)usleep(10000);
        }
        return false;
}

const char harness_nasty_script[] =
        "trap '' TERM; echo $$; "
        "setsid sh -c 'trap \"\" TERM; echo $$; (sh -c \"trap \\\"\\\" TERM; echo \\$\\$; while :; "
        "do sleep 1; done\" &) ; "
        "while :; do sleep 1; done' & "
        "sh -c 'echo $$; kill -STOP $$; sleep 100' & "
        "while :; do sleep 1; done";

bool witness_has_four_lines(void *user) {
        return ((struct witness *)user)->n_lines >= 4;
}

void witness_assert_gone(const struct witness *witness) {
        for (const char *at = strstr(witness->text, "stdout "); at; at = strstr(at + 7, "stdout "))
                if (!harness_is_gone((pid_t)strtol(at + 7, NULL, 10)))
                        must(false, "a process of the step is left");
}

bool harness_enter_cgroup_mode(void) {
        static const char *const mounts[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
        for (size_t i = 0; i < 2; i++) {
                _cleanup_free_ char *controllers = path_join(mounts[i], "cgroup.controllers");
                _cleanup_free_ char *base = xasprintf("%s/batchtest-%d", mounts[i], (int)getpid());
                if (access(controllers, F_OK) < 0)
                        continue;
                if (mkdir(base, 0755) < 0)
                        break;
                setenv("BATCHTEST_CGROUP", base, 1);
                return true;
        }
        puts("no cgroup2 that this user may make groups in: skipped");
        return false;
}

void harness_leave_cgroup_mode(void) {
        const char *base = getenv("BATCHTEST_CGROUP");
        _cleanup_free_ char *launcher = path_join(base, "launcher"), *monitors = path_join(base, "monitors");
        for (int i = 0; i < 200 && access(base, F_OK) >= 0; i++) {
                (void)rmdir(launcher);
                (void)rmdir(monitors);
                if (rmdir(base) < 0)
                        (void)usleep(10000);
        }
        must(access(base, F_OK) < 0, "a cgroup is left"); /* no leaf of a step is left either */
}
