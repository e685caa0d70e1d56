/* The socket on which the step reports. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "monitor_internal.h"
#include "runner_path.h"
#include "sockutil.h"

/* Datagrams of one pass: a step that floods its socket must not keep its own pipes waiting. */
#define DATAGRAMS_PER_PASS 64

/* unix_listen is not used: nobody else can have this number, so that what is in the way is dead without asking. */
int monitor_notify_bind(struct monitor *monitor) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        monitor->notify_path = runner_notify_path(monitor->context->runtime_dir, monitor->spec.number);
        size_t len = strlen(monitor->notify_path);
        if (len >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, monitor->notify_path, len + 1);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        /* The umask of launcher and monitors makes it reachable by the same user only. */
        int r = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
        if (r == -EADDRINUSE && unlink(monitor->notify_path) >= 0)
                r = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
        if (r < 0)
                return r;
        monitor->notify_fd = steal_fd(&fd);
        return 0;
}

static void take(struct monitor *monitor, const char *datagram, size_t len) {
        struct step_request request;
        if (len > STEP_REPORT_DATAGRAM_MAX) {
                step_reports_refuse(&monitor->reports, "a report of more than %zu bytes", STEP_REPORT_DATAGRAM_MAX);
                return;
        }
        monitor->reports.realtime = now_realtime();
        monitor->reports.boottime = now_boottime();
        step_reports_take(&monitor->reports, datagram, len, &request);
        if (request.is_heartbeat)
                monitor_heartbeat(monitor);
        if (request.extend_usec > 0)
                monitor_extend_timeout(monitor, request.extend_usec);
}

void monitor_on_notify(struct monitor *monitor) {
        static char datagram[STEP_REPORT_DATAGRAM_MAX + 1];
        for (unsigned i = 0; i < DATAGRAMS_PER_PASS; i++) {
                /* Descriptors that come along (BARRIER=1 of systemd-notify, which waits for this) are closed at once.
                 */
                ssize_t n = recv_with_fds(monitor->notify_fd, datagram, sizeof(datagram), NULL, 0, NULL);
                if (n < 0)
                        break;
                take(monitor, datagram, (size_t)n);
        }
        monitor->is_unsaved |= monitor->reports.set.n_unsent > 0;
}
