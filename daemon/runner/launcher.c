#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "cleanup.h"
#include "fileutil.h"
#include "launcher_internal.h"
#include "log.h"
#include "macro.h"
#include "runner_message.h"
#include "runner_path.h"
#include "runner_spec.h"
#include "sockutil.h"
#include "strutil.h"
#include "xalloc.h"

/* A detached launcher ends itself when there was neither client nor monitor for so long. */
#define IDLE_EXIT (2 * USEC_PER_SEC)
#define NOFILE_SOFT 1024
#define LISTEN_FDS_START 3 /* sd_listen_fds(3) */

/* A daemon of another version has come, and the program that is installed is not the one that runs: so there was an
 * upgrade. */
static void on_version(struct launcher *launcher, const char *version, size_t len) {
        if (len == strlen(launcher->options->version) && memcmp(version, launcher->options->version, len) == 0)
                return;
        if (launcher_is_outdated())
                launcher_upgrade(launcher);
}

static void on_request(struct launcher *launcher, int connection, bool *ret_is_over) {
        static char spec[RUNNER_SPEC_MAX];
        static const char complaint[] = "a request that is no spec with two descriptors was ignored";
        int fds[2] = {-1, -1};
        size_t n_fds = 0;
        ssize_t n = recv_with_fds(connection, spec, sizeof(spec), fds, ELEMENTSOF(fds), &n_fds);
        *ret_is_over = n == 0 || (n < 0 && n != -EAGAIN);
        if (n > 1 && n_fds == 0 && spec[0] == RUNNER_REQUEST_VERSION) {
                on_version(launcher, spec + 1, (size_t)n - 1);
                return;
        }
        if (n > 0 && n_fds == ELEMENTSOF(fds) && !launcher->is_stopping) {
                launcher_launch(launcher, spec, (size_t)n, fds[0], fds[1]);
                return;
        }
        for (size_t i = 0; i < n_fds; i++)
                (void)close(fds[i]);
        if (n > 0)
                (void)send_with_fds(connection, complaint, sizeof(complaint), NULL, 0);
}

static void on_connect(struct launcher *launcher) {
        int fd = accept4(launcher->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
                return;
        if (launcher->n_connections == LAUNCHER_CONNECTIONS_MAX) {
                log_warning("more than %d connections: the oldest is closed", LAUNCHER_CONNECTIONS_MAX);
                (void)close(launcher->connections[0]);
                memmove(launcher->connections, launcher->connections + 1, sizeof(int) * --launcher->n_connections);
        }
        launcher->connections[launcher->n_connections++] = fd;
}

static void stop(struct launcher *launcher) {
        if (!launcher->is_stopping)
                log_notice("stopping: %zu running steps are ended", launcher->n_monitors);
        launcher->is_stopping = true;
        launcher_signal_monitors(launcher, SIGTERM);
}

/* Children first: what a dead monitor left is ended before its successor can be asked for. */
static void on_signals(struct launcher *launcher) {
        struct signalfd_siginfo infos[8];
        ssize_t n = read(launcher->signal_fd, infos, sizeof(infos));
        for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(infos[0]); i++) {
                if (infos[i].ssi_signo == SIGCHLD)
                        launcher_reap(launcher);
                else if (infos[i].ssi_signo == SIGHUP || infos[i].ssi_signo == SIGUSR2)
                        launcher_upgrade(launcher);
                else
                        stop(launcher);
        }
}

/* By the system call: the C library refuses to touch 32 and 33, which a starter may have ignored all the same. */
static void default_all_signals(void) {
        const unsigned long action[8] = {
                0}; /* the kernel's struct sigaction on any architecture: SIG_DFL, no flags, no mask */
        for (int signo = 1; signo < NSIG; signo++)
                (void)syscall(SYS_rt_sigaction, signo, action, NULL, (size_t)(NSIG - 1) / 8);
}

