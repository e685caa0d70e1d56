/* The daemon as a whole against bare loops in this program: launching steps (with their durable rows), and the way of a
 * line from a step's write to a client's read. The daemon, the launcher, monitors and steps are the real ones of the
 * build. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "bench_instance.h"
#include "buf.h"
#include "cleanup.h"
#include "xalloc.h"

#define STEPS 100
#define LAUNCH_ROUNDS 7
#define LINES 2000
#define LATENCY_ROUNDS 5

extern char **environ;

/* The bare launch: posix_spawn with setsid, two pipes and a pidfd, read to the end. */
static void bare_launch(void) {
        char *argv[] = {(char[]){"/bin/true"}, NULL};
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        int out[2], err[2], epoll = epoll_create1(EPOLL_CLOEXEC), open_pipes = 2, pidfd;
        struct epoll_event event = {.events = EPOLLIN};
        siginfo_t info;
        pid_t pid;
        char data[4096];

        must(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0, "pipe2");
        (void)posix_spawn_file_actions_init(&actions);
        (void)posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        (void)posix_spawn_file_actions_adddup2(&actions, err[1], 2);
        (void)posix_spawnattr_init(&attributes);
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
        must(posix_spawn(&pid, argv[0], &actions, &attributes, argv, environ) == 0, "posix_spawn");
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)posix_spawnattr_destroy(&attributes);
        (void)close(out[1]);
        (void)close(err[1]);
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        event.data.fd = out[0];
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, out[0], &event);
        event.data.fd = err[0];
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, err[0], &event);
        while (open_pipes > 0 && epoll_wait(epoll, &event, 1, -1) == 1)
                if (read(event.data.fd, data, sizeof(data)) <= 0) {
                        (void)close(event.data.fd);
                        open_pipes--;
                }
        (void)waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED);
        (void)close(pidfd);
        (void)close(epoll);
}

/* The daemon's own rows of its last run, written again and again into a copy of its database: one transaction a step,
 * in which an attempt ends, the next one begins and the run changes, as the daemon has it. */
struct bare_rows {
        sqlite3 *db;
        sqlite3_stmt *begin, *attempts, *run, *commit;
};

static void open_rows(struct bare_rows *rows, const char *folder) {
        _cleanup_free_ char *source = xasprintf("%s/state/state.db", folder);
        _cleanup_free_ char *copy = xasprintf("%s/bare.db", folder);
        _cleanup_free_ char *into = xasprintf("VACUUM INTO '%s'", copy);
        sqlite3 *db;

        (void)unlink(copy);
        must(sqlite3_open(source, &db) == SQLITE_OK && sqlite3_exec(db, into, NULL, NULL, NULL) == SQLITE_OK,
             "copy of state.db");
        (void)sqlite3_close(db);
        must(sqlite3_open(copy, &rows->db) == SQLITE_OK, "sqlite3_open");
        must(sqlite3_exec(
                     rows->db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TEMP TABLE a AS SELECT * FROM attempts WHERE run_id = (SELECT run_id FROM runs ORDER BY run_number DESC LIMIT 1);"
                     "CREATE TEMP TABLE r AS SELECT * FROM runs ORDER BY run_number DESC LIMIT 1",
                     NULL, NULL, NULL) == SQLITE_OK,
             "bare tables");
        (void)sqlite3_prepare_v2(rows->db, "BEGIN IMMEDIATE", -1, &rows->begin, NULL);
        (void)sqlite3_prepare_v2(rows->db, "INSERT OR REPLACE INTO attempts SELECT * FROM a LIMIT 2 OFFSET ?", -1,
                                 &rows->attempts, NULL);
        (void)sqlite3_prepare_v2(rows->db, "INSERT OR REPLACE INTO runs SELECT * FROM r", -1, &rows->run, NULL);
        (void)sqlite3_prepare_v2(rows->db, "COMMIT", -1, &rows->commit, NULL);
}

static void step_and_reset(sqlite3_stmt *statement) {
        must(sqlite3_step(statement) == SQLITE_DONE, "sqlite3_step");
        (void)sqlite3_reset(statement);
}

static void bare_commit(struct bare_rows *rows, int step) {
        step_and_reset(rows->begin);
        (void)sqlite3_bind_int(rows->attempts, 1, step % (STEPS - 1));
        step_and_reset(rows->attempts);
        step_and_reset(rows->run);
        step_and_reset(rows->commit);
}

