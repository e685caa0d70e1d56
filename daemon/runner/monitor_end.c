/* The end of an attempt: ordered stops, reaping, what is left behind, the result. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "macro.h"
#include "monitor_internal.h"

#define KILL_AGAIN USEC_PER_SEC
#define SYNC_TICK_NSEC 50000000L

static void list_processes(struct monitor *monitor, struct pid_list *ret) {
        if (monitor->leaf_fd >= 0)
                cgroup_leaf_processes(monitor->leaf_fd, ret);
        else
                process_descendants(getpid(), NULL, ret);
}

/* TERM to all, and CONT so that the stopped ones can follow it; whoever lives at the end of the grace is killed. */
void monitor_stop(struct monitor *monitor, enum runner_ended_by why) {
        if (monitor->is_stopping || monitor->has_exited)
                return;
        monitor->is_stopping = true;
        if (monitor->ended_by == RUNNER_ENDED_BY_ITSELF)
                monitor->ended_by = why;
        size_t before = monitor->ended.n;
        list_processes(monitor, &monitor->ended);
        for (size_t i = before; i < monitor->ended.n; i++) {
                (void)kill(monitor->ended.pids[i], SIGTERM);
                (void)kill(monitor->ended.pids[i], SIGCONT);
        }
        monitor->timeout_at = monitor->run_timeout_at = monitor->heartbeat_at = USEC_INFINITY;
        monitor->kill_at = now_boottime() + monitor->spec.kill_grace;
}

static void reap(void *user) {
        monitor_reap(user);
}

void monitor_kill_tree(struct monitor *monitor) {
        monitor->is_killed = true;
        if (monitor->leaf_fd >= 0) {
                cgroup_leaf_processes(monitor->leaf_fd, &monitor->ended);
                cgroup_leaf_kill(monitor->leaf_fd);
                monitor_reap(monitor);
        }
        /* Also with a cgroup: who can write to cgroup.procs of another one of ours can leave the leaf, but not the
         * subreaper. */
        if (monitor->has_children)
                process_kill_descendants(getpid(), NULL, &monitor->ended, reap, monitor);
        monitor_reap(monitor);
        if (!monitor->has_exited) /* in an uninterruptible wait, or a bomb that outran us */
                monitor->kill_at = now_boottime() + KILL_AGAIN;
}

static uint64_t usec_of(struct timeval time) {
        return (uint64_t)time.tv_sec * USEC_PER_SEC + (uint64_t)time.tv_usec;
}

static void add_usage(struct monitor *monitor, const struct rusage *usage) {
        monitor->reaped_cpu_usec += usec_of(usage->ru_utime) + usec_of(usage->ru_stime);
        monitor->reaped_memory_peak = MAX(monitor->reaped_memory_peak, (int64_t)usage->ru_maxrss * 1024);
        monitor->reaped_read_bytes += (int64_t)usage->ru_inblock * 512;
        monitor->reaped_write_bytes += (int64_t)usage->ru_oublock * 512;
}

static void command_exited(struct monitor *monitor, int status) {
        monitor->has_exited = true;
        monitor->wait_status = status;
        monitor->state.ended_at = now_realtime();
        monitor->state.duration = now_boottime() - monitor->started_boottime;
        monitor->timeout_at = monitor->run_timeout_at = monitor->heartbeat_at = USEC_INFINITY;
        monitor->drain_at = now_boottime() + monitor->spec.drain;
}

void monitor_reap(struct monitor *monitor) {
        struct rusage usage;
        int status;
        pid_t pid;
        while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
                add_usage(monitor, &usage);
                if (pid == monitor->pid && !monitor->has_exited)
                        command_exited(monitor, status);
        }
        monitor->has_children = pid == 0;
}

bool monitor_is_over(const struct monitor *monitor) {
        if (monitor->exec_fd >= 0 || !monitor->has_exited)
                return false;
        if (monitor->is_killed)
                return true;
        if (monitor->streams[STREAM_STDOUT].fd >= 0 || monitor->streams[STREAM_STDERR].fd >= 0)
                return false;
        /* In an ordered stop the others have their grace too. */
        return !monitor->is_stopping || !monitor->has_children;
}

