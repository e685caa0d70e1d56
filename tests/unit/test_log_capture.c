/* Log capture against a plain reference: whatever way the bytes come in, the file says the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "log_capture.h"
#include "macro.h"
#include "xalloc.h"

struct fixture {
        struct log_capture capture;
        struct log_stream stream;
        int write_fd;
};

static void fixture_init(struct fixture *fixture) {
        char path[] = "/tmp/bt-log-XXXXXX";
        int fds[2], fd = mkostemp(path, O_CLOEXEC);
        assert_true(fd >= 0);
        (void)unlink(path);
        assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
        assert_int_equal(log_capture_init(&fixture->capture, fd), 0);
        fixture->stream = (struct log_stream){.fd = fds[0]};
        fixture->write_fd = fds[1];
}

static void fixture_done(struct fixture *fixture) {
        if (fixture->write_fd >= 0)
                (void)close(fixture->write_fd);
        if (fixture->stream.fd >= 0)
                log_capture_close_stream(&fixture->capture, &fixture->stream);
        (void)close(fixture->capture.fd);
        log_capture_done(&fixture->capture);
}

/* In pieces where the pipe holds less: the kernel gives a user who has many pipes (pipe-user-pages-soft, pipe(7)) new
 * ones of a page or two, and a write that nobody reads would wait for ever. */
static void feed(struct fixture *fixture, const char *data, size_t len) {
        while (len > 0) {
                ssize_t n = write(fixture->write_fd, data, len);

                assert_true(n > 0);
                log_capture_begin(&fixture->capture);
                assert_int_equal(log_capture_read(&fixture->capture, &fixture->stream), n);
                log_capture_flush(&fixture->capture);
                data += n;
                len -= (size_t)n;
        }
}

static void finish(struct fixture *fixture) {
        (void)close(fixture->write_fd);
        fixture->write_fd = -1;
        log_capture_begin(&fixture->capture);
        assert_int_equal(log_capture_read(&fixture->capture, &fixture->stream), 0);
        log_capture_flush(&fixture->capture);
}

/* The file without its timestamps: "stdout F text\n"... */
static char *content(const struct fixture *fixture) {
        size_t size = fixture->capture.size;
        char *text = xmalloc(size + 1), *result = xmalloc(size + 1);
        size_t len = 0;
        assert_int_equal(pread(fixture->capture.fd, text, size, 0), (ssize_t)size);
        text[size] = 0;
        for (char *at = text; at < text + size;) {
                char *newline = memchr(at, '\n', (size_t)(text + size - at));
                assert_non_null(newline);
                assert_true(at[4] == '-' && at[10] == 'T' && at[19] == '.' && at[29] == 'Z' && at[30] == ' ');
                size_t n = (size_t)(newline + 1 - (at + 31));
                memcpy(result + len, at + 31, n);
                len += n;
                at = newline + 1;
        }
        result[len] = 0;
        free(text);
        return result;
}

/* What the file must say for this output. */
static char *reference(const char *data, size_t len) {
        char *result = xmalloc(2 * len + 64 * (len / 2 + 2));
        size_t used = 0;
        for (size_t at = 0; at < len;) {
                const char *newline = memchr(data + at, '\n', len - at);
                size_t line = newline ? (size_t)(newline - (data + at)) : len - at;
                size_t piece = MIN(line, LOG_PIECE_MAX);
                used += (size_t)sprintf(result + used, "stdout %c ", piece < line ? 'P' : 'F');
                memcpy(result + used, data + at, piece);
                used += piece;
                result[used++] = '\n';
                at += piece + (piece == line);
        }
        result[used] = 0;
        return result;
}

