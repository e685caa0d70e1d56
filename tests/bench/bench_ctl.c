/* `batchctl status`, from posix_spawn to the end of wait, against /bin/true and one round trip on an open connection:
 * what a person or a loop in a script waits for. The daemon is a real one in a folder of its own. Measured in turn, so
 * that a busy machine is busy for all three. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "client.h"
#include "fileutil.h"
#include "sockutil.h"
#include "xalloc.h"

#define ROUNDS 5
#define REPETITIONS 200

extern char **environ;

static const char *folder, *build;

static pid_t spawn(const char *const *argv) {
        static posix_spawn_file_actions_t actions;
        static int ready;
        pid_t pid;

        if (!ready) {
                (void)posix_spawn_file_actions_init(&actions);
                (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
                (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
                ready = 1;
        }
        if (posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
                abort();
        return pid;
}

static void run(const char *const *argv) {
        pid_t pid = spawn(argv);
        int status;

        if (waitpid(pid, &status, 0) != pid || status != 0)
                abort();
}

static void call_true(void) {
        static const char *const argv[] = {"/bin/true", NULL};

        run(argv);
}

static const char *status_argv[] = {NULL, "--socket", NULL, "status", NULL};

static void call_status(void) {
        run(status_argv);
}

static struct client *client;
static int connection = -1;

static void call_open(void) {
        struct client_message message = {0};
        size_t len, size;
        const char *data;

        if (client_call(client, METHOD_DAEMON_HELLO, NULL) < 0)
                abort();
        data = client_output(client, &len);
        if (send(connection, data, len, MSG_NOSIGNAL) != (ssize_t)len)
                abort();
        client_sent(client, len);
        while (client_next(client, &message, NULL) == 0) {
                char *room = client_input(client, &size);
                ssize_t n = recv(connection, room, size, 0);

                if (n <= 0)
                        abort();
                client_received(client, (size_t)n);
        }
        client_message_done(&message);
}

static double seconds_of(void (*call)(void)) {
        double start = bench_now(CLOCK_MONOTONIC);

        call();
        return bench_now(CLOCK_MONOTONIC) - start;
}

static pid_t start_daemon(const char *socket_path) {
        _cleanup_free_ char *config = xasprintf("%s/batchd.conf", folder),
                            *program = xasprintf("%s/daemon/main/batchd", build);
        _cleanup_free_ char *text =
                xasprintf("[Daemon]\nStateDirectory=%s/state\nRuntimeDirectory=%s\nJobsDirectory=%s/jobs.d\n"
                          "RunnerPath=%s/daemon/runner/batch-runner\nLogTarget=console\n",
                          folder, folder, folder, build);
        _cleanup_free_ char *jobs = xasprintf("%s/jobs.d", folder);
        const char *const argv[] = {program, "--config", config, NULL};

        if (mkdir_parents(jobs, 0700) < 0 || write_file_atomic(config, text, strlen(text), 0600) < 0)
                abort();
        pid_t pid = spawn(argv);
        for (int i = 0; i < 1000 && connection < 0; i++) {
                (void)poll(NULL, 0, 10);
                connection = unix_connect(socket_path, SOCK_STREAM);
        }
        if (connection < 0)
                abort();
        return pid;
}

static void measure(void) {
        static double ours[REPETITIONS], bare[REPETITIONS], trip[REPETITIONS];
        double status[ROUNDS], truth[ROUNDS], round_trip[ROUNDS], sum[ROUNDS];

        for (int round = 0; round < ROUNDS; round++) {
                for (int i = 0; i < REPETITIONS; i++) {
                        bare[i] = seconds_of(call_true);
                        ours[i] = seconds_of(call_status);
                        trip[i] = seconds_of(call_open);
                }
                status[round] = bench_quantile(ours, REPETITIONS, 0.5) * 1e6;
                truth[round] = bench_quantile(bare, REPETITIONS, 0.5) * 1e6;
                round_trip[round] = bench_quantile(trip, REPETITIONS, 0.5) * 1e6;
                sum[round] = truth[round] + round_trip[round];
        }
        printf("/bin/true %.0f us, one round trip %.0f us\n", bench_quantile(truth, ROUNDS, 0.5),
               bench_quantile(round_trip, ROUNDS, 0.5));
        bench_ratio("batchctl status, start to exit", "us", bench_quantile(status, ROUNDS, 0.5),
                    bench_quantile(sum, ROUNDS, 0.5), "/bin/true + a round trip", 1.5);
}

/* The daemon leaves its launcher behind on purpose; here it becomes a child of this program, and ends with it. */
static void end_children(void) {
        _cleanup_free_ char *path = xasprintf("/proc/self/task/%d/children", (int)getpid()), *text = NULL;

        if (read_file(path, 4096, &text, NULL) < 0)
                return;
        for (char *p = text; *p;) {
                pid_t pid = (pid_t)strtol(p, &p, 10);

                if (pid <= 0)
                        return;
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
                p += strspn(p, " ");
        }
}

int main(void) {
        char template[] = "/tmp/bc-XXXXXX";

        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
        folder = mkdtemp(template);
        build = getenv("BATCHTEST_BUILD");
        if (!folder || !build)
                abort();
        _cleanup_free_ char *path = xasprintf("%s/control.sock", folder),
                            *program = xasprintf("%s/client/ctl/batchctl", build);
        status_argv[0] = program;
        status_argv[2] = path;
        pid_t daemon = start_daemon(path);
        client = client_new();
        call_open();
        call_status();
        measure();
        client_free(client);
        (void)close(connection);
        (void)kill(daemon, SIGTERM);
        (void)waitpid(daemon, NULL, 0);
        end_children();
        (void)remove_tree(folder);
        return 0;
}
