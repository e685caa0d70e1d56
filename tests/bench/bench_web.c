/* What bench_web.py runs beside batch-web: many readers of a stream in one process, and the bare server that they are
 * compared with.
 *
 *   bench_web client PORT PATH STREAMS SECONDS   prints: delivered events' lines, lines missed, p50 and p99 of the
 * delay in ms bench_web raw STREAMS SECONDS                prints its port, then its processor seconds: writes what
 * batch-web would, every 10 ms, with one send() a stream
 *
 * A line's text begins with T and the instant at which it was printed, in nanoseconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define READ_SIZE ((size_t)256 * 1024)
#define DELAYS_MAX ((size_t)4 * 1024 * 1024)
/* One stream in so many has the delay of each of its lines taken. */
#define SAMPLED 20
/* Connections are made first; what comes then is not counted. */
#define SETTLE 1.0
#define LINES_PER_FLUSH 10
#define FLUSH 0.01

struct reader {
        int fd;
        long first, last, missed;
        char tail[64]; /* the end of the last piece: a field may be cut */
        size_t tail_len;
};

struct client {
        struct reader *readers;
        size_t n_readers;
        double *delays;
        size_t n_delays;
        bool counting;
        char *piece;
};

static void die(const char *what) {
        perror(what);
        exit(1);
}

static int connect_to(int port, const char *path) {
        struct sockaddr_in address = {
                .sin_family = AF_INET, .sin_port = htons((in_port_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM, 0), n;
        char request[512];

        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                die("connect");
        n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
        if (send(fd, request, (size_t)n, 0) != n)
                die("send");
        return fd;
}

/* Numbers behind each occurrence of the mark. */
static void each(const char *text, size_t len, const char *mark, void (*fn)(long value, void *user), void *user) {
        size_t mark_len = strlen(mark);
        const char *end = text + len, *found = text;

        while ((found = memmem(found, (size_t)(end - found), mark, mark_len))) {
                found += mark_len;
                fn(strtol(found, NULL, 10), user);
        }
}

static void take_id(long id, void *user) {
        struct reader *reader = user;

        if (reader->first == 0)
                reader->first = id;
        if (id > reader->last)
                reader->last = id;
}

static void take_missed(long missed, void *user) {
        ((struct reader *)user)->missed += missed;
}

static void take_instant(long instant, void *user) {
        struct client *client = user;

        if (client->n_delays < DELAYS_MAX)
                client->delays[client->n_delays++] = (bench_now(CLOCK_REALTIME) - (double)instant / 1e9) * 1e3;
}

/* The part that ends in a whole line is looked at; the rest waits for what completes it. */
static void take_piece(struct client *client, struct reader *reader, size_t len) {
        size_t whole = len;

        while (whole > 0 && client->piece[whole - 1] != '\n')
                whole--;
        if (len - whole < sizeof(reader->tail) && whole > 0) {
                reader->tail_len = len - whole;
                memcpy(reader->tail, client->piece + whole, reader->tail_len);
        } else {
                whole = len;
                reader->tail_len = 0;
        }
        client->piece[whole] = '\0';
        if (!client->counting)
                return;
        each(client->piece, whole, "id: ", take_id, reader);
        each(client->piece, whole, "\"skipped\":", take_missed, reader);
        if ((size_t)(reader - client->readers) % SAMPLED == 0)
                each(client->piece, whole, "\"T", take_instant, client);
}

static void read_some(struct client *client, struct reader *reader) {
        ssize_t n;

        memcpy(client->piece, reader->tail, reader->tail_len);
        n = recv(reader->fd, client->piece + reader->tail_len, READ_SIZE, MSG_DONTWAIT);
        if (n > 0)
                take_piece(client, reader, reader->tail_len + (size_t)n);
        else if (n == 0 || errno != EAGAIN)
                die("a stream ended");
}

static void read_for(struct client *client, int epoll, double seconds) {
        double end = bench_now(CLOCK_MONOTONIC) + seconds;
        struct epoll_event events[256];

        while (bench_now(CLOCK_MONOTONIC) < end) {
                int n = epoll_wait(epoll, events, 256, 100);

                for (int i = 0; i < n; i++)
                        read_some(client, events[i].data.ptr);
        }
}

static int run_client(int port, const char *path, size_t streams, double seconds) {
        struct client client = {.readers = calloc(streams, sizeof(struct reader)),
                                .n_readers = streams,
                                .delays = malloc(DELAYS_MAX * sizeof(double)),
                                .piece = malloc(READ_SIZE + 128)};
        int epoll = epoll_create1(0);
        long delivered = 0, missed = 0;

        for (size_t i = 0; i < streams; i++) {
                struct epoll_event event = {.events = EPOLLIN, .data.ptr = &client.readers[i]};

                client.readers[i].fd = connect_to(port, path);
                (void)epoll_ctl(epoll, EPOLL_CTL_ADD, client.readers[i].fd, &event);
        }
        read_for(&client, epoll, SETTLE);
        puts("begun");
        (void)fflush(stdout);
        client.counting = true;
        read_for(&client, epoll, seconds);
        for (size_t i = 0; i < streams; i++) {
                delivered += client.readers[i].last - client.readers[i].first - client.readers[i].missed;
                missed += client.readers[i].missed;
        }
        printf("%ld %ld %.3f ", delivered, missed, bench_quantile(client.delays, client.n_delays, 0.5));
        printf("%.3f\n", bench_quantile(client.delays, client.n_delays, 0.99));
        return 0;
}

static int listen_any(void) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1024) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &size) < 0)
                die("listen");
        printf("%d\n", ntohs(address.sin_port));
        (void)fflush(stdout);
        return fd;
}

