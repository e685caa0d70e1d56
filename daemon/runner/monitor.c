/* The monitor's life and event loop. poll(2) suffices: a handful of descriptors. */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "macro.h"
#include "monitor_internal.h"
#include "runner_path.h"
#include "xalloc.h"

/* A step that writes line by line wakes an eager reader for each of them, which costs both several times what a lazy
 * one costs. After so many reads that had no wait before them, each short one is followed by a pause; a single line is
 * never held up. */
#define BURST_READS 8
#define BURST_WAIT 100 /* usec: a read that waited less came at once */
#define BURST_PAUSE_NSEC 200000
/* After so much of a flood the monitor rests, and with it, its pipe being full, the step: some 400 MB/s are left, and
 * processors for everybody else, so that another step's line is on its way at once. */
#define FLOOD_PIECE ((size_t)1024 * 1024)
#define FLOOD_PAUSE_NSEC 2000000
#define SHORT_READ ((size_t)32 * 1024)
#define PIPE_SIZE_GROWN (1024 * 1024)
/* The daemon is told at most so often while there is always something new. */
#define TELL_INTERVAL 500 /* usec */
#define TRIM_AFTER USEC_PER_SEC

enum poll_slot {
        POLL_NOTIFY,
        POLL_DAEMON,
        POLL_LISTEN,
        POLL_SIGNAL,
        POLL_TIMER,
        POLL_EXEC,
        POLL_STDOUT,
        POLL_STDERR,
        POLL_MAX,
};

static void on_signals(struct monitor *monitor) {
        struct signalfd_siginfo infos[8];
        ssize_t n = read(monitor->signal_fd, infos, sizeof(infos));
        for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(infos[0]); i++) {
                if (infos[i].ssi_signo == SIGCHLD)
                        monitor_reap(monitor);
                else if (infos[i].ssi_signo == SIGTERM)
                        monitor_stop(monitor, RUNNER_ENDED_BY_STOP);
                else if (infos[i].ssi_signo == SIGUSR1 && monitor->leaf_fd >= 0) {
                        const struct runner_spec *spec = &monitor->spec;
                        (void)cgroup_leaf_limit(
                                monitor->leaf_fd,
                                &(struct cgroup_limits){spec->memory_max, spec->tasks_max, spec->cpu_quota_percent});
                }
        }
}

static int open_signals(struct monitor *monitor) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGCHLD);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGUSR1);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        monitor->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        monitor->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        return monitor->signal_fd < 0 || monitor->timer_fd < 0 ? -errno : 0;
}

static void grow_pipes(struct monitor *monitor) {
        /* Not from the start: the kernel counts pipe pages by user, and past its limit (64 MiB) all new pipes shrink to
         * a page or two. */
        monitor->is_pipe_grown = true;
        for (size_t i = 0; i < STREAM_MAX; i++)
                for (int size = PIPE_SIZE_GROWN; monitor->streams[i].fd >= 0 && size >= 256 * 1024; size /= 2)
                        if (fcntl(monitor->streams[i].fd, F_SETPIPE_SZ, size) >= 0)
                                break;
}

static size_t read_streams(struct monitor *monitor, const struct pollfd *fds) {
        size_t total = 0;
        for (size_t i = 0; i < STREAM_MAX; i++) {
                if (!fds[POLL_STDOUT + i].revents)
                        continue;
                ssize_t n = log_capture_read(&monitor->log, &monitor->streams[i]);
                if (n > 0)
                        total += (size_t)n;
        }
        log_capture_flush(&monitor->log);
        return total;
}

/* The output of a pass, with the pauses and pipe sizes that a burst wants. */
static void on_output(struct monitor *monitor, const struct pollfd *fds, usec_t waited) {
        size_t n = read_streams(monitor, fds);
        if (n == 0)
                return;
        monitor->is_log_warm |= n >= SHORT_READ / 2;
        monitor->quick_reads = waited < BURST_WAIT ? monitor->quick_reads + 1 : 0;
        if (monitor->quick_reads < BURST_READS)
                return;
        if (!monitor->is_pipe_grown)
                grow_pipes(monitor);
}

/* How long to let output gather before the next read, in nsec. n: bytes that the last pass wrote. */
static long pause_after(struct monitor *monitor, size_t n) {
        if (monitor->quick_reads < BURST_READS) {
                monitor->flood_bytes = 0;
                return 0;
        }
        monitor->flood_bytes += n;
        if (monitor->flood_bytes >= FLOOD_PIECE) {
                monitor->flood_bytes = 0;
                return FLOOD_PAUSE_NSEC;
        }
        return n > 0 && n < SHORT_READ ? BURST_PAUSE_NSEC : 0;
}

static void fill_poll(const struct monitor *monitor, struct pollfd fds[static POLL_MAX]) {
        fds[POLL_NOTIFY] = (struct pollfd){.fd = monitor->notify_fd, .events = POLLIN};
        fds[POLL_DAEMON] = (struct pollfd){.fd = monitor->daemon_fd,
                                           .events = (short)(monitor->is_blocked ? POLLIN | POLLOUT : POLLIN)};
        fds[POLL_LISTEN] = (struct pollfd){.fd = monitor->listen_fd, .events = POLLIN};
        fds[POLL_SIGNAL] = (struct pollfd){.fd = monitor->signal_fd, .events = POLLIN};
        fds[POLL_TIMER] = (struct pollfd){.fd = monitor->timer_fd, .events = POLLIN};
        fds[POLL_EXEC] = (struct pollfd){.fd = monitor->exec_fd, .events = POLLIN};
        fds[POLL_STDOUT] = (struct pollfd){.fd = monitor->streams[STREAM_STDOUT].fd, .events = POLLIN};
        fds[POLL_STDERR] = (struct pollfd){.fd = monitor->streams[STREAM_STDERR].fd, .events = POLLIN};
}