static int open_signals(struct launcher *launcher) {
        static const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR2};
        sigset_t set;
        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                sigaddset(&set, wanted[i]);
        /* Monitors and, through them, commands inherit dispositions: whatever our starter ignored is at its default
         * again. */
        default_all_signals();
        if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
                return -errno;
        launcher->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return launcher->signal_fd < 0 ? -errno : 0;
}

/* Slots: signals, listen, connections, survivors. */
static size_t fill_poll(const struct launcher *launcher, struct pollfd *fds) {
        size_t n = 0;
        fds[n++] = (struct pollfd){.fd = launcher->signal_fd, .events = POLLIN};
        fds[n++] = (struct pollfd){.fd = launcher->is_stopping ? -1 : launcher->listen_fd, .events = POLLIN};
        for (size_t i = 0; i < launcher->n_connections; i++)
                fds[n++] = (struct pollfd){.fd = launcher->connections[i], .events = POLLIN};
        for (size_t i = 0; i < launcher->n_monitors; i++)
                fds[n++] = (struct pollfd){.fd = launcher->monitors[i].pid_fd, .events = POLLIN};
        return n;
}

/* Backwards, since handling one may remove it and move the last into its place. */
static void handle(struct launcher *launcher, const struct pollfd *fds) {
        size_t n_connections = launcher->n_connections, n_monitors = launcher->n_monitors;
        if (fds[0].revents) {
                on_signals(launcher);
                return; /* the tables may have changed: look again */
        }
        for (size_t i = n_monitors; i-- > 0;)
                if (fds[2 + n_connections + i].revents)
                        launcher_forget_survivor(launcher, i);
        for (size_t i = n_connections; i-- > 0;) {
                bool is_over = false;
                if (!fds[2 + i].revents)
                        continue;
                on_request(launcher, launcher->connections[i], &is_over);
                if (is_over) {
                        (void)close(launcher->connections[i]);
                        memmove(launcher->connections + i, launcher->connections + i + 1,
                                sizeof(int) * (--launcher->n_connections - i));
                }
        }
        if (fds[1].revents)
                on_connect(launcher);
}

static bool is_idle_for_long(struct launcher *launcher) {
        if (!launcher->options->is_detached || launcher->n_connections > 0 || launcher->n_monitors > 0) {
                launcher->idle_since = 0;
                return false;
        }
        usec_t now = now_boottime();
        if (launcher->idle_since == 0)
                launcher->idle_since = now;
        return now - launcher->idle_since >= IDLE_EXIT;
}

static void launcher_loop(struct launcher *launcher) {
        struct pollfd *fds = NULL;
        size_t capacity = 0;
        while (!is_idle_for_long(launcher) && !(launcher->is_stopping && launcher->n_monitors == 0)) {
                size_t need = 2 + launcher->n_connections + launcher->n_monitors;
                if (need > capacity) {
                        capacity = 2 * need;
                        fds = xreallocarray(fds, capacity, sizeof(*fds));
                }
                size_t n = fill_poll(launcher, fds);
                if (poll(fds, (nfds_t)n, launcher->idle_since ? (int)(IDLE_EXIT / USEC_PER_MSEC / 4) : -1) > 0)
                        handle(launcher, fds);
        }
        free(fds);
}

/* The socket that systemd hands over (sd_listen_fds(3)), or -1. */
static int inherited_socket(void) {
        const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
        int64_t value;
        if (!pid || !count || parse_int64(pid, &value) < 0 || value != getpid() || parse_int64(count, &value) < 0 ||
            value < 1)
                return -1;
        return fd_set_cloexec(LISTEN_FDS_START, true) < 0 ? -1 : LISTEN_FDS_START;
}

/* One launcher a runtime folder. The lock goes along through re-execution. */
static int take_lock(struct launcher *launcher) {
        _cleanup_free_ char *path = path_join(launcher->options->runtime_dir, "launcher.lock");
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                (void)close(fd);
                return -EADDRINUSE;
        }
        launcher->lock_fd = fd;
        return 0;
}