static void close_rows(struct bare_rows *rows) {
        (void)sqlite3_finalize(rows->begin);
        (void)sqlite3_finalize(rows->attempts);
        (void)sqlite3_finalize(rows->run);
        (void)sqlite3_finalize(rows->commit);
        (void)sqlite3_close(rows->db);
}

static double run_chain(struct bench_instance *instance) {
        double start = bench_now(CLOCK_MONOTONIC);

        instance_run_to_end(instance, "chain");
        return (bench_now(CLOCK_MONOTONIC) - start) / STEPS * 1e6;
}

static double bare_chain(struct bare_rows *rows) {
        double start = bench_now(CLOCK_MONOTONIC);

        for (int i = 0; i < STEPS; i++) {
                bare_launch();
                bare_commit(rows, i);
        }
        return (bench_now(CLOCK_MONOTONIC) - start) / STEPS * 1e6;
}

static char *chain_job(void) {
        struct buf text = BUF_INIT(1 << 20);

        for (int i = 0; i < STEPS; i++)
                (void)buf_appendf(&text, "[Step s%d]\nExec=/bin/true\n", i);
        return buf_steal(&text);
}

/* Interleaved, so that the machine's moods meet both sides alike. */
static void bench_launch(void) {
        _cleanup_free_ char *job = chain_job();
        struct bench_instance plain, heavy;
        double ours[LAUNCH_ROUNDS], bare[LAUNCH_ROUNDS], big[LAUNCH_ROUNDS];
        struct bare_rows rows;

        instance_start(&plain, (const char *const[]){"chain", job, NULL}, 0);
        instance_start(&heavy, (const char *const[]){"chain", job, NULL}, 200);
        (void)run_chain(&plain);
        (void)run_chain(&heavy);
        open_rows(&rows, plain.folder);
        for (int i = 0; i < LAUNCH_ROUNDS; i++) {
                ours[i] = run_chain(&plain);
                bare[i] = bare_chain(&rows);
                big[i] = run_chain(&heavy);
        }
        bench_ratio("launch of a step, durable rows included", "us", bench_quantile(ours, LAUNCH_ROUNDS, 0.5),
                    bench_quantile(bare, LAUNCH_ROUNDS, 0.5),
                    "posix_spawn + setsid + pipes + pidfd + commit of the same rows", 2);
        bench_ratio("launch while the daemon holds 200 MB", "us", bench_quantile(big, LAUNCH_ROUNDS, 0.5),
                    bench_quantile(ours, LAUNCH_ROUNDS, 0.5), "the daemon without", 1.15);
        close_rows(&rows);
        instance_stop(&plain);
        instance_stop(&heavy);
}

