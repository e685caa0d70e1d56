/* The connection to an attempt's monitor. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attempt_state.h"
#include "cleanup.h"
#include "fields.h"
#include "log.h"
#include "runner_message.h"
#include "runner_path.h"
#include "sockutil.h"
#include "supervise_internal.h"
#include "xalloc.h"

#define RETRY_FIRST (2 * USEC_PER_MSEC)
#define RETRY_MAX (500 * USEC_PER_MSEC)
/* Messages of one attempt in one pass; the rest in the next. */
#define MESSAGES_PER_PASS 64

static void on_state(struct attempt *attempt, const char *content, size_t len, bool has_ended) {
        _cleanup_attempt_state_ struct attempt_state state = ATTEMPT_STATE_INIT;
        if (attempt_state_decode(content, len, &state, NULL, NULL) < 0) {
                log_error("attempt %" PRId64 ": its monitor sent a state that makes no sense", attempt->number);
                return;
        }
        if (has_ended)
                attempt_finish_state(attempt, &state);
        else
                attempt_tell_started(attempt, &state);
}

static void on_reports(struct attempt *attempt, const char *content, size_t len) {
        const char *cursor = content;
        struct field field;
        while (fields_next(&cursor, content + len, &field) > 0) {
                if (!field_is(&field, "report"))
                        continue;
                _cleanup_free_ char *text = xstrdup(field.value);
                const char *key, *value;
                if (report_decode(text, &key, &value) >= 0)
                        attempt->events.report(key, value, attempt->user);
        }
}

static void on_log(struct attempt *attempt, const char *message, size_t len) {
        struct runner_log_message log;
        if (runner_log_decode(message, len, &log) >= 0)
                attempt_log_grown(attempt, log.size, log.data, log.len);
}

static void on_message(struct attempt *attempt, const char *message, size_t len) {
        buf_done(&attempt->spec); /* the monitor lives: never to be launched again */
        switch (message[0]) {
        case RUNNER_MESSAGE_STATE:
                on_state(attempt, message + 1, len - 1, false);
                break;
        case RUNNER_MESSAGE_REPORTS:
                on_reports(attempt, message + 1, len - 1);
                break;
        case RUNNER_MESSAGE_LOG:
                on_log(attempt, message, len);
                break;
        case RUNNER_MESSAGE_ENDED:
                on_state(attempt, message + 1, len - 1, true);
                break;
        default: /* of a later version */
                break;
        }
}

static void on_readable(int fd, unsigned ready, void *user) {
        struct attempt *attempt = user;
        char *buffer = attempt->supervise->message_buffer;
        for (unsigned i = 0; i < MESSAGES_PER_PASS && attempt->phase == PHASE_CONNECTED; i++) {
                ssize_t n = recv(fd, buffer, RUNNER_MESSAGE_MAX, 0);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return;
                if (n <= 0) {
                        attempt_consult_lock(attempt);
                        return;
                }
                on_message(attempt, buffer, (size_t)n);
        }
}

int attempt_monitor_attach(struct attempt *attempt, int fd) {
        int r = loop_io_new(attempt->supervise->loop, &attempt->io, fd, LOOP_READ, on_readable, attempt);
        if (r < 0) {
                (void)close(fd);
                return r;
        }
        attempt->fd = fd;
        attempt->phase = PHASE_CONNECTED;
        attempt->retry_delay = 0;
        return 0;
}

void attempt_monitor_detach(struct attempt *attempt) {
        attempt->io = loop_io_free(attempt->io);
        closep(&attempt->fd);
        attempt->fd = -1;
}

void attempt_monitor_send_stop(struct attempt *attempt) {
        static const char stop = RUNNER_MESSAGE_STOP;
        /* The daemon says so little that the socket's buffer cannot be full; a dead monitor is seen at the next read.
         */
        if (send(attempt->fd, &stop, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EPIPE && errno != ECONNRESET)
                log_warning("attempt %" PRId64 ": its monitor does not take the stop: %s", attempt->number,
                            strerror(errno));
}

static int connect_monitor(struct attempt *attempt) {
        static const char hello[] = "Hversion=1";
        _cleanup_free_ char *path = runner_monitor_path(attempt->supervise->runtime_dir, attempt->number);
        _cleanup_close_ int fd = unix_connect(path, SOCK_SEQPACKET | SOCK_NONBLOCK);
        if (fd < 0)
                return fd;
        int r = send_with_fds(fd, hello, sizeof(hello), NULL, 0);
        return r < 0 ? r : steal_fd(&fd);
}

static void on_retry(void *user) {
        attempt_consult_lock(user);
}

void attempt_monitor_reconnect(struct attempt *attempt) {
        attempt->phase = PHASE_RECONNECTING;
        int fd = connect_monitor(attempt);
        if (fd >= 0 && attempt_monitor_attach(attempt, fd) >= 0) {
                if (attempt->is_stop_wanted)
                        attempt_monitor_send_stop(attempt);
                return;
        }
        attempt->phase = PHASE_RECONNECTING;
        attempt->retry_delay = attempt->retry_delay ? MIN(2 * attempt->retry_delay, RETRY_MAX) : RETRY_FIRST;
        if (!attempt->retry_timer &&
            loop_timer_new(attempt->supervise->loop, &attempt->retry_timer, on_retry, attempt) < 0) {
                log_error("attempt %" PRId64 ": no timer to reconnect with", attempt->number);
                return;
        }
        loop_timer_arm(attempt->retry_timer, attempt->retry_delay);
}
