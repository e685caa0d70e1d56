/* What a step costs from supervise_launch to its end, through launcher and monitor with pipes, notify socket, log and
 * attempt file, against a bare loop of posix_spawn + setsid + pipes + pidfd; and what a monitor costs while its step
 * writes line by line, or waits. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "supervise_harness.h"

#define LAUNCHES 300
#define REPETITIONS 5
#define LINES 1000000
#define STAMPS 2000

extern char **environ;

static double bare_launch(void) {
        int out[2], err[2];
        pid_t pid;
        char name[] = "/bin/true";
        char *argv[] = {name, NULL};
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none;
        double before = bench_now(CLOCK_MONOTONIC);
        if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
                abort();
        sigemptyset(&none);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        posix_spawn_file_actions_adddup2(&actions, err[1], 2);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
        posix_spawnattr_setsigmask(&attributes, &none);
        if (posix_spawn(&pid, name, &actions, &attributes, argv, environ) != 0)
                abort();
        int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
        (void)close(out[1]);
        (void)close(err[1]);
        struct pollfd fds[] = {
                {.fd = pid_fd, .events = POLLIN}, {.fd = out[0], .events = POLLIN}, {.fd = err[0], .events = POLLIN}};
        for (int open = 3; open > 0;) {
                (void)poll(fds, 3, -1);
                for (int i = 0; i < 3; i++)
                        if (fds[i].fd >= 0 && fds[i].revents) {
                                fds[i].fd = -1;
                                open--;
                        }
        }
        (void)waitid(P_PID, (id_t)pid, NULL, WEXITED);
        (void)close(pid_fd);
        (void)close(out[0]);
        (void)close(err[0]);
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        return bench_now(CLOCK_MONOTONIC) - before;
}

struct chain {
        struct harness *harness;
        struct witness witnesses[LAUNCHES];
        int n;
};

static void launch_next(struct chain *chain);

static void on_started(pid_t pid, usec_t realtime, void *user) {
}

static void on_lines(const struct cri_line *lines, size_t n, uint64_t offset, uint64_t end, void *user) {
}

static void on_report(const char *key, const char *value, void *user) {
}

static void on_ended(const struct attempt_result *result, void *user) {
        struct chain *chain = user;
        if (result->exit_status != 0)
                abort();
        launch_next(chain);
}

static const struct attempt_events chain_events = {on_started, on_lines, on_report, on_ended};

static void launch_next(struct chain *chain) {
        static char name[] = "/bin/true";
        char *argv[] = {name, NULL};
        if (chain->n == LAUNCHES) {
                loop_exit(chain->harness->loop, 0);
                return;
        }
        struct attempt_spec spec = harness_spec(chain->harness, &chain->witnesses[chain->n++], argv);
        (void)supervise_launch(chain->harness->supervise, &spec, &chain_events, chain);
}

static double our_launches(struct harness *harness) {
        static struct chain chain;
        memset(&chain, 0, sizeof(chain));
        chain.harness = harness;
        double before = bench_now(CLOCK_MONOTONIC);
        launch_next(&chain);
        (void)loop_run(harness->loop);
        double used = bench_now(CLOCK_MONOTONIC) - before;
        for (int i = 0; i < LAUNCHES; i++)
                witness_done(&chain.witnesses[i]);
        return used / LAUNCHES;
}

static void bench_launches(struct harness *harness) {
        double ours[REPETITIONS], bare[REPETITIONS];
        for (int i = 0; i < REPETITIONS; i++) {
                bare[i] = 0;
                for (int n = 0; n < LAUNCHES; n++)
                        bare[i] += bare_launch() / LAUNCHES;
                ours[i] = our_launches(harness);
        }
        /* The figure has the durable rows on both sides; this is the runner's part of it alone. */
        bench_ratio("launch through launcher and monitor", "us", bench_quantile(ours, REPETITIONS, 0.5) * 1e6,
                    bench_quantile(bare, REPETITIONS, 0.5) * 1e6, "posix_spawn + setsid + pipes + pidfd", 0);
}

