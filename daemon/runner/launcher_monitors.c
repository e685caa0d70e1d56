/* The monitors of a launcher, and what is left behind by those that die without having cleaned up. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attempt_state.h"
#include "cgroup.h"
#include "cleanup.h"
#include "fields.h"
#include "launcher_internal.h"
#include "log.h"
#include "process_tree.h"
#include "runner_message.h"
#include "runner_path.h"
#include "sockutil.h"
#include "strutil.h"
#include "xalloc.h"

#define SWEEP_WAIT (2 * USEC_PER_SEC)

DEFINE_CLEANUP(DIR, closedir);

static void add_monitor(struct launcher *launcher, pid_t pid, int64_t number, int pid_fd) {
        GROW(launcher->monitors, launcher->n_monitors, launcher->monitors_capacity);
        launcher->monitors[launcher->n_monitors++] = (struct launched){.pid = pid, .number = number, .pid_fd = pid_fd};
}

static int64_t number_of_spec(const char *spec, size_t len) {
        const char *cursor = spec;
        struct field field;
        int64_t number;
        while (fields_next(&cursor, spec + len, &field) > 0)
                if (field_is(&field, "number"))
                        return parse_int64(field.value, &number) < 0 ? -1 : number;
        return -1;
}

/* The monitor could not be forked: what it would have said, said for it. */
static void refuse(int daemon_fd, int error) {
        _cleanup_buf_ struct buf content = BUF_INIT(RUNNER_MESSAGE_MAX);
        _cleanup_attempt_state_ struct attempt_state state = ATTEMPT_STATE_INIT;
        state.has_ended = true;
        state.spawn_errno = error;
        state.ended_at = now_realtime();
        state.ended_by = xstrdup(runner_ended_by_to_string(RUNNER_ENDED_BY_SPAWN));
        if (buf_append_char(&content, RUNNER_MESSAGE_ENDED) >= 0 && attempt_state_encode(&state, NULL, &content) >= 0)
                (void)send_with_fds(daemon_fd, buf_data(&content), content.len, NULL, 0);
        log_error("cannot fork a monitor: %s", strerror(error));
}

static pid_t fork_monitor(const struct launcher *launcher) {
        if (launcher->monitors_fd < 0)
                return fork();
        struct clone_args arguments = {
                .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)launcher->monitors_fd};
        return (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

static void close_own(const struct launcher *launcher) {
        (void)close(launcher->listen_fd);
        (void)close(launcher->signal_fd);
        if (launcher->lock_fd >= 0)
                (void)close(launcher->lock_fd);
        if (launcher->monitors_fd >= 0)
                (void)close(launcher->monitors_fd);
        for (size_t i = 0; i < launcher->n_connections; i++)
                (void)close(launcher->connections[i]);
        for (size_t i = 0; i < launcher->n_monitors; i++)
                if (launcher->monitors[i].pid_fd >= 0)
                        (void)close(launcher->monitors[i].pid_fd);
}

void launcher_launch(struct launcher *launcher, const char *spec, size_t len, int attempt_fd, int daemon_fd) {
        pid_t pid = fork_monitor(launcher);
        if (pid == 0) {
                close_own(launcher);
                monitor_run(&launcher->context, spec, len, attempt_fd, daemon_fd);
        }
        if (pid < 0)
                refuse(daemon_fd, errno);
        else
                add_monitor(launcher, pid, number_of_spec(spec, len), -1);
        (void)close(attempt_fd);
        (void)close(daemon_fd);
}

static void remove_monitor(struct launcher *launcher, size_t index) {
        if (launcher->monitors[index].pid_fd >= 0)
                (void)close(launcher->monitors[index].pid_fd);
        launcher->monitors[index] = launcher->monitors[--launcher->n_monitors];
}

static void reap_orphans(void *user) {
        struct launcher *launcher = user;
        /* Not monitors: those must be seen by launcher_reap. WNOWAIT tells who it is first. */
        siginfo_t info = {0};
        while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0) {
                for (size_t i = 0; i < launcher->n_monitors; i++)
                        if (launcher->monitors[i].pid == info.si_pid)
                                return;
                (void)waitpid(info.si_pid, NULL, WNOHANG);
                info.si_pid = 0;
        }
}

/* We are the next subreaper: what a dead monitor's step left behind is below us now, beside the monitors that live. */
static void kill_orphans(struct launcher *launcher) {
        _cleanup_pid_list_ struct pid_list monitors = {0}, ended = {0};
        for (size_t i = 0; i < launcher->n_monitors; i++)
                pid_list_add(&monitors, launcher->monitors[i].pid);
        process_kill_descendants(getpid(), &monitors, &ended, reap_orphans, launcher);
        if (ended.n > 0)
                log_warning("%zu processes of a step were ended behind a monitor that died", ended.n);
}

struct leaf_search {
        const char *base;
        int64_t number;
};

static void sweep_leaf(const char *name, int64_t number, void *user) {
        const struct leaf_search *search = user;
        if (number != search->number)
                return;
        _cleanup_close_ int leaf = cgroup_open(search->base, name);
        if (leaf < 0)
                return;
        cgroup_leaf_kill(leaf);
        cgroup_leaf_remove(search->base, name);
}

