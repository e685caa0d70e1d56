#include "log_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "macro.h"
#include "xalloc.h"

/* "2026-11-22T12:00:00.123456789Z stdout F " */
#define PREFIX_LEN ((size_t)40)
#define PREFIX_FRACTION ((size_t)20)
#define PREFIX_STREAM ((size_t)31)
#define PREFIX_TAG ((size_t)38)

int log_capture_init(struct log_capture *capture, int log_fd) {
        char *memory = mmap(NULL, LOG_PIECE_MAX + LOG_READ_SIZE + LOG_OUT_SIZE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
                return -errno;
        *capture = (struct log_capture){
                .fd = log_fd,
                .in = memory,
                .out = memory + LOG_PIECE_MAX + LOG_READ_SIZE,
                .prefix_second = -1,
        };
        return 0;
}

void log_capture_done(struct log_capture *capture) {
        munmap(capture->in, LOG_PIECE_MAX + LOG_READ_SIZE + LOG_OUT_SIZE);
}

void log_capture_trim(struct log_capture *capture) {
        log_capture_begin(capture);
        madvise(capture->in, LOG_PIECE_MAX + LOG_READ_SIZE + LOG_OUT_SIZE, MADV_DONTNEED);
}

void log_capture_begin(struct log_capture *capture) {
        capture->out_len = 0;
        capture->written_from = capture->size;
}

static void write_digits(char *to, size_t count, int64_t value) {
        for (; count-- > 0; value /= 10)
                to[count] = (char)('0' + value % 10);
}

/* "YYYY-MM-DDTHH:MM:SS.000000000Z ". Not by strftime(3): that would read /etc/localtime in every monitor. The days are
 * turned into a date as in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms" (civil_from_days). */
static void write_second(char prefix[static 48], int64_t second) {
        int64_t days = second / 86400 + 719468, of_day = second % 86400;
        int64_t era = days / 146097, of_era = days % 146097;
        int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
        int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
        int64_t shifted = (5 * of_year + 2) / 153; /* months from March */
        int64_t day = of_year - (153 * shifted + 2) / 5 + 1, month = shifted < 10 ? shifted + 3 : shifted - 9;
        memcpy(prefix, "0000-00-00T00:00:00.000000000Z ", PREFIX_STREAM);
        write_digits(prefix, 4, year + era * 400 + (month <= 2));
        write_digits(prefix + 5, 2, month);
        write_digits(prefix + 8, 2, day);
        write_digits(prefix + 11, 2, of_day / 3600);
        write_digits(prefix + 14, 2, of_day / 60 % 60);
        write_digits(prefix + 17, 2, of_day % 60);
}

/* One timestamp for all lines of a read: they were there together. */
static void stamp(struct log_capture *capture, bool is_stderr) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        if (now.tv_sec != capture->prefix_second) {
                write_second(capture->prefix, now.tv_sec);
                capture->prefix_second = now.tv_sec;
        }
        write_digits(capture->prefix + PREFIX_FRACTION, 9, now.tv_nsec);
        memcpy(capture->prefix + PREFIX_STREAM, is_stderr ? "stderr F " : "stdout F ", PREFIX_LEN - PREFIX_STREAM);
}

static void write_out(struct log_capture *capture);

static void append(struct log_capture *capture, const char *text, size_t len, char tag) {
        char *to = capture->out + capture->out_len;
        memcpy(to, capture->prefix, PREFIX_LEN);
        to[PREFIX_TAG] = tag;
        memcpy(to + PREFIX_LEN, text, len);
        to[PREFIX_LEN + len] = '\n';
        capture->out_len += PREFIX_LEN + len + 1;
        capture->out_lines++;
}

/* With the time of the lines that come after the gap. */
static void say_what_is_missing(struct log_capture *capture) {
        char text[128], prefix[sizeof(capture->prefix)];
        int len = snprintf(text, sizeof(text), "[%llu lines are missing here: the log could not be written: %s]",
                           (unsigned long long)capture->lines_unsaid, strerrordesc_np(capture->error));
        memcpy(prefix, capture->prefix, sizeof(prefix));
        memcpy(capture->prefix + PREFIX_STREAM, "stderr", strlen("stderr"));
        append(capture, text, MIN((size_t)len, sizeof(text) - 1), 'F');
        memcpy(capture->prefix, prefix, sizeof(prefix));
        capture->out_has_note = true;
}

static void emit(struct log_capture *capture, const char *text, size_t len, char tag) {
        if (LOG_OUT_SIZE - capture->out_len < PREFIX_LEN + len + 1) {
                write_out(capture);
                log_capture_begin(capture);
        }
        if (capture->lines_unsaid > 0 && capture->out_lines == 0)
                say_what_is_missing(capture);
        append(capture, text, len, tag);
}

/* Emits all whole lines and pieces; returns what is left (at most LOG_PIECE_MAX bytes). `known`: so many bytes at the
 * start are known to hold no newline. */