/* How long poll may wait: news that were held back to coalesce go out when their time has come. */
static usec_t poll_timeout(const struct monitor *monitor, usec_t now) {
        usec_t due = monitor->told_at + TELL_INTERVAL;
        if (monitor_has_news(monitor) && !monitor->is_blocked)
                return due > now ? due - now : 0;
        return monitor->is_log_warm ? TRIM_AFTER : USEC_INFINITY;
}

static int wait_for(struct pollfd fds[static POLL_MAX], usec_t timeout) {
        struct timespec ts = {.tv_sec = (time_t)(timeout / USEC_PER_SEC),
                              .tv_nsec = (long)(timeout % USEC_PER_SEC) * 1000};
        return ppoll(fds, POLL_MAX, timeout == USEC_INFINITY ? NULL : &ts, NULL);
}

static void tell_when_due(struct monitor *monitor, usec_t now, bool can_write) {
        if (!monitor_has_news(monitor) || (monitor->is_blocked && !can_write))
                return;
        if (now - monitor->told_at < TELL_INTERVAL)
                return;
        monitor->told_at = now;
        monitor_tell(monitor);
}

/* Reports are read before output: what a step said before it wrote is known first. */
static void handle(struct monitor *monitor, const struct pollfd *fds, usec_t waited) {
        if (fds[POLL_NOTIFY].revents)
                monitor_on_notify(monitor);
        if (fds[POLL_EXEC].revents)
                monitor_on_exec(monitor);
        log_capture_begin(&monitor->log);
        if (fds[POLL_STDOUT].revents || fds[POLL_STDERR].revents)
                on_output(monitor, fds, waited);
        if (fds[POLL_SIGNAL].revents)
                on_signals(monitor);
        if (fds[POLL_TIMER].revents)
                monitor_on_deadlines(monitor);
        if (fds[POLL_DAEMON].revents & (POLLIN | POLLHUP | POLLERR))
                monitor_on_daemon(monitor);
        if (fds[POLL_LISTEN].revents)
                monitor_on_connection(monitor);
}

static void monitor_loop(struct monitor *monitor) {
        struct pollfd fds[POLL_MAX];
        usec_t before = now_boottime();
        while (!monitor_is_over(monitor)) {
                monitor_arm_timer(monitor);
                fill_poll(monitor, fds);
                int n = wait_for(fds, poll_timeout(monitor, before));
                usec_t after = now_boottime();
                uint64_t size_before = monitor->log.size;
                if (n > 0)
                        handle(monitor, fds, after - before);
                else if (n == 0 && monitor->is_log_warm && !monitor_has_news(monitor)) {
                        log_capture_trim(&monitor->log);
                        monitor->is_log_warm = false;
                }
                tell_when_due(monitor, after, n > 0 && (fds[POLL_DAEMON].revents & POLLOUT));
                long pause = pause_after(monitor, (size_t)(monitor->log.size - size_before));
                if (pause > 0)
                        nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
                before = now_boottime();
        }
}

static void monitor_init(struct monitor *monitor, const struct monitor_context *context, int attempt_fd,
                         int daemon_fd) {
        *monitor = (struct monitor){
                .context = context,
                .state = ATTEMPT_STATE_INIT,
                .attempt_fd = attempt_fd,
                .generation = 1, /* the daemon wrote the first */
                .daemon_fd = daemon_fd,
                .listen_fd = -1,
                .notify_fd = -1,
                .signal_fd = -1,
                .timer_fd = -1,
                .exec_fd = -1,
                .leaf_fd = -1,
                .streams = {{.fd = -1}, {.fd = -1, .is_stderr = true}},
                .timeout_at = USEC_INFINITY,
                .run_timeout_at = USEC_INFINITY,
                .heartbeat_at = USEC_INFINITY,
                .kill_at = USEC_INFINITY,
                .drain_at = USEC_INFINITY,
                .save_at = USEC_INFINITY,
                .listen_at = USEC_INFINITY,
                .timer_armed_for = USEC_INFINITY,
        };
        monitor->log.fd = -1;
}

/* Takes the members of the spec that the state repeats. */
static void describe(struct monitor *monitor) {
        char name[24];
        monitor->state.number = monitor->spec.number;
        monitor->state.run_id = xstrdup_or_null(monitor->spec.run_id);
        monitor->state.label = xstrdup_or_null(monitor->spec.label);
        monitor->state.monitor_pid = (uint64_t)getpid();
        monitor->state.boot_id = xstrdup(monitor->context->boot_id);
        monitor->monitor_path = runner_monitor_path(monitor->context->runtime_dir, monitor->spec.number);
        snprintf(name, sizeof(name), MONITOR_NAME_PREFIX "%" PRId64, monitor->spec.number);
        (void)prctl(PR_SET_NAME, name);
}

_Noreturn void monitor_run(const struct monitor_context *context, const char *spec, size_t spec_len, int attempt_fd,
                           int daemon_fd) {
        static struct monitor monitor;
        monitor_init(&monitor, context, attempt_fd, daemon_fd);
        int r = log_capture_init(&monitor.log, -1);
        if (r >= 0)
                r = runner_spec_decode(spec, spec_len, &monitor.spec);
        if (r >= 0) {
                describe(&monitor);
                (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
                r = open_signals(&monitor);
        }
        if (r < 0)
                monitor_spawn_failed(&monitor, "prepare", -r);
        else if (monitor_start(&monitor) >= 0)
                monitor_loop(&monitor);
        monitor_finish(&monitor);
}