/* What is in the pipes now, without waiting for who may still hold them. */
static void drain_pipes(struct monitor *monitor) {
        for (size_t i = 0; i < STREAM_MAX; i++) {
                struct log_stream *stream = &monitor->streams[i];
                struct pollfd poll_fd = {.fd = stream->fd, .events = POLLIN};
                while (stream->fd >= 0 && poll(&poll_fd, 1, 0) > 0) {
                        if (log_capture_read(&monitor->log, stream) <= 0)
                                break;
                }
                if (stream->fd >= 0)
                        log_capture_close_stream(&monitor->log, stream);
        }
        log_capture_flush(&monitor->log);
}

static void fill_usage(struct monitor *monitor, bool *ret_oom) {
        struct attempt_state *state = &monitor->state;
        struct cgroup_usage usage = {
                .memory_peak = monitor->reaped_memory_peak > 0 ? monitor->reaped_memory_peak : -1,
                .cpu_usec = (int64_t)monitor->reaped_cpu_usec,
                .io_read_bytes = monitor->reaped_read_bytes,
                .io_write_bytes = monitor->reaped_write_bytes,
        };
        if (monitor->leaf_fd >= 0)
                cgroup_leaf_usage(monitor->leaf_fd, &usage);
        state->memory_peak = usage.memory_peak;
        state->cpu_usec = usage.cpu_usec;
        state->io_read_bytes = usage.io_read_bytes;
        state->io_write_bytes = usage.io_write_bytes;
        *ret_oom = usage.has_oom_kill;
}

static void fill_result(struct monitor *monitor) {
        struct attempt_state *state = &monitor->state;
        bool is_oom = false;
        if (monitor->ended_by != RUNNER_ENDED_BY_SPAWN) {
                fill_usage(monitor, &is_oom);
                if (WIFEXITED(monitor->wait_status))
                        state->exit_status = WEXITSTATUS(monitor->wait_status);
                else
                        state->signal_number = WTERMSIG(monitor->wait_status);
                if (is_oom && monitor->ended_by == RUNNER_ENDED_BY_ITSELF && state->exit_status != 0)
                        monitor->ended_by = RUNNER_ENDED_BY_OOM;
        }
        if (state->ended_at == 0)
                state->ended_at = now_realtime();
        state->processes_ended = monitor->ended.n;
        free(state->ended_by);
        state->ended_by = strdup(runner_ended_by_to_string(monitor->ended_by));
        state->has_ended = true;
}

/* A daemon that has the result makes it durable in its own way, so that the file's turn is not urgent: it comes at the
 * next tick of a clock that all monitors share. Those that end within one tick then share one commit of the
 * filesystem's journal, where a commit for each would hold up the files of every step that is started meanwhile
 * (measured on ext4: up to five times the launch). */
static void wait_for_tick(void) {
        struct timespec now;
        if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
                return;
        struct timespec left = {.tv_nsec = SYNC_TICK_NSEC - now.tv_nsec % SYNC_TICK_NSEC};
        (void)nanosleep(&left, NULL);
}

_Noreturn void monitor_finish(struct monitor *monitor) {
        monitor_reap(monitor);
        if (monitor->has_children)
                monitor_kill_tree(monitor);
        if (monitor->log.fd >= 0) {
                log_capture_begin(&monitor->log);
                if (monitor->notify_fd >= 0)
                        monitor_on_notify(monitor);
                drain_pipes(monitor);
                log_capture_finish(&monitor->log);
        }
        fill_result(monitor);
        monitor_save(monitor);
        bool is_told = monitor_tell_end(monitor);
        if (monitor->notify_path)
                (void)unlink(monitor->notify_path);
        if (monitor->listen_fd >= 0)
                (void)unlink(monitor->monitor_path);
        if (monitor->leaf_fd >= 0)
                cgroup_leaf_remove(monitor->context->cgroup_base, monitor->leaf_name);
        if (is_told)
                wait_for_tick();
        if (fdatasync(monitor->attempt_fd) < 0 && monitor->is_unsaved)
                monitor_save(monitor);
        _exit(0);
}
