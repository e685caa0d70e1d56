/* A call over an open connection, through sockets, loop, JSON-RPC, admission and dispatch, against a bare ping-pong of
 * as many bytes over such a socket. The engine behind it answers at once, so this is what the control socket itself
 * costs; the client parses the answers. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "control_harness.h"
#include "frame.h"
#include "log.h"

#define REQUEST                                                                                                        \
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"run.list\",\"params\":{\"job\":\"weekly_update\",\"status\":"      \
        "\"failed\",\"limit\":50,\"since\":\"2026-11-01T00:00:00Z\",\"triggered_by\":\"timer\"}}"
#define ANSWER_PADDING 740
#define ROUNDS 5
#define CALLS 4000
#define WATCHERS 100

static size_t answer_size;

static bool send_all(int fd, const void *data, size_t len) {
        return send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool receive_all(int fd, void *data, size_t len) {
        return recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

static void *raw_server(void *argument) {
        static char request[4096], answer[8192];
        int fd = *(const int *)argument;

        while (receive_all(fd, request, sizeof(REQUEST) - 1 + FRAME_HEADER_SIZE))
                if (!send_all(fd, answer, answer_size))
                        break;
        return NULL;
}

static void raw_call(int fd) {
        static char request[sizeof(REQUEST) - 1 + FRAME_HEADER_SIZE], answer[8192];

        if (!send_all(fd, request, sizeof(request)) || !receive_all(fd, answer, answer_size))
                abort();
}

/* As the client library does it: a frame in one piece, and what is there in one read. */
static void our_call(int fd) {
        static struct buf request = {.max = 4096}, answer = {.max = 65536};
        struct jval *reply = NULL;
        const char *payload;
        size_t len;

        buf_clear(&request);
        if (frame_append(&request, REQUEST, sizeof(REQUEST) - 1) < 0 || !send_all(fd, buf_data(&request), request.len))
                abort();
        while (frame_peek(&answer, &payload, &len) == 0) {
                char *to = buf_reserve(&answer, 8192);
                ssize_t n = recv(fd, to, 8192, 0);

                if (n <= 0)
                        abort();
                buf_commit(&answer, (size_t)n);
        }
        if (jval_parse(payload, len, &reply, NULL) < 0 || !jval_get(reply, "result"))
                abort();
        jval_unref(reply);
        frame_consume(&answer, len);
}

/* Seconds at the quantile. */
static double measure(void (*call)(int fd), int fd, double quantile) {
        static double times[CALLS];

        for (int i = 0; i < CALLS; i++) {
                double start = bench_now(CLOCK_MONOTONIC);

                call(fd);
                times[i] = bench_now(CLOCK_MONOTONIC) - start;
        }
        return bench_quantile(times, CALLS, quantile);
}

static void compare(const char *what, int ours_fd, int raw_fd, double quantile, double limit) {
        double ours[ROUNDS], raw[ROUNDS];

        for (int i = 0; i < ROUNDS; i++) {
                raw[i] = measure(raw_call, raw_fd, quantile) * 1e6;
                ours[i] = measure(our_call, ours_fd, quantile) * 1e6;
        }
        bench_ratio(what, "us", bench_quantile(ours, ROUNDS, 0.5), bench_quantile(raw, ROUNDS, 0.5), "socket ping-pong",
                    limit);
}

/* Of this thread and those that it starts from now on. processor -1: any. */
static void pin(int processor) {
        cpu_set_t set;

        CPU_ZERO(&set);
        for (int i = 0; i < CPU_SETSIZE; i++)
                if (processor < 0 || i == processor)
                        CPU_SET(i, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
}

static size_t size_of_answer(int fd) {
        char *text;
        struct jval *reply = client_call(fd, REQUEST);
        size_t size;

        text = jval_dump(reply);
        size = strlen(text) + FRAME_HEADER_SIZE;
        free(text);
        jval_unref(reply);
        return size;
}

/* client, server: their processors. Left to itself the kernel puts the two ends of the ping-pong on one processor or on
 * two, and its time jumps by a factor of ten; so both are measured in the same place. */
static void run(const char *where, int client, int server, double limit) {
        struct harness *harness;
        int pair[2], fd, idle[WATCHERS];
        pthread_t thread;
        char what[64];

        pin(server);
        harness = harness_new(NULL);
        fake_engine_state(harness_engine(harness))->answer_bytes = ANSWER_PADDING;
        for (int i = 0; i < WATCHERS; i++)
                idle[i] = client_connect(harness);
        fd = client_connect(harness);
        answer_size = size_of_answer(fd);
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
            pthread_create(&thread, NULL, raw_server, &pair[1]) != 0)
                abort();
        pin(client);
        (void)snprintf(what, sizeof(what), "control round trip, p50, %s", where);
        compare(what, fd, pair[0], 0.5, limit);
        (void)snprintf(what, sizeof(what), "control round trip, p99, %s", where);
        compare(what, fd, pair[0], 0.99, 0);
        (void)shutdown(pair[0], SHUT_RDWR);
        (void)pthread_join(thread, NULL);
        for (int i = 0; i < WATCHERS; i++)
                (void)close(idle[i]);
        (void)close(fd);
        harness_free(harness);
}

int main(void) {
        log_set_level(LOG_LEVEL_CRIT);
        if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
                run("two processors", 0, 1, 2);
        run("one processor", 0, 0, 0);
        run("anywhere", -1, -1, 0);
        return 0;
}