/* A writer of lines that hold the nanosecond of their writing, one a millisecond; this program is its own writer. */
static int write_lines(int count) {
        for (int i = 0; i < count; i++) {
                char line[64];
                struct timespec pause = {.tv_nsec = 1000000};
                int len;

                (void)nanosleep(&pause, NULL);
                len = snprintf(line, sizeof(line), "at %.0f\n", bench_now(CLOCK_MONOTONIC) * 1e9);
                if (write(STDOUT_FILENO, line, (size_t)len) != len)
                        return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}

static void pin(bool pinned) {
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(0, &set);
        if (!pinned)
                for (int i = 1; i < CPU_SETSIZE; i++)
                        CPU_SET((size_t)i, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
}

static size_t take_latencies(const char *text, double now, double *latencies, size_t n, size_t max) {
        for (const char *at = text; (at = strstr(at, "at ")) && n < max; at += 3)
                latencies[n++] = now * 1e6 - strtod(at + 3, NULL) / 1e3;
        return n;
}

/* The bare relay: a process that polls the writer's pipe and hands what it reads to a Unix socket. */
static size_t bare_latencies(double *latencies) {
        int lines[2], pair[2];
        pid_t writer, relay;
        char data[65536];
        size_t n = 0;
        ssize_t got;

        must(pipe(lines) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "pipes");
        writer = fork();
        if (writer == 0) {
                (void)dup2(lines[1], STDOUT_FILENO);
                _exit(write_lines(LINES));
        }
        (void)close(lines[1]);
        relay = fork();
        if (relay == 0) {
                struct pollfd fds = {.fd = lines[0], .events = POLLIN};

                while (poll(&fds, 1, -1) == 1 && (got = read(lines[0], data, sizeof(data))) > 0)
                        if (write(pair[1], data, (size_t)got) != got)
                                break;
                _exit(EXIT_SUCCESS);
        }
        (void)close(lines[0]);
        (void)close(pair[1]);
        while ((got = read(pair[0], data, sizeof(data) - 1)) > 0) {
                double now = bench_now(CLOCK_MONOTONIC);

                data[got] = 0;
                n = take_latencies(data, now, latencies, n, LINES);
        }
        (void)close(pair[0]);
        (void)waitpid(writer, NULL, 0);
        (void)waitpid(relay, NULL, 0);
        return n;
}

static size_t our_latencies(struct bench_instance *instance, double *latencies) {
        const char *payload;
        size_t n = 0;

        instance_follow(instance, "writer");
        while ((payload = instance_next_frame(instance))) {
                double now = bench_now(CLOCK_MONOTONIC);

                if (strstr(payload, "\"run.lines\""))
                        n = take_latencies(payload, now, latencies, n, LINES);
                if (strstr(payload, "\"run.end\""))
                        break;
        }
        return n;
}

static char *writer_job(const char *self) {
        return xasprintf("[Step write]\nExec=%s --write %d\n", self, LINES);
}

static void bench_latency_pinned(const char *self) {
        _cleanup_free_ char *job = writer_job(self);
        static double ours[LINES], bare[LINES];
        double ours_p50[LATENCY_ROUNDS], bare_p50[LATENCY_ROUNDS];
        struct bench_instance instance;

        pin(true);
        instance_start(&instance, (const char *const[]){"writer", job, NULL}, 0);
        for (int i = 0; i < LATENCY_ROUNDS; i++) {
                ours_p50[i] = bench_quantile(ours, our_latencies(&instance, ours), 0.5);
                bare_p50[i] = bench_quantile(bare, bare_latencies(bare), 0.5);
        }
        bench_ratio("a line from a step's write to a client's read, one processor, p50", "us",
                    bench_quantile(ours_p50, LATENCY_ROUNDS, 0.5), bench_quantile(bare_p50, LATENCY_ROUNDS, 0.5),
                    "poll relay", 4);
        instance_stop(&instance);
        pin(false);
}

static void bench_latency_flooded(const char *self) {
        _cleanup_free_ char *job = writer_job(self);
        static double ours[LINES], bare[LINES];
        double p99[LATENCY_ROUNDS], bare_p99[LATENCY_ROUNDS];
        struct bench_instance instance;
        static const char flood[] =
                "[Step flood]\nExec=/bin/sh -c \"exec yes 'a line of a step that prints as fast as it "
                "can, for ever'\"\nKillGraceSec=100ms\n";

        instance_start(&instance, (const char *const[]){"writer", job, "flood", flood, NULL}, 0);
        instance_start_run(&instance, "flood");
        for (int i = 0; i < LATENCY_ROUNDS; i++) {
                p99[i] = bench_quantile(ours, our_latencies(&instance, ours), 0.99);
                bare_p99[i] = bench_quantile(bare, bare_latencies(bare), 0.99);
        }
        bench_value("a line from write to read while another step floods, p99", "us",
                    bench_quantile(p99, LATENCY_ROUNDS, 0.5), 2000);
        bench_ratio("the same", "us", bench_quantile(p99, LATENCY_ROUNDS, 0.5),
                    bench_quantile(bare_p99, LATENCY_ROUNDS, 0.5), "poll relay beside the same flood", 0);
        instance_stop(&instance);
}

int main(int argc, char **argv) {
        _cleanup_free_ char *self = realpath("/proc/self/exe", NULL);

        if (argc == 3 && strcmp(argv[1], "--write") == 0)
                return write_lines((int)strtol(argv[2], NULL, 10));
        (void)signal(SIGPIPE, SIG_IGN);
        /* One part alone: launch, line or flood. */
        if (argc < 2 || strcmp(argv[1], "launch") == 0)
                bench_launch();
        if (argc < 2 || strcmp(argv[1], "line") == 0)
                bench_latency_pinned(self);
        if (argc < 2 || strcmp(argv[1], "flood") == 0)
                bench_latency_flooded(self);
        return EXIT_SUCCESS;
}