void launcher_sweep(const char *runtime_dir, const char *cgroup_base, int64_t number) {
        if (cgroup_base)
                cgroup_each_leaf(cgroup_base, sweep_leaf, &(struct leaf_search){cgroup_base, number});
        _cleanup_free_ char *notify = runner_notify_path(runtime_dir, number);
        _cleanup_free_ char *monitor = runner_monitor_path(runtime_dir, number);
        _cleanup_free_ char *assignment = xasprintf("NOTIFY_SOCKET=%s", notify);
        usec_t give_up = now_boottime() + SWEEP_WAIT;
        do {
                _cleanup_pid_list_ struct pid_list left = {0};
                process_find_by_environment(assignment, &left);
                if (left.n == 0)
                        break;
                for (size_t i = 0; i < left.n; i++)
                        (void)kill(left.pids[i], SIGKILL);
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        } while (now_boottime() < give_up);
        (void)unlink(notify);
        (void)unlink(monitor);
}

static void monitor_ended(struct launcher *launcher, size_t index, bool is_clean) {
        int64_t number = launcher->monitors[index].number;
        remove_monitor(launcher, index);
        if (is_clean)
                return;
        log_warning("the monitor of attempt %" PRId64 " died; its processes are ended", number);
        kill_orphans(launcher);
        launcher_sweep(launcher->options->runtime_dir, launcher->cgroup_base, number);
}

void launcher_reap(struct launcher *launcher) {
        pid_t pid;
        int status;
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                for (size_t i = 0; i < launcher->n_monitors; i++)
                        if (launcher->monitors[i].pid == pid && launcher->monitors[i].pid_fd < 0) {
                                monitor_ended(launcher, i, WIFEXITED(status) && WEXITSTATUS(status) == 0);
                                break;
                        }
}

void launcher_forget_survivor(struct launcher *launcher, size_t index) {
        /* How it ended is not known: one that ended well removed its notify socket. */
        _cleanup_free_ char *notify =
                runner_notify_path(launcher->options->runtime_dir, launcher->monitors[index].number);
        monitor_ended(launcher, index, access(notify, F_OK) < 0);
}

/* A child's id is its own until we have waited for it; that of a survivor may be somebody else's by now. */
static void signal_monitor(const struct launched *monitor, int signo) {
        if (monitor->pid_fd < 0)
                (void)kill(monitor->pid, signo);
        else
                (void)syscall(SYS_pidfd_send_signal, monitor->pid_fd, signo, NULL, 0);
}

void launcher_signal_monitors(struct launcher *launcher, int signo) {
        for (size_t i = 0; i < launcher->n_monitors; i++)
                signal_monitor(&launcher->monitors[i], signo);
}

static bool is_our_monitor(pid_t pid, const char *runtime_dir, int64_t *ret_number) {
        char name[17], path[64];
        struct stat cwd, runtime;
        const char *number;
        if (process_name(pid, name) < 0 || !(number = startswith(name, MONITOR_NAME_PREFIX)) ||
            parse_int64(number, ret_number) < 0)
                return false;
        /* Monitors have the runtime folder as their working directory: other instances have others. */
        snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
        return stat(path, &cwd) >= 0 && stat(runtime_dir, &runtime) >= 0 && cwd.st_dev == runtime.st_dev &&
               cwd.st_ino == runtime.st_ino;
}

static bool is_known(const struct launcher *launcher, int64_t number) {
        for (size_t i = 0; i < launcher->n_monitors; i++)
                if (launcher->monitors[i].number == number)
                        return true;
        return false;
}

static void adopt_survivor(pid_t pid, void *user) {
        struct launcher *launcher = user;
        int64_t number, again;
        if (!is_our_monitor(pid, launcher->options->runtime_dir, &number) || is_known(launcher, number))
                return;
        int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (pid_fd < 0)
                return;
        if (!is_our_monitor(pid, launcher->options->runtime_dir, &again) || again != number) {
                (void)close(pid_fd); /* the id went to somebody else in between */
                return;
        }
        add_monitor(launcher, pid, number, pid_fd);
        /* Our predecessor may have stopped it to end it: not a monitor then, but what one that died had just forked for
         * its command, which looks the same. It leaves when it can go on. */
        signal_monitor(&launcher->monitors[launcher->n_monitors - 1], SIGCONT);
}

void launcher_each_trace(const char *runtime_dir, const char *cgroup_base, void (*fn)(int64_t number, void *user),
                         void *user) {
        _cleanup_free_ char *sample = runner_notify_path(runtime_dir, 0);
        *strrchr(sample, '/') = 0;
        _cleanup_(closedirp) DIR *dir = opendir(sample);
        const struct dirent *entry;
        int64_t number;
        while (dir && (entry = readdir(dir)))
                if (parse_int64(entry->d_name, &number) >= 0)
                        fn(number, user);
        if (!cgroup_base)
                return;
        _cleanup_(closedirp) DIR *leaves = opendir(cgroup_base);
        while (leaves && (entry = readdir(leaves)))
                if (sscanf(entry->d_name, "step.%" SCNd64 ".", &number) == 1)
                        fn(number, user);
}

static void sweep_dead(int64_t number, void *user) {
        struct launcher *launcher = user;
        if (!is_known(launcher, number))
                launcher_sweep(launcher->options->runtime_dir, launcher->cgroup_base, number);
}

void launcher_find_survivors(struct launcher *launcher) {
        process_each(adopt_survivor, launcher);
        launcher_each_trace(launcher->options->runtime_dir, launcher->cgroup_base, sweep_dead, launcher);
        if (launcher->cgroup_base) /* controllers that were off have forgotten their limits */
                launcher_signal_monitors(launcher, SIGUSR1);
}
