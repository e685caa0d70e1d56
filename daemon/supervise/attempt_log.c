/* Following an attempt's log file: the monitor writes it and says how far it is, the daemon reads it, so that a slow
 * daemon never holds a step up and nothing must be sent again after a restart. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "macro.h"
#include "supervise_internal.h"

/* Hands the whole lines of data (which begins at log_offset) on and moves log_offset behind them. Returns the bytes
 * used. */
static size_t deliver(struct attempt *attempt, const char *data, size_t len) {
        struct cri_line *batch = attempt->supervise->line_batch;
        size_t used = 0;
        for (;;) {
                size_t n = 0, start = used;
                int r = 0;
                while (n < LOG_BATCH_LINES && (r = cri_parse(data + used, len - used, &batch[n])) > 0)
                        used += batch[n++].size;
                if (n > 0)
                        attempt->events.lines(batch, n, attempt->log_offset, attempt->log_offset + (used - start),
                                              attempt->user);
                attempt->log_offset += used - start;
                if (n == LOG_BATCH_LINES)
                        continue;
                if (r != -EBADMSG)
                        return used;
                log_warning("attempt %" PRId64 ": %zu bytes at %" PRIu64 " of %s are no log line", attempt->number,
                            batch[n].size, attempt->log_offset, attempt->log_path);
                used += batch[n].size;
                attempt->log_offset += batch[n].size;
        }
}

void attempt_log_grown(struct attempt *attempt, uint64_t size, const char *data, size_t len) {
        attempt->log_target = MAX(attempt->log_target, size);
        if (attempt->log_offset >= attempt->log_target)
                return;
        if (len > 0 && !attempt->is_in_backlog && size - len == attempt->log_offset &&
            deliver(attempt, data, len) == len)
                return;
        if (!attempt->is_in_backlog)
                attempt_enqueue(attempt);
}

/* Gives up on the rest of the file. */
static bool skip_rest(struct attempt *attempt, const char *what, int error) {
        log_error("attempt %" PRId64 ": %s at %" PRIu64 " of %s: %s", attempt->number, what, attempt->log_offset,
                  attempt->log_path, strerror(error));
        attempt->log_offset = attempt->log_target;
        return true;
}

/* Counts the whole lines of [log_offset, up_to). Returns bytes behind the last newline, 0 when there is none. */
static uint64_t count_lines(const struct attempt *attempt, uint64_t up_to, size_t *ret_lines) {
        char *buffer = attempt->supervise->log_buffer;
        uint64_t at = attempt->log_offset, end = 0;
        size_t lines = 0;
        while (at < up_to) {
                ssize_t n = pread(attempt->log_fd, buffer, (size_t)MIN((uint64_t)LOG_PASS_MAX, up_to - at), (off_t)at);
                if (n <= 0)
                        break;
                const char *from = buffer, *newline;
                while ((newline = memchr(from, '\n', (size_t)(buffer + n - from)))) {
                        lines++;
                        from = newline + 1;
                        end = at + (uint64_t)(from - buffer);
                }
                at += (uint64_t)n;
        }
        *ret_lines = lines;
        return end;
}

/* True when a piece was counted. */
static bool skip_flood(struct attempt *attempt) {
        uint64_t waiting = attempt->log_target - attempt->log_offset;
        size_t lines;
        if (!attempt->events.skipped || waiting <= 2 * LOG_LIVE_MAX)
                return false;
        uint64_t up_to = attempt->log_offset + MIN(waiting - LOG_LIVE_MAX, LOG_SKIP_MAX);
        uint64_t end = count_lines(attempt, up_to, &lines);
        if (end == 0)
                return false;
        attempt->events.skipped(lines, attempt->log_offset, end, attempt->user);
        attempt->log_offset = end;
        return true;
}

bool attempt_log_pass(struct attempt *attempt) {
        char *buffer = attempt->supervise->log_buffer;
        if (attempt->log_offset >= attempt->log_target)
                return true;
        if (attempt->log_fd < 0)
                attempt->log_fd = open(attempt->log_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (attempt->log_fd < 0)
                return skip_rest(attempt, "cannot read on", errno);
        if (skip_flood(attempt))
                return false;
        size_t want = (size_t)MIN((uint64_t)LOG_PASS_MAX, attempt->log_target - attempt->log_offset);
        ssize_t n = pread(attempt->log_fd, buffer, want, (off_t)attempt->log_offset);
        if (n < 0)
                return errno == EINTR ? false : skip_rest(attempt, "cannot read on", errno);
        if (n == 0)
                return skip_rest(attempt, "the file is shorter than its monitor said", ENODATA);
        size_t used = deliver(attempt, buffer, (size_t)n);
        if (used == 0 && (size_t)n == want) {
                /* No whole line: what a killed monitor left behind of its last write. */
                attempt->log_offset = attempt->log_target;
                return true;
        }
        return attempt->log_offset >= attempt->log_target;
}