static size_t format_flush(char *text, size_t size, long *sequence) {
        size_t len = (size_t)snprintf(text, size, "id: %ld\nevent: lines\ndata: {\"skipped\":0,\"lines\":[",
                                      *sequence + LINES_PER_FLUSH);

        for (int i = 0; i < LINES_PER_FLUSH; i++)
                len += (size_t)snprintf(
                        text + len, size - len,
                        "%s{\"seq\":%ld,\"time\":\"2026-11-22T04:21:02.000001Z\",\"step\":\"lines\","
                        "\"stream\":\"stdout\",\"text\":\"T%.0f a line of output as steps print them\"}",
                        i > 0 ? "," : "", ++*sequence, bench_now(CLOCK_REALTIME) * 1e9);
        return len + (size_t)snprintf(text + len, size - len, "]}\n\n");
}

static double cpu_seconds(void) {
        struct rusage usage;

        (void)getrusage(RUSAGE_SELF, &usage);
        return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int run_raw(size_t streams, double seconds) {
        static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
        int listener = listen_any(), *fds = calloc(streams, sizeof(int));
        static char text[8192];
        double begin, end, next, used;
        long sequence = 0;

        for (size_t i = 0; i < streams; i++) {
                fds[i] = accept(listener, NULL, NULL);
                (void)setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
                (void)send(fds[i], head, sizeof(head) - 1, MSG_NOSIGNAL);
        }
        begin = next = bench_now(CLOCK_MONOTONIC);
        end = begin + seconds;
        used = cpu_seconds();
        while (next < end) {
                struct timespec until = {.tv_sec = (time_t)next,
                                         .tv_nsec = (long)((next - (double)(time_t)next) * 1e9)};
                size_t len;

                (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
                len = format_flush(text, sizeof(text), &sequence);
                for (size_t i = 0; i < streams; i++)
                        (void)send(fds[i], text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
                next += FLUSH;
        }
        printf("%.3f\n", (cpu_seconds() - used) / (bench_now(CLOCK_MONOTONIC) - begin));
        return 0;
}

int main(int argc, char **argv) {
        if (argc == 6 && strcmp(argv[1], "client") == 0)
                return run_client(atoi(argv[2]), argv[3], (size_t)atol(argv[4]), atof(argv[5]));
        if (argc == 4 && strcmp(argv[1], "raw") == 0)
                return run_raw((size_t)atol(argv[2]), atof(argv[3]));
        (void)fputs("bench_web client PORT PATH STREAMS SECONDS | raw STREAMS SECONDS\n", stderr);
        return 2;
}
