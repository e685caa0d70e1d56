/* The connection to the launcher: kept open, made again when it breaks, and the launcher started where nobody else does
 * that. */
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "macro.h"
#include "runner_path.h"
#include "sockutil.h"
#include "supervise_internal.h"
#include "xalloc.h"

#define RETRY_FIRST (2 * USEC_PER_MSEC)
#define RETRY_MAX USEC_PER_SEC
/* A launcher that we started gets so long to answer before another one is started. */
#define START_INTERVAL (2 * USEC_PER_SEC)

extern char **environ;

static void link_down(struct supervise *supervise) {
        struct launcher_link *link = &supervise->launcher;
        link->io = loop_io_free(link->io);
        closep(&link->fd);
        link->fd = -1;
}

static void retry_later(struct supervise *supervise) {
        struct launcher_link *link = &supervise->launcher;
        link->retry_delay = link->retry_delay ? MIN(2 * link->retry_delay, RETRY_MAX) : RETRY_FIRST;
        loop_timer_arm(link->retry_timer, link->retry_delay);
}

/* The launcher says little: errors about requests, as text. The end of the connection is what matters. */
static void on_launcher(int fd, unsigned ready, void *user) {
        struct supervise *supervise = user;
        if (ready & LOOP_READ) {
                char text[512];
                ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
                if (n > 0) {
                        text[n] = 0;
                        log_error("launcher: %s", text);
                } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
                        log_warning("the connection to the launcher ended; running steps go on");
                        link_down(supervise);
                        retry_later(supervise);
                        return;
                }
        }
        if (ready & LOOP_WRITE)
                launcher_link_flush(supervise);
}

static void reap_starter(struct launcher_link *link) {
        if (link->starter > 0 && waitpid(link->starter, NULL, WNOHANG) != 0)
                link->starter = 0;
}

/* 0: started, or not long ago, or not ours to start. */
static int start_launcher(struct supervise *supervise) {
        struct launcher_link *link = &supervise->launcher;
        reap_starter(link);
        usec_t now = now_boottime();
        if (!supervise->runner_path || link->starter > 0 ||
            (link->started_at && now - link->started_at < START_INTERVAL))
                return 0;
        char *argv[] = {supervise->runner_path,          (char[]){"--launcher"}, (char[]){"--detach"},
                        (char[]){"--runtime-directory"}, supervise->runtime_dir, NULL};
        int r = posix_spawn(&link->starter, supervise->runner_path, NULL, NULL, argv, environ);
        if (r != 0) {
                link->starter = 0;
                return -r;
        }
        link->started_at = now;
        link->retry_delay = 0;
        return 0;
}

static int link_up(struct supervise *supervise) {
        struct launcher_link *link = &supervise->launcher;
        _cleanup_free_ char *path = runner_launcher_path(supervise->runtime_dir);
        _cleanup_close_ int fd = unix_connect(path, SOCK_SEQPACKET | SOCK_NONBLOCK);
        if (fd < 0)
                return fd;
        int r = loop_io_new(supervise->loop, &link->io, fd, LOOP_READ, on_launcher, supervise);
        if (r < 0)
                return r;
        link->fd = steal_fd(&fd);
        if (supervise->greeting)
                (void)send(link->fd, supervise->greeting, strlen(supervise->greeting), MSG_NOSIGNAL | MSG_DONTWAIT);
        link->retry_delay = 0;
        link->started_at = 0;
        reap_starter(link);
        return 0;
}

static void fail_waiting(struct supervise *supervise, int error) {
        for (struct attempt *attempt = supervise->attempts, *next; attempt; attempt = next) {
                next = attempt->next;
                if (attempt->phase == PHASE_WAITING)
                        attempt_finish_spawn(attempt, error);
        }
}

static void try_again(void *user) {
        struct supervise *supervise = user;
        reap_starter(&supervise->launcher);
        if (supervise->launcher.fd < 0) {
                int r = link_up(supervise);
                if (r == -ENOENT || r == -ECONNREFUSED) {
                        r = start_launcher(supervise);
                        if (r < 0) {
                                log_error("cannot start %s: %s", supervise->runner_path, strerror(-r));
                                fail_waiting(supervise, r);
                        }
                }
        }
        if (supervise->launcher.fd >= 0)
                launcher_link_flush(supervise);
        else
                retry_later(supervise);
}

int launcher_link_init(struct supervise *supervise) {
        struct launcher_link *link = &supervise->launcher;
        link->fd = -1;
        int r = loop_timer_new(supervise->loop, &link->retry_timer, try_again, supervise);
        if (r < 0)
                return r;
        try_again(supervise);
        return 0;
}

void launcher_link_done(struct supervise *supervise) {
        struct launcher_link *link = &supervise->launcher;
        link_down(supervise);
        link->retry_timer = loop_timer_free(link->retry_timer);
        reap_starter(link);
}

void launcher_link_flush(struct supervise *supervise) {
        struct launcher_link *link = &supervise->launcher;
        if (link->fd < 0) {
                if (!loop_timer_is_armed(link->retry_timer))
                        loop_timer_arm(link->retry_timer, 0);
                return;
        }
        int r = 0;
        for (struct attempt *attempt = supervise->attempts, *next; attempt && r >= 0; attempt = next) {
                next = attempt->next;
                if (attempt->phase != PHASE_WAITING)
                        continue;
                r = attempt_send_spec(attempt, link->fd);
                if (r == -EMSGSIZE || r == -EINVAL) { /* this one never fits */
                        attempt_finish_spawn(attempt, -E2BIG);
                        r = 0;
                }
        }
        if (r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN) {
                link_down(supervise);
                retry_later(supervise);
                return;
        }
        loop_io_set_interest(link->io, r == -EAGAIN ? LOOP_READ | LOOP_WRITE : LOOP_READ);
        if (r < 0 && r != -EAGAIN) { /* descriptors ran out */
                log_error("cannot hand an attempt to the launcher: %s", strerror(-r));
                retry_later(supervise);
        }
}
