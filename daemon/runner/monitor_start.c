/* Starting the command of an attempt. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "cleanup.h"
#include "monitor_internal.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

/* What the child writes into the exec pipe when it cannot become the command. */
struct exec_failure {
        char what[32];
        int error;
};

/* The child's descriptors; those not given to the command close by themselves on exec. */
struct child_fds {
        int out, err, exec;
};

static void log_line(struct monitor *monitor, const char *text) {
        log_capture_say(&monitor->log, text);
        log_capture_flush(&monitor->log);
}

void monitor_spawn_failed(struct monitor *monitor, const char *what, int error) {
        _cleanup_free_ char *text =
                xasprintf("batch-runner: cannot %s %s: %s", what,
                          monitor->spec.argv ? monitor->spec.argv[0] : "the command", strerror(error));
        monitor->state.spawn_errno = error;
        monitor->state.started_at = 0;
        monitor->ended_by = RUNNER_ENDED_BY_SPAWN;
        if (monitor->log.fd >= 0)
                log_line(monitor, text);
}

static const char *environment_get(char *const *environment, const char *name) {
        size_t len = strlen(name);
        STRV_FOREACH (variable, environment)
                if (strncmp(*variable, name, len) == 0 && (*variable)[len] == '=')
                        return *variable + len + 1;
        return NULL;
}

_Noreturn static void child_fail(int fd, const char *what, int error) {
        struct exec_failure failure = {.error = error};
        snprintf(failure.what, sizeof(failure.what), "%s", what);
        if (write(fd, &failure, sizeof(failure)) < 0)
                _exit(126);
        _exit(127);
}

/* Looks the program up in the PATH of the step's environment; never hands it to a shell, as execvp(3) does. Returns
 * only on failure. */
static int exec_search(char *const *argv, char *const *environment) {
        char path[4096];
        int error = ENOENT;
        if (strchr(argv[0], '/')) {
                execve(argv[0], argv, environment);
                return errno;
        }
        const char *at = str_or(environment_get(environment, "PATH"), PATH_DEFAULT);
        for (bool is_last = false; !is_last; at++) {
                size_t len = strcspn(at, ":");
                is_last = at[len] == 0;
                int n = snprintf(path, sizeof(path), "%.*s/%s", len ? (int)len : 1, len ? at : ".", argv[0]);
                at += len;
                if (n < 0 || (size_t)n >= sizeof(path))
                        continue;
                execve(path, argv, environment);
                if (errno == EACCES || (errno != ENOENT && errno != ENOTDIR))
                        error = errno;
                if (error != ENOENT && error != EACCES)
                        break;
        }
        return error;
}

/* Up to its exec the child has the attempt's lock, and its monitor's name and folder: to everybody else it is the
 * monitor. Should that one be killed, the child ends with it; if that was before this, it may have been stopped since
 * then, and continued by the next launcher (adopt_survivor). */
static void end_with_monitor(const struct monitor *monitor) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != (pid_t)monitor->state.monitor_pid)
                _exit(127);
}

_Noreturn static void run_command(const struct monitor *monitor, const struct child_fds *fds) {
        const struct runner_spec *spec = &monitor->spec;
        const char *dir = spec->working_directory;
        sigset_t none;
        end_with_monitor(monitor);
        (void)setsid();
        if (dup2(monitor->context->null_fd, STDIN_FILENO) < 0 || dup2(fds->out, STDOUT_FILENO) < 0 ||
            dup2(fds->err, STDERR_FILENO) < 0)
                child_fail(fds->exec, "redirect the output of", errno);
        if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                child_fail(fds->exec, "close descriptors for", errno);
        if (!dir) {
                dir = str_or(environment_get(spec->environment, "TMPDIR"), "/");
                (void)mkdir(dir, 0700); /* mostly there; what matters is whether it can be entered */
        }
        if (chdir(dir) < 0)
                child_fail(fds->exec, "enter the working directory of", errno);
        (void)umask(monitor->context->umask);
        if (spec->nice != 0)
                (void)setpriority(PRIO_PROCESS, 0, (int)spec->nice);
        /* Dispositions are at their default already: neither launcher nor monitor has any handler or ignores anything.
         */
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        child_fail(fds->exec, "execute", exec_search(spec->argv, spec->environment));
}

/* A fork, straight into the leaf where there is one: moving a process afterwards is slow and would miss what it does
 * first. */