static size_t split(struct log_capture *capture, const char *data, size_t len, size_t known) {
        size_t at = 0;
        while (at < len) {
                size_t window = MIN(len - at, LOG_PIECE_MAX + 1);
                const char *newline = memchr(data + at + known, '\n', window - known);
                known = 0;
                if (newline) {
                        size_t line_len = (size_t)(newline - (data + at));
                        emit(capture, data + at, line_len, 'F');
                        at += line_len + 1;
                } else if (window > LOG_PIECE_MAX) {
                        emit(capture, data + at, LOG_PIECE_MAX, 'P');
                        at += LOG_PIECE_MAX;
                } else
                        break;
        }
        return len - at;
}

static void keep(struct log_stream *stream, const char *data, size_t len) {
        if (len > stream->carry_size) {
                stream->carry_size = len <= 512 ? 512 : LOG_PIECE_MAX;
                stream->carry = xrealloc(stream->carry, stream->carry_size);
        }
        if (len > 0)
                memcpy(stream->carry, data, len);
        stream->carry_len = len;
}

void log_capture_close_stream(struct log_capture *capture, struct log_stream *stream) {
        if (stream->carry_len > 0) {
                stamp(capture, stream->is_stderr);
                emit(capture, stream->carry, stream->carry_len, 'F');
        }
        free(stream->carry);
        if (stream->fd >= 0)
                (void)close(stream->fd);
        *stream = (struct log_stream){.fd = -1, .is_stderr = stream->is_stderr};
}

ssize_t log_capture_read(struct log_capture *capture, struct log_stream *stream) {
        /* The unfinished line goes right before what is read, so that lines are whole in memory. */
        char *in = capture->in + LOG_PIECE_MAX;
        ssize_t n = read(stream->fd, in, LOG_READ_SIZE);
        if (n < 0)
                return -errno;
        if (n == 0) {
                log_capture_close_stream(capture, stream);
                return 0;
        }
        stamp(capture, stream->is_stderr);
        size_t carried = stream->carry_len;
        char *start = in - carried;
        if (carried > 0)
                memcpy(start, stream->carry, carried);
        size_t len = carried + (size_t)n;
        size_t left = split(capture, start, len, carried);
        keep(stream, start + len - left, left);
        return n;
}

void log_capture_say(struct log_capture *capture, const char *text) {
        stamp(capture, true);
        emit(capture, text, MIN(strlen(text), LOG_PIECE_MAX), 'F');
}

/* A write that stopped short: the lines that went in whole count, the rest is dropped. */
static void count_short_write(struct log_capture *capture, size_t written) {
        size_t whole = 0, lines = 0;
        const char *newline;
        while ((newline = memchr(capture->out + whole, '\n', written - whole))) {
                whole = (size_t)(newline - capture->out) + 1;
                lines++;
        }
        capture->size += whole;
        capture->lines += lines;
        uint64_t dropped = capture->out_lines - lines;
        if (capture->out_has_note && lines > 0)
                capture->lines_unsaid = 0;
        else if (capture->out_has_note)
                dropped--;
        capture->lines_dropped += dropped;
        capture->lines_unsaid += dropped;
        capture->is_torn |= written > whole;
        capture->out_len = whole;
}

/* A flood goes to the disk as it is written, a piece while the one before it is waited for: so it cannot fill memory
 * with pages to be written, for which the kernel would then hold up every writer, the monitors of quiet steps too. */
static void pace_flood(struct log_capture *capture) {
        off_t from = (off_t)capture->paced;
        if (capture->size - capture->paced < FLOOD_WRITE)
                return;
        (void)sync_file_range(capture->fd, from, (off_t)(capture->size - capture->paced), SYNC_FILE_RANGE_WRITE);
        if (from >= (off_t)FLOOD_WRITE)
                (void)sync_file_range(capture->fd, from - (off_t)FLOOD_WRITE, (off_t)FLOOD_WRITE,
                                      SYNC_FILE_RANGE_WAIT_BEFORE);
        capture->paced = capture->size;
}

static void write_out(struct log_capture *capture) {
        size_t written = 0;
        while (written < capture->out_len) {
                ssize_t n = pwrite(capture->fd, capture->out + written, capture->out_len - written,
                                   (off_t)(capture->size + written));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        capture->error = n < 0 ? errno : ENOSPC;
                        break;
                }
                written += (size_t)n;
        }
        if (written == capture->out_len) {
                capture->size += written;
                capture->lines += capture->out_lines;
                pace_flood(capture);
                if (capture->out_has_note)
                        capture->lines_unsaid = 0;
        } else
                count_short_write(capture, written);
        capture->out_lines = 0;
        capture->out_has_note = false;
}

void log_capture_flush(struct log_capture *capture) {
        if (capture->out_lines > 0)
                write_out(capture);
}

void log_capture_finish(struct log_capture *capture) {
        if (capture->is_torn && ftruncate(capture->fd, (off_t)capture->size) >= 0)
                capture->is_torn = false;
}
