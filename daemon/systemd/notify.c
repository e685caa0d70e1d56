#include "notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sockutil.h"
#include "strutil.h"
#include "xalloc.h"

/* Assignments that wait to be sent; there are but a few kinds of them. */
#define PENDING_MAX 4096

int notifier_init(struct notifier *ret) {
        const char *path = getenv("NOTIFY_SOCKET");

        *ret = (struct notifier){.pending = BUF_INIT(PENDING_MAX)};
        if (!path || !*path)
                return 0;
        if ((*path != '/' && *path != '@') || path[1] == 0 ||
            strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
                (void)unsetenv("NOTIFY_SOCKET");
                return -EINVAL;
        }
        ret->path = xstrdup(path);
        (void)unsetenv("NOTIFY_SOCKET");
        return 0;
}

void notifier_done(struct notifier *notifier) {
        free(notifier->path);
        free(notifier->status);
        buf_done(&notifier->pending);
        *notifier = (struct notifier){.pending = BUF_INIT(PENDING_MAX)};
}

bool notifier_is_active(const struct notifier *notifier) {
        return notifier->path;
}

/* fd -1: none. */
static int send_state(const struct notifier *notifier, const char *state, size_t len, int fd) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t length = strlen(notifier->path);
        _cleanup_close_ int sock = -1;

        memcpy(address.sun_path, notifier->path, length);
        if (address.sun_path[0] == '@')
                address.sun_path[0] = 0;
        sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (sock < 0)
                return -errno;
        if (connect(sock, (const struct sockaddr *)&address,
                    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
                return -errno;
        return send_with_fds(sock, state, len, &fd, fd >= 0 ? 1 : 0);
}

static int send_pending(struct notifier *notifier) {
        int r;

        if (notifier->pending.len == 0)
                return 0;
        r = send_state(notifier, buf_data(&notifier->pending), notifier->pending.len, -1);
        if (r != -EAGAIN)
                buf_clear(&notifier->pending);
        return r;
}

/* keep: when the socket is full, for the next call. */
static int notify(struct notifier *notifier, const char *state, bool keep) {
        int r;

        if (!notifier->path)
                return 0;
        r = send_pending(notifier);
        if (r != -EAGAIN)
                r = send_state(notifier, state, strlen(state), -1);
        if (r == -EAGAIN && keep) {
                (void)buf_append_str(&notifier->pending, state);
                (void)buf_append_char(&notifier->pending, '\n');
        }
        return r;
}

/* "STATUS=text", with what would end the assignment made harmless. NULL text: "". */
static char *status_assignment(const char *text) {
        char *state = text ? xasprintf("STATUS=%s", text) : xstrdup("");

        for (char *c = state; *c; c++)
                if (*c == '\n' || *c == '\r')
                        *c = ' ';
        return state;
}

static int notify_with_status(struct notifier *notifier, const char *head, const char *text) {
        _cleanup_free_ char *assignment = status_assignment(text);
        _cleanup_free_ char *state = xasprintf("%s%s%s", head, *assignment ? "\n" : "", assignment);

        if (text) {
                free(notifier->status);
                notifier->status = xstrdup(text);
        }
        return notify(notifier, state, true);
}

int notifier_ready(struct notifier *notifier, const char *status) {
        return notify_with_status(notifier, "READY=1", status);
}

int notifier_reloading(struct notifier *notifier) {
        struct timespec now;
        _cleanup_free_ char *state = NULL;

        /* Type=notify-reload (systemd 253) wants to know which reload this answers; earlier ones ignore it. */
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        state = xasprintf("RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                          (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000);
        return notify(notifier, state, true);
}

int notifier_stopping(struct notifier *notifier, const char *status) {
        return notify_with_status(notifier, "STOPPING=1", status);
}

int notifier_status(struct notifier *notifier, const char *status) {
        _cleanup_free_ char *state = NULL;
        int r;

        if (!notifier->path || streq_null(notifier->status, status))
                return 0;
        state = status_assignment(status);
        r = notify(notifier, state, false);
        if (r >= 0) {
                free(notifier->status);
                notifier->status = xstrdup(status);
        }
        return r;
}

int notifier_watchdog(struct notifier *notifier) {
        return notify(notifier, "WATCHDOG=1", false);
}

int notifier_extend_timeout(struct notifier *notifier, usec_t span) {
        _cleanup_free_ char *state = xasprintf("EXTEND_TIMEOUT_USEC=%" PRIu64, span);

        return notify(notifier, state, false);
}

int notifier_store_fd(struct notifier *notifier, int fd, const char *name) {
        _cleanup_free_ char *state = xasprintf("FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);

        if (!notifier->path)
                return 0;
        return send_state(notifier, state, strlen(state), fd);
}

int notifier_remove_fd(struct notifier *notifier, const char *name) {
        _cleanup_free_ char *state = xasprintf("FDSTOREREMOVE=1\nFDNAME=%s", name);

        return notify(notifier, state, true);
}