/* A monitor's own CPU time, from /proc/<pid>/stat, in seconds. */
static double cpu_of_process(pid_t pid) {
        char path[64], text[512];
        unsigned long user = 0, system = 0;
        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        FILE *file = fopen(path, "re");
        if (!file || !fgets(text, sizeof(text), file))
                abort();
        (void)fclose(file);
        (void)sscanf(strrchr(text, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
        return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static bool has_line(void *user) {
        return ((struct witness *)user)->n_lines >= LINES;
}

static pid_t parent_of(pid_t pid) {
        char path[64], text[512];
        int parent = -1;
        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        FILE *file = fopen(path, "re");
        if (!file || !fgets(text, sizeof(text), file))
                abort();
        (void)fclose(file);
        (void)sscanf(strrchr(text, ')') + 1, " %*c %d", &parent);
        return parent;
}

/* This program as a step: one write(2) a line, then a wait, so that the monitor can be looked at. */
static int write_lines(void) {
        char line[100];
        memset(line, 'x', sizeof(line));
        line[sizeof(line) - 1] = '\n';
        for (int i = 0; i < LINES; i++)
                if (write(STDOUT_FILENO, line, sizeof(line)) < 0)
                        return 1;
        (void)pause();
        return 0;
}

static void bench_lines(struct harness *harness) {
        static char self[4096], role[] = "write-lines";
        double used[3];
        if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
                abort();
        char *argv[] = {self, role, NULL};
        for (int i = 0; i < 3; i++) {
                struct witness witness;
                struct attempt_spec spec = harness_spec(harness, &witness, argv);
                witness_launch(&witness, &spec);
                if (!harness_run(harness, has_line, &witness, 60))
                        abort();
                used[i] = cpu_of_process(parent_of(witness.pid)) / (LINES / 1e6);
                attempt_stop(witness.attempt);
                (void)witness_wait(&witness, 10);
                witness_done(&witness);
        }
        bench_value("log capture, one write a line", "CPU s/Mline", bench_quantile(used, 3, 0.5), 0.10);
}

static double pss_kib(pid_t pid) {
        char path[64], line[256];
        double kib = -1;
        snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
        FILE *file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file))
                if (sscanf(line, "Pss: %lf", &kib) == 1)
                        break;
        if (file)
                (void)fclose(file);
        return kib;
}

static void bench_memory(struct harness *harness) {
        static char name[] = "sleep", seconds[] = "60";
        char *argv[] = {name, seconds, NULL};
        struct witness witness;
        struct attempt_spec spec = harness_spec(harness, &witness, argv);
        witness_launch(&witness, &spec);
        harness_spin(harness, 300);
        bench_value("monitor of a waiting step, alone, PSS", "MiB", pss_kib(parent_of(witness.pid)) / 1024, 0.7);
        bench_value("launcher, PSS", "MiB", pss_kib(harness_launcher_pid(harness)) / 1024, 0);
        attempt_stop(witness.attempt);
        (void)witness_wait(&witness, 10);
        witness_done(&witness);
}

/* This program as a step: the time, once a millisecond. */
static int write_stamps(void) {
        for (int i = 0; i < STAMPS; i++) {
                struct timespec now;
                char line[32];
                (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
                (void)clock_gettime(CLOCK_MONOTONIC, &now);
                int n = snprintf(line, sizeof(line), "%lld\n", (long long)now.tv_sec * 1000000000 + now.tv_nsec);
                if (write(STDOUT_FILENO, line, (size_t)n) < 0)
                        return 1;
        }
        return 0;
}

struct stamps {
        struct harness *harness;
        double delays[STAMPS];
        size_t n;
};

static void on_stamps(const struct cri_line *lines, size_t n, uint64_t offset, uint64_t end, void *user) {
        struct stamps *stamps = user;
        double now = bench_now(CLOCK_MONOTONIC);
        for (size_t i = 0; i < n && stamps->n < STAMPS; i++)
                stamps->delays[stamps->n++] = (now - (double)strtoll(lines[i].text, NULL, 10) / 1e9) * 1e6;
}

static void on_stamps_ended(const struct attempt_result *result, void *user) {
        struct stamps *stamps = user;
        loop_exit(stamps->harness->loop, 0);
}

/* The bare one: a pipe, a relay that polls, reads and writes, a socket, a reader. */
static double bare_relay(void) {
        static double delays[STAMPS];
        int lines[2], out[2];
        size_t count = 0;
        char buffer[4096];
        if (pipe(lines) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, out) < 0)
                abort();
        pid_t writer = fork();
        if (writer == 0)
                _exit(dup2(lines[1], STDOUT_FILENO) < 0 ? 1 : write_stamps());
        (void)close(lines[1]);
        pid_t relay = fork();
        if (relay == 0) {
                struct pollfd fd = {.fd = lines[0], .events = POLLIN};
                ssize_t n;
                while (poll(&fd, 1, -1) > 0 && (n = read(lines[0], buffer, sizeof(buffer))) > 0)
                        if (write(out[1], buffer, (size_t)n) < 0)
                                _exit(1);
                _exit(0);
        }
        (void)close(lines[0]);
        (void)close(out[1]);
        struct pollfd fd = {.fd = out[0], .events = POLLIN};
        while (poll(&fd, 1, -1) > 0 && read(out[0], buffer, sizeof(buffer)) > 0 && count < STAMPS)
                delays[count++] = (bench_now(CLOCK_MONOTONIC) - (double)strtoll(buffer, NULL, 10) / 1e9) * 1e6;
        (void)close(out[0]);
        (void)waitpid(writer, NULL, 0);
        (void)waitpid(relay, NULL, 0);
        return bench_quantile(delays, count, 0.5);
}

/* From a step's write to the daemon's hands, everything on one processor, so that it is the code that is measured. */
static void bench_latency(void) {
        static const struct attempt_events stamp_events = {on_started, on_stamps, on_report, on_stamps_ended};
        static char self[4096], role[] = "write-stamps";
        static struct stamps stamps;
        struct harness harness;
        struct witness witness;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(0, &one);
        if (sched_setaffinity(0, sizeof(one), &one) < 0 || readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
                abort();
        harness_init(&harness);
        stamps.harness = &harness;
        char *argv[] = {self, role, NULL};
        struct attempt_spec spec = harness_spec(&harness, &witness, argv);
        (void)supervise_launch(harness.supervise, &spec, &stamp_events, &stamps);
        (void)loop_run(harness.loop);
        bench_ratio("line from a step's write to the daemon, p50", "us", bench_quantile(stamps.delays, stamps.n, 0.5),
                    bare_relay(), "pinned poll relay", 0);
        bench_value("line from a step's write to the daemon, p99", "us", bench_quantile(stamps.delays, stamps.n, 0.99),
                    0);
        witness_done(&witness);
        harness_done(&harness);
}

int main(int argc, char **argv) {
        struct harness harness;
        if (argc > 1)
                return strcmp(argv[1], "write-stamps") == 0 ? write_stamps() : write_lines();
        harness_init(&harness);
        harness_wait_for_launcher(&harness);
        bench_launches(&harness);
        bench_lines(&harness);
        bench_memory(&harness);
        harness_done(&harness);
        bench_latency();
        return 0;
}