static int open_socket(struct launcher *launcher) {
        launcher->listen_fd = inherited_socket();
        if (launcher->listen_fd >= 0) {
                launcher->is_listen_inherited = true;
                return 0;
        }
        int r = take_lock(launcher);
        if (r < 0)
                return r;
        _cleanup_free_ char *path = runner_launcher_path(launcher->options->runtime_dir);
        int fd = unix_listen(path, SOCK_SEQPACKET | SOCK_NONBLOCK, 0600, 128);
        if (fd < 0)
                return fd;
        launcher->listen_fd = fd;
        return 0;
}

/* Out of the starter's session; the parent is gone at once. What is said goes to a file beside the socket. */
static int detach(const char *runtime_dir) {
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid > 0)
                _exit(0);
        (void)setsid();
        (void)syscall(SYS_close_range, 3U, ~0U, 0);
        _cleanup_free_ char *path = path_join(runtime_dir, "launcher.log");
        _cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        _cleanup_close_ int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
            dup2(log < 0 ? null : log, STDERR_FILENO) < 0)
                return -errno;
        return 0;
}

static void set_soft_limit(void) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= NOFILE_SOFT)
                return;
        /* Commands inherit it: programs that use select(2) break above. Neither launcher nor monitors need more. */
        limit.rlim_cur = NOFILE_SOFT;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void enter_cgroup(struct launcher *launcher) {
        const struct launcher_options *options = launcher->options;
        if (options->is_without_cgroup)
                return;
        launcher->cgroup_base = options->cgroup_base ? xstrdup(options->cgroup_base) : cgroup_find_delegated();
        if (!launcher->cgroup_base)
                return;
        int r = cgroup_base_enter(launcher->cgroup_base);
        if (r >= 0)
                r = cgroup_open(launcher->cgroup_base, "monitors");
        if (r < 0) {
                log_warning("cannot use the cgroup %s, steps are told apart by descent: %s", launcher->cgroup_base,
                            strerror(-r));
                free(launcher->cgroup_base);
                launcher->cgroup_base = NULL;
                return;
        }
        launcher->monitors_fd = r;
}

static int prepare(struct launcher *launcher) {
        const struct launcher_options *options = launcher->options;
        int r = runner_path_prepare(options->runtime_dir);
        if (r < 0)
                return r;
        if (chdir(options->runtime_dir) < 0) /* by which our monitors are known, see launcher_find_survivors */
                return -errno;
        set_soft_limit();
        launcher->context.umask = umask(0077);
        launcher->context.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (launcher->context.null_fd < 0 || boot_id(launcher->context.boot_id) < 0 ||
            prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
                return -errno;
        enter_cgroup(launcher);
        launcher->context.runtime_dir = options->runtime_dir;
        launcher->context.cgroup_base = launcher->cgroup_base;
        r = open_signals(launcher);
        if (r < 0)
                return r;
        return options->resume_fd >= 0 ? launcher_resume(launcher, options->resume_fd) : open_socket(launcher);
}

static void launcher_done(struct launcher *launcher) {
        if (launcher->listen_fd >= 0 && !launcher->is_listen_inherited) {
                _cleanup_free_ char *path = runner_launcher_path(launcher->options->runtime_dir);
                (void)unlink(path);
        }
        free(launcher->cgroup_base);
        free(launcher->monitors);
}

int launcher_run(const struct launcher_options *options) {
        struct launcher launcher = {
                .options = options, .monitors_fd = -1, .listen_fd = -1, .signal_fd = -1, .lock_fd = -1};
        int r = 0;
        if (options->is_detached && options->resume_fd < 0)
                r = detach(options->runtime_dir);
        if (r >= 0)
                r = prepare(&launcher);
        if (r == -EADDRINUSE)
                return EXIT_SUCCESS; /* another one serves this folder already */
        if (r < 0) {
                log_error("the launcher cannot work in %s: %s", options->runtime_dir, strerror(-r));
                return EXIT_FAILURE;
        }
        launcher_find_survivors(&launcher);
        launcher_reap(&launcher); /* children that ended while the program was exchanged */
        launcher_loop(&launcher);
        launcher_done(&launcher);
        return EXIT_SUCCESS;
}
