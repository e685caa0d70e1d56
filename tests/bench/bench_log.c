/* CPU of log capture: a generator writes 100-byte lines into a pipe, the consumer turns them into a CRI log file. Ours
 * is the monitor's capture (and, line by line, the whole monitor under a launcher); the bare one is a memchr loop that
 * does the same. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "log_capture.h"

#define LINE_SIZE 100
#define REPETITIONS 7
#define BLOCK_LINES 4000000

static double cpu_of(int who) {
        struct rusage usage;
        getrusage(who, &usage);
        return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec +
               (double)usage.ru_stime.tv_usec / 1e6;
}

static pid_t start_generator(int fd, long lines, size_t block) {
        pid_t pid = fork();
        if (pid != 0)
                return pid;
        char *data = malloc(block);
        for (size_t i = 0; i < block; i++)
                data[i] = i % LINE_SIZE == LINE_SIZE - 1 ? '\n' : (char)('a' + i % 26);
        size_t left = (size_t)lines * LINE_SIZE;
        while (left > 0) {
                ssize_t n = write(fd, data, left < block ? left : block);
                if (n <= 0)
                        _exit(1);
                left -= (size_t)n;
        }
        _exit(0);
}

/* What anybody would write: split with memchr, a timestamp a read, the prefix before each line, one write a buffer. */
static void bare_loop(int in, int out) {
        static char buffer[16 * 1024 + 128 * 1024], lines[512 * 1024];
        size_t kept = 0;
        for (;;) {
                ssize_t n = read(in, buffer + kept, 128 * 1024);
                if (n <= 0)
                        return;
                char prefix[64];
                struct timespec now;
                struct tm tm;
                clock_gettime(CLOCK_REALTIME, &now);
                gmtime_r(&now.tv_sec, &tm);
                size_t prefix_len = strftime(prefix, 32, "%Y-%m-%dT%H:%M:%S", &tm);
                prefix_len += (size_t)snprintf(prefix + prefix_len, 32, ".%09ldZ stdout F ", now.tv_nsec);
                size_t len = kept + (size_t)n, at = 0, used = 0;
                const char *newline;
                while ((newline = memchr(buffer + at, '\n', len - at))) {
                        size_t line = (size_t)(newline - buffer) + 1 - at;
                        memcpy(lines + used, prefix, prefix_len);
                        memcpy(lines + used + prefix_len, buffer + at, line);
                        used += prefix_len + line;
                        at += line;
                }
                if (write(out, lines, used) != (ssize_t)used)
                        abort();
                memmove(buffer, buffer + at, len - at);
                kept = len - at;
        }
}

static void our_loop(int in, int out) {
        struct log_capture capture;
        struct log_stream stream = {.fd = dup(in)};
        if (log_capture_init(&capture, out) < 0)
                abort();
        ssize_t n;
        do {
                log_capture_begin(&capture);
                n = log_capture_read(&capture, &stream);
                log_capture_flush(&capture);
        } while (n > 0);
        log_capture_done(&capture);
}

/* CPU seconds a million lines. */
static double measure(void (*consume)(int in, int out), long lines, size_t block) {
        char path[] = "/tmp/bench-log-XXXXXX";
        int pipe_fds[2], file = mkstemp(path);
        if (file < 0 || pipe(pipe_fds) < 0)
                abort();
        (void)unlink(path);
        (void)fcntl(pipe_fds[0], F_SETPIPE_SZ, 1024 * 1024);
        pid_t generator = start_generator(pipe_fds[1], lines, block);
        (void)close(pipe_fds[1]);
        double before = cpu_of(RUSAGE_SELF);
        consume(pipe_fds[0], file);
        double used = cpu_of(RUSAGE_SELF) - before;
        (void)close(pipe_fds[0]);
        (void)close(file);
        (void)waitpid(generator, NULL, 0);
        return used / ((double)lines / 1e6);
}

int main(void) {
        double ours[REPETITIONS], bare[REPETITIONS];
        for (int i = 0; i < REPETITIONS; i++) {
                bare[i] = measure(bare_loop, BLOCK_LINES, 64 * 1024);
                ours[i] = measure(our_loop, BLOCK_LINES, 64 * 1024);
        }
        bench_ratio("log capture, block writes", "CPU s/Mline", bench_quantile(ours, REPETITIONS, 0.5),
                    bench_quantile(bare, REPETITIONS, 0.5), "memchr loop to a file", 1.3);
        return 0;
}
