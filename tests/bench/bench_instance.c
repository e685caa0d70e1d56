#include "bench_instance.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "fileutil.h"
#include "frame.h"
#include "sockutil.h"
#include "xalloc.h"

extern char **environ;

void must(bool condition, const char *what) {
        if (condition)
                return;
        (void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static void write_text(const char *folder, const char *name, const char *text) {
        _cleanup_free_ char *path = path_join(folder, name);

        must(write_file_atomic(path, text, strlen(text), 0644) == 0, path);
}

static char *build_path(const char *name) {
        const char *build = getenv("BATCHTEST_BUILD");

        must(build != NULL, "BATCHTEST_BUILD names the build");
        return path_join(build, name);
}

static pid_t spawn_daemon(const struct bench_instance *instance, unsigned ballast) {
        _cleanup_free_ char *program = build_path("daemon/main/batchd"),
                            *config = path_join(instance->folder, "batchd.conf");
        _cleanup_free_ char *library = build_path("tests/bench/libballast.so");
        char *argv[] = {program, (char[]){"--config"}, config, NULL}, megabytes[16];
        pid_t pid;

        if (ballast > 0) {
                (void)snprintf(megabytes, sizeof(megabytes), "%u", ballast);
                (void)setenv("LD_PRELOAD", library, 1);
                (void)setenv("BENCH_BALLAST", megabytes, 1);
        }
        must(posix_spawn(&pid, program, NULL, NULL, argv, environ) == 0, program);
        (void)unsetenv("LD_PRELOAD");
        return pid;
}

static void wait_a_moment(void) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

void instance_start(struct bench_instance *instance, const char *const *jobs, unsigned ballast) {
        _cleanup_free_ char *runner = build_path("daemon/runner/batch-runner"), *config = NULL, *socket = NULL,
                            *folder = NULL;

        *instance = (struct bench_instance){
                .input = BUF_INIT((size_t)4 * 1024 * 1024),
                /* As on a server: state on a disk (/tmp is in memory on many machines, and a commit there costs
                 * nothing), sockets in memory, where /run is. */
                .folder = "/var/tmp/batchd-bench.XXXXXX",
                .runtime = "/dev/shm/batchd-bench.XXXXXX",
        };
        must(mkdtemp(instance->folder) != NULL && mkdtemp(instance->runtime) != NULL, "mkdtemp");
        config = xasprintf("[Daemon]\nRunnerPath=%s\nRuntimeDirectory=%s\nLogTarget=console\nLogLevel=warning\n",
                           runner, instance->runtime);
        write_text(instance->folder, "batchd.conf", config);
        folder = path_join(instance->folder, "jobs.d");
        must(mkdir_parents(folder, 0755) == 0, folder);
        for (; *jobs; jobs += 2) {
                _cleanup_free_ char *name = xasprintf("%s.job", jobs[0]);

                write_text(folder, name, jobs[1]);
        }
        instance->pid = spawn_daemon(instance, ballast);
        socket = path_join(instance->runtime, "control.sock");
        for (int i = 0; i < 500 && (instance->fd = unix_connect(socket, SOCK_STREAM)) < 0; i++)
                wait_a_moment();
        must(instance->fd >= 0, socket);
}

static void end_launcher(const struct bench_instance *instance) {
        _cleanup_free_ char *command = xasprintf("pkill -TERM -f -- '--runtime-directory %s'", instance->runtime);
        FILE *pipe = popen(command, "r");

        if (pipe)
                (void)pclose(pipe);
}

void instance_stop(struct bench_instance *instance) {
        (void)close(instance->fd);
        (void)kill(instance->pid, SIGINT);
        (void)waitpid(instance->pid, NULL, 0);
        end_launcher(instance);
        for (int i = 0; i < 100 && remove_tree(instance->folder) < 0; i++)
                wait_a_moment();
        (void)remove_tree(instance->runtime);
        buf_done(&instance->input);
}

static void send_call(struct bench_instance *instance, const char *json) {
        struct buf out = BUF_INIT(4096);

        must(frame_append(&out, json, strlen(json)) == 0, "frame");
        must(write_all(instance->fd, buf_data(&out), out.len) == 0, "write to the daemon");
        buf_done(&out);
}

const char *instance_next_frame(struct bench_instance *instance) {
        const char *payload;
        size_t len;

        if (instance->consumed > 0)
                frame_consume(&instance->input, instance->consumed);
        while (frame_peek(&instance->input, &payload, &len) == 0) {
                char *to = buf_reserve(&instance->input, 65536);
                ssize_t n = to ? read(instance->fd, to, 65536) : -1;

                must(n > 0, "read from the daemon");
                buf_commit(&instance->input, (size_t)n);
        }
        instance->consumed = len;
        return payload;
}

static const char *answer(struct bench_instance *instance) {
        const char *payload;

        do
                payload = instance_next_frame(instance);
        while (!strstr(payload, "\"id\""));
        return payload;
}

void instance_ask(struct bench_instance *instance, const char *call) {
        send_call(instance, call);
        (void)answer(instance);
}

long instance_start_run(struct bench_instance *instance, const char *job) {
        _cleanup_free_ char *call =
                xasprintf("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"run.start\",\"params\":{\"job\":\"%s\"}}", job);
        const char *payload, *number;

        send_call(instance, call);
        payload = answer(instance);
        number = strstr(payload, "\"run_number\":");
        must(number != NULL, payload);
        return strtol(number + strlen("\"run_number\":"), NULL, 10);
}

void instance_follow(struct bench_instance *instance, const char *job) {
        _cleanup_free_ char *call = xasprintf(
                "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"run.tail\",\"params\":{\"run\":%ld,\"follow\":true}}",
                instance_start_run(instance, job));

        send_call(instance, call);
        (void)answer(instance);
}

void instance_run_to_end(struct bench_instance *instance, const char *job) {
        instance_follow(instance, job);
        while (!strstr(instance_next_frame(instance), "\"run.end\""))
                ;
}
