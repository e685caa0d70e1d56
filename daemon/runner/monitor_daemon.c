/* Telling the daemon: only what changed, everything after it has reconnected, nothing when there is none. What cannot
 * be sent now is still in memory, in the log file and in the attempt file, so that nothing queues up here. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "attempt_file.h"
#include "buf.h"
#include "cleanup.h"
#include "monitor_internal.h"
#include "runner_message.h"
#include "runner_path.h"
#include "sockutil.h"

/* Reports of one message. */
#define REPORTS_MESSAGE_MAX ((size_t)16 * 1024)
#define LISTEN_RETRY USEC_PER_SEC

void monitor_drop_daemon(struct monitor *monitor) {
        closep(&monitor->daemon_fd);
        monitor->daemon_fd = -1;
        monitor->is_blocked = false;
        if (monitor->listen_fd < 0)
                monitor_listen(monitor);
}

/* The socket exists only while there is no daemon: a launch is faster without it, and a daemon that has just been
 * killed finds it within a retry. */
void monitor_listen(struct monitor *monitor) {
        int fd = unix_listen(monitor->monitor_path, SOCK_SEQPACKET | SOCK_NONBLOCK, 0600, 4);
        if (fd < 0) {
                monitor->listen_at = now_boottime() + LISTEN_RETRY;
                return;
        }
        monitor->listen_fd = fd;
        monitor->listen_at = USEC_INFINITY;
}

static void everything_is_news(struct monitor *monitor) {
        monitor->is_state_told = false;
        monitor->log_size_told = 0;
        report_set_mark_all_unsent(&monitor->reports.set);
}

void monitor_on_connection(struct monitor *monitor) {
        int fd = accept4(monitor->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
                return;
        closep(&monitor->daemon_fd);
        monitor->daemon_fd = fd;
        monitor->is_blocked = false;
        /* Not only when its hello is read: the attempt may end before, and what an earlier daemon was told died with
         * it. */
        everything_is_news(monitor);
        /* Of several daemons the last one counts, so that a hung one does not keep its successor out; the socket stays
         * until the end. */
}

void monitor_on_daemon(struct monitor *monitor) {
        char message[512];
        ssize_t n = recv(monitor->daemon_fd, message, sizeof(message), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0) {
                monitor_drop_daemon(monitor);
                return;
        }
        switch (message[0]) {
        case RUNNER_MESSAGE_HELLO:
                everything_is_news(monitor);
                break;
        case RUNNER_MESSAGE_STOP:
                monitor_stop(monitor, RUNNER_ENDED_BY_STOP);
                break;
        default: /* of a later version */
                break;
        }
}

static bool send_parts(struct monitor *monitor, const struct iovec *parts, size_t n_parts) {
        struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = n_parts};
        if (sendmsg(monitor->daemon_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
                return true;
        if (errno == EAGAIN || errno == ENOBUFS)
                monitor->is_blocked = true;
        else
                monitor_drop_daemon(monitor);
        return false;
}

static bool send_state(struct monitor *monitor, char kind) {
        _cleanup_buf_ struct buf content = BUF_INIT(RUNNER_MESSAGE_MAX);
        if (buf_append_char(&content, kind) < 0 || attempt_state_encode(&monitor->state, NULL, &content) < 0)
                return false;
        struct iovec part = {.iov_base = (char *)(uintptr_t)buf_data(&content), .iov_len = content.len};
        return send_parts(monitor, &part, 1);
}

/* One message of unsent reports; marks those that went. False: blocked or gone. */
static bool send_some_reports(struct monitor *monitor) {
        struct report_set *set = &monitor->reports.set;
        _cleanup_buf_ struct buf content = BUF_INIT(REPORTS_MESSAGE_MAX);
        size_t end = 0, n_sent = 0;
        (void)buf_append_char(&content, RUNNER_MESSAGE_REPORTS);
        for (; end < set->n; end++) {
                if (!set->reports[end].is_unsent)
                        continue;
                if (report_encode(&content, &set->reports[end]) < 0)
                        break;
                n_sent++;
        }
        struct iovec part = {.iov_base = (char *)(uintptr_t)buf_data(&content), .iov_len = content.len};
        if (n_sent == 0 || !send_parts(monitor, &part, 1))
                return false;
        for (size_t i = 0; i < end; i++)
                report_set_mark_sent(set, &set->reports[i]);
        return true;
}

static bool send_log(struct monitor *monitor) {
        const struct log_capture *log = &monitor->log;
        char head[RUNNER_LOG_HEAD_SIZE];
        runner_log_head_encode(head, log->size);
        /* Inline only what continues what was told before, so that the daemon need not read the file. */
        bool is_inline = log->out_len > 0 && log->out_len <= RUNNER_LOG_INLINE_MAX &&
                         log->written_from == monitor->log_size_told && log->size == log->written_from + log->out_len;
        struct iovec parts[] = {{.iov_base = head, .iov_len = sizeof(head)},
                                {.iov_base = log->out, .iov_len = log->out_len}};
        if (!send_parts(monitor, parts, is_inline ? 2 : 1))
                return false;
        monitor->log_size_told = log->size;
        return true;
}

bool monitor_has_news(const struct monitor *monitor) {
        if (monitor->daemon_fd < 0)
                return false;
        return (!monitor->is_state_told && monitor->state.pid > 0) || monitor->reports.set.n_unsent > 0 ||
               monitor->log_size_told != monitor->log.size;
}

void monitor_tell(struct monitor *monitor) {
        bool is_fine = true;
        monitor->is_blocked = false;
        if (!monitor->is_state_told && monitor->state.pid > 0) {
                is_fine = send_state(monitor, RUNNER_MESSAGE_STATE);
                monitor->is_state_told = is_fine;
        }
        while (is_fine && monitor->reports.set.n_unsent > 0)
                is_fine = send_some_reports(monitor);
        if (is_fine && monitor->log_size_told != monitor->log.size)
                (void)send_log(monitor);
}

bool monitor_tell_end(struct monitor *monitor) {
        if (monitor->daemon_fd < 0)
                return false;
        if (monitor_has_news(monitor))
                monitor_tell(monitor);
        return monitor->daemon_fd >= 0 && !monitor_has_news(monitor) && send_state(monitor, RUNNER_MESSAGE_ENDED);
}

void monitor_save(struct monitor *monitor) {
        _cleanup_buf_ struct buf content = BUF_INIT(ATTEMPT_FILE_CONTENT_MAX);
        monitor->save_at = USEC_INFINITY;
        monitor->state.log_size = monitor->log.size;
        monitor->state.lines = monitor->log.lines;
        monitor->state.lines_dropped = monitor->log.lines_dropped;
        int r = attempt_state_encode(&monitor->state, &monitor->reports.set, &content);
        if (r >= 0)
                r = attempt_file_write(monitor->attempt_fd, &monitor->generation, buf_data(&content), content.len);
        monitor->is_unsaved = r < 0;
}