static void test_random_cuts(void **state) {
        for (unsigned seed = 1; seed <= 60; seed++) {
                struct fixture fixture;
                srand(seed);
                size_t len = 1 + (size_t)rand() % 200000, at = 0;
                char *data = xmalloc(len);
                unsigned rarity = (unsigned[]){2, 60, 3000, 40000}[seed % 4];
                for (size_t i = 0; i < len; i++)
                        data[i] = (unsigned)rand() % rarity == 0 ? '\n' : (char)('a' + rand() % 26);
                fixture_init(&fixture);
                while (at < len) {
                        size_t cut = 1 + (size_t)rand() % (seed % 3 ? 60000 : 700), n = MIN(len - at, cut);
                        feed(&fixture, data + at, n);
                        at += n;
                }
                finish(&fixture);
                _cleanup_free_ char *ours = content(&fixture), *expected = reference(data, len);
                size_t same = 0;
                while (ours[same] && ours[same] == expected[same])
                        same++;
                if (ours[same] != expected[same])
                        fail_msg("seed %u: the file differs at %zu: %.20s, not %.20s", seed, same, ours + same,
                                 expected + same);
                fixture_done(&fixture);
                free(data);
        }
}

/* The timestamp is the clock's, as the C library would write it. */
static void test_timestamp(void **state) {
        struct fixture fixture;
        char before[40], behind[40], line[64] = "";
        time_t now;
        struct tm tm;
        fixture_init(&fixture);
        now = time(NULL);
        strftime(before, sizeof(before), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now, &tm));
        feed(&fixture, "x\n", 2);
        now = time(NULL);
        strftime(behind, sizeof(behind), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now, &tm));
        assert_int_equal(pread(fixture.capture.fd, line, sizeof(line), 0), 42);
        assert_true(strncmp(line, before, 19) >= 0 && strncmp(line, behind, 19) <= 0);
        assert_string_equal(line + 29, "Z stdout F x\n");
        fixture_done(&fixture);
}

static void test_exact_piece(void **state) {
        struct fixture fixture;
        char data[LOG_PIECE_MAX + 2];
        memset(data, 'x', sizeof(data));
        fixture_init(&fixture);
        feed(&fixture, data, LOG_PIECE_MAX);
        assert_int_equal(fixture.capture.lines, 0); /* may still end here */
        feed(&fixture, "\n", 1);
        assert_int_equal(fixture.capture.lines, 1);
        data[LOG_PIECE_MAX + 1] = '\n';
        feed(&fixture, data, LOG_PIECE_MAX + 2);
        assert_int_equal(fixture.capture.lines, 3);
        fixture_done(&fixture);
}

static void test_what_was_just_written_is_at_hand(void **state) {
        struct fixture fixture;
        fixture_init(&fixture);
        feed(&fixture, "one\n", 4);
        feed(&fixture, "two\nthr", 7);
        const struct log_capture *capture = &fixture.capture;
        assert_int_equal(capture->size, capture->written_from + capture->out_len);
        assert_int_equal(capture->out_len, 40 + 4);
        assert_memory_equal(capture->out + 40, "two\n", 4);
        fixture_done(&fixture);
}

/* A full disk, by the limit on file sizes: lines go, counted, whole ones stay, and later ones are taken again. */
static void test_full_disk(void **state) {
        struct fixture fixture;
        struct rlimit before, small;
        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        fixture_init(&fixture);
        feed(&fixture, "first\n", 6);
        small = (struct rlimit){.rlim_cur = 46 + 46 + 20, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        feed(&fixture, "secnd\nthird\nforth\n", 18);
        feed(&fixture, "fifth\n", 6);
        assert_int_equal(fixture.capture.lines, 2);
        assert_int_equal(fixture.capture.lines_dropped, 3);
        assert_int_equal(fixture.capture.size, 92);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        feed(&fixture, "x\n", 2);
        assert_int_equal(fixture.capture.lines_dropped, 3);
        assert_int_equal(fixture.capture.lines, 4);
        finish(&fixture);
        log_capture_finish(&fixture.capture);
        _cleanup_free_ char *ours = content(&fixture);
        assert_string_equal(
                ours,
                "stdout F first\nstdout F secnd\n"
                "stderr F [3 lines are missing here: the log could not be written: File too large]\nstdout F x\n");
        struct stat st;
        assert_int_equal(fstat(fixture.capture.fd, &st), 0);
        assert_int_equal(st.st_size, fixture.capture.size);
        fixture_done(&fixture);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_cuts), cmocka_unit_test(test_timestamp),
                cmocka_unit_test(test_exact_piece), cmocka_unit_test(test_what_was_just_written_is_at_hand),
                cmocka_unit_test(test_full_disk),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
