/* Shared by the files of the monitor: monitor.c (life and event loop), monitor_start.c (the command), monitor_daemon.c
 * (telling the daemon), monitor_notify.c (the step protocol), monitor_deadline.c (clocks), monitor_end.c (stopping,
 * reaping, the result). */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "attempt_state.h"
#include "log_capture.h"
#include "monitor.h"
#include "process_tree.h"
#include "runner_spec.h"
#include "step_report.h"
#include "timeutil.h"

enum { STREAM_STDOUT, STREAM_STDERR, STREAM_MAX };

struct monitor {
        const struct monitor_context *context;
        struct runner_spec spec;
        struct attempt_state state;
        struct step_reports reports;

        int attempt_fd;
        uint64_t generation;
        bool is_unsaved; /* the attempt file is behind */

        int daemon_fd; /* -1: no daemon */
        int listen_fd; /* m/<number>, only while there is no daemon */
        int notify_fd;
        int signal_fd;
        int timer_fd;
        int exec_fd; /* the end of it says that the command runs; -1 afterwards */
        int leaf_fd; /* -1: no cgroup */
        char *leaf_name;
        char *notify_path;
        char *monitor_path;

        struct log_capture log;
        struct log_stream streams[STREAM_MAX];

        pid_t pid;
        bool has_exited; /* the command itself */
        bool has_children;
        int wait_status;
        uint64_t reaped_cpu_usec;
        int64_t reaped_memory_peak, reaped_read_bytes, reaped_write_bytes;
        struct pid_list ended; /* by force */

        bool is_stopping;
        bool is_killed; /* KILL was sent to all */
        enum runner_ended_by ended_by;

        /* Boot clock; USEC_INFINITY: none. */
        usec_t started_boottime;
        usec_t timeout_at, run_timeout_at, heartbeat_at, kill_at, drain_at, save_at, listen_at;
        usec_t timer_armed_for;

        /* Signs of life: the last one (or the start) on both clocks; since then it is missing, for the nth time. */
        usec_t alive_realtime, alive_boottime;
        bool is_silent;
        unsigned n_silences;

        /* What the daemon has been told. */
        bool is_state_told;
        uint64_t log_size_told;
        usec_t told_at;
        bool is_blocked; /* its socket is full */

        size_t flood_bytes; /* since the last rest */
        /* Coalescing short reads of a burst. */
        unsigned quick_reads;
        bool is_pipe_grown;
        bool is_log_warm; /* the capture's buffers were used beyond a few pages */
};

/* monitor_start.c. 0 or negative errno, in which case spawn_errno and a line in the log say what could not be done. */
int monitor_start(struct monitor *monitor);
/* The exec pipe is readable: the command runs, or could not be executed. */
void monitor_on_exec(struct monitor *monitor);
void monitor_spawn_failed(struct monitor *monitor, const char *what, int error);

/* monitor_daemon.c */
void monitor_tell(struct monitor *monitor);
bool monitor_has_news(const struct monitor *monitor);
/* All that is left and the result. False: the daemon must read it from the file. */
bool monitor_tell_end(struct monitor *monitor);
void monitor_on_daemon(struct monitor *monitor);
void monitor_on_connection(struct monitor *monitor);
void monitor_drop_daemon(struct monitor *monitor);
/* Makes m/<number>, or tries again later. */
void monitor_listen(struct monitor *monitor);
void monitor_save(struct monitor *monitor);

/* monitor_notify.c */
int monitor_notify_bind(struct monitor *monitor);
void monitor_on_notify(struct monitor *monitor);

/* monitor_deadline.c */
void monitor_arm_timer(struct monitor *monitor);
void monitor_on_deadlines(struct monitor *monitor);
void monitor_heartbeat(struct monitor *monitor);
void monitor_extend_timeout(struct monitor *monitor, uint64_t usec);

/* monitor_end.c */
void monitor_stop(struct monitor *monitor, enum runner_ended_by why);
void monitor_kill_tree(struct monitor *monitor);
void monitor_reap(struct monitor *monitor);
bool monitor_is_over(const struct monitor *monitor);
_Noreturn void monitor_finish(struct monitor *monitor);