static pid_t fork_into(int leaf_fd) {
        if (leaf_fd < 0)
                return fork();
        struct clone_args arguments = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)leaf_fd};
        return (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

static int open_pipe(int ret[static 2]) {
        return pipe2(ret, O_CLOEXEC) < 0 ? -errno : 0;
}

static void make_leaf(struct monitor *monitor) {
        const struct runner_spec *spec = &monitor->spec;
        if (!monitor->context->cgroup_base)
                return;
        monitor->leaf_name = cgroup_leaf_name(spec->number, spec->label);
        int leaf = cgroup_leaf_make(monitor->context->cgroup_base, monitor->leaf_name);
        if (leaf < 0)
                return; /* by descent, then */
        monitor->leaf_fd = leaf;
        (void)cgroup_leaf_limit(leaf,
                                &(struct cgroup_limits){spec->memory_max, spec->tasks_max, spec->cpu_quota_percent});
}

static void add_environment(struct monitor *monitor) {
        const char *credentials = getenv("CREDENTIALS_DIRECTORY");
        if (credentials) /* of batch-runner.service, in which the step lives */
                strv_append_take(&monitor->spec.environment, xasprintf("CREDENTIALS_DIRECTORY=%s", credentials));
        strv_append_take(&monitor->spec.environment, xasprintf("NOTIFY_SOCKET=%s", monitor->notify_path));
        if (monitor->spec.heartbeat != USEC_INFINITY)
                strv_append_take(&monitor->spec.environment,
                                 xasprintf("WATCHDOG_USEC=%llu", (unsigned long long)monitor->spec.heartbeat));
}

static void start_clocks(struct monitor *monitor) {
        const struct runner_spec *spec = &monitor->spec;
        usec_t now = now_boottime();
        monitor->started_boottime = now;
        monitor->state.started_at = now_realtime();
        if (spec->timeout != USEC_INFINITY)
                monitor->timeout_at = now + spec->timeout;
        if (spec->run_timeout_left != USEC_INFINITY)
                monitor->run_timeout_at = now + spec->run_timeout_left;
        monitor->alive_realtime = monitor->state.started_at;
        monitor->alive_boottime = now;
        if (spec->heartbeat != USEC_INFINITY)
                monitor->heartbeat_at = now + spec->heartbeat;
}

static int open_log(struct monitor *monitor) {
        int fd = open(monitor->spec.log_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd < 0)
                return -errno;
        monitor->log.fd = fd;
        return 0;
}

static int start_process(struct monitor *monitor) {
        int out[2], err[2], exec[2];
        int r = open_pipe(out);
        if (r < 0)
                return r;
        _cleanup_close_ int out_write = out[1];
        monitor->streams[STREAM_STDOUT].fd = out[0];
        r = open_pipe(err);
        if (r < 0)
                return r;
        _cleanup_close_ int err_write = err[1];
        monitor->streams[STREAM_STDERR].fd = err[0];
        r = open_pipe(exec);
        if (r < 0)
                return r;
        _cleanup_close_ int exec_write = exec[1];
        monitor->exec_fd = exec[0];
        start_clocks(monitor);
        monitor->state.is_starting = true;
        monitor_save(monitor);
        if (monitor->is_unsaved)
                return -EIO; /* what cannot be recorded is not done: it might be done twice */
        struct child_fds fds = {.out = out_write, .err = err_write, .exec = exec_write};
        pid_t pid = fork_into(monitor->leaf_fd);
        if (pid < 0)
                return -errno;
        if (pid == 0)
                run_command(monitor, &fds);
        monitor->pid = pid;
        monitor->has_children = true;
        return 0;
}

int monitor_start(struct monitor *monitor) {
        int r = open_log(monitor);
        if (r < 0) {
                monitor_spawn_failed(monitor, "make the log file of", -r);
                return r;
        }
        r = monitor_notify_bind(monitor);
        if (r < 0) {
                monitor_spawn_failed(monitor, "make the notify socket of", -r);
                return r;
        }
        add_environment(monitor);
        make_leaf(monitor);
        r = start_process(monitor);
        if (r < 0)
                monitor_spawn_failed(monitor, "start", -r);
        return r;
}

void monitor_on_exec(struct monitor *monitor) {
        struct exec_failure failure;
        ssize_t n = read(monitor->exec_fd, &failure, sizeof(failure));
        if (n < 0 && errno == EINTR)
                return;
        closep(&monitor->exec_fd);
        monitor->exec_fd = -1;
        if (n == (ssize_t)sizeof(failure)) {
                monitor_spawn_failed(monitor, failure.what, failure.error);
                return;
        }
        monitor->state.pid = (uint64_t)monitor->pid;
        monitor->is_unsaved = true;
}
