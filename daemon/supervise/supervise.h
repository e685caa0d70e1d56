/* The daemon's side of the boundary to batch-runner: launching attempts through the launcher, following their monitors,
 * finding those that outlived an earlier daemon. What the two sides share is described in daemon/runner/protocol.md. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cri.h"
#include "loop.h"
#include "timeutil.h"

struct supervise;
struct attempt;

struct supervise_config {
        const char *runtime_dir; /* sockets: launcher.sock, m/<number>, n/<number> */
        const char *state_dir;
        const char *version;     /* told to the launcher, which executes itself anew where it is an older one */
        const char *runner_path; /* start the launcher ourselves, detached, when nobody answers; NULL: never (systemd
                                    does) */
};

struct attempt_spec {
        int64_t number; /* names the sockets; unique within the state folder */
        const char *run_id;
        const char *label; /* "<run number>.<step>[.<item>].<attempt>": names the cgroup leaf, shown in errors */
        char *const *argv;
        char *const *environment; /* complete: what the step gets but NOTIFY_SOCKET and WATCHDOG_USEC, which the monitor
                                     adds */
        const char *working_directory; /* NULL: the run's TMPDIR */
        const char *log_path;          /* absolute */
        const char *attempt_path;      /* absolute: <log_path without .log>.attempt */
        usec_t timeout;                /* USEC_INFINITY: none */
        usec_t run_timeout_left;       /* what is left of RunTimeoutSec */
        usec_t kill_grace;
        usec_t heartbeat;
        bool heartbeat_kill;
        uint64_t memory_max, tasks_max;
        unsigned cpu_quota_percent;
        int nice;
};

enum attempt_ended_by {
        ENDED_BY_ITSELF,
        ENDED_BY_TIMEOUT,
        ENDED_BY_RUN_TIMEOUT,
        ENDED_BY_HEARTBEAT,
        ENDED_BY_OOM,
        ENDED_BY_STOP,  /* attempt_stop */
        ENDED_BY_SPAWN, /* never ran: spawn_errno */
        ENDED_BY_LOST,  /* no monitor, no result */
};

struct attempt_result {
        enum attempt_ended_by ended_by;
        int exit_status;   /* -1 when a signal ended it or it never ran */
        int signal_number; /* 0 when it exited */
        int spawn_errno;
        usec_t started_at; /* realtime */
        usec_t ended_at;
        usec_t duration;          /* boot clock */
        uint64_t processes_ended; /* by force, what was left included */
        bool drain_timed_out;     /* a descendant kept the pipes open past the drain time */
        bool heartbeat_missed;
        uint64_t lines, log_size, lines_dropped; /* dropped: the log could not be written */
        int64_t memory_peak;                     /* bytes, -1 unknown */
        int64_t cpu_usec;                        /* -1 unknown */
        int64_t io_read_bytes, io_write_bytes;   /* -1 unknown */
};

/* All calls come on the loop. `reports` are idempotent: the whole current value of one thing the step said, resent
 * after a reconnect. Keys: status, progress ("15/75"), item, records, expected, coverage, error_class, quality, result,
 * metric+:NAME (sum so far in this attempt), metric=:NAME, warning:N ("category: text"), note:N, missing:N ("item:
 * reason"), missing_more (so many beyond those), parameter:NAME, step:N (an inner step: runner/protocol.md), refused:N
 * (a report that made no sense, in words), heartbeat ("missing SINCE TIMES", or "back SINCE SILENCE TIMES"),
 * heartbeat_missed ("1", of monitors of version 0.1.0). */
struct attempt_events {
        void (*started)(pid_t pid, usec_t realtime, void *user);
        /* Whole lines in file order; [offset, end) is the piece of the file they came from. More follow in a later pass
         * when there is much. */
        void (*lines)(const struct cri_line *lines, size_t n, uint64_t offset, uint64_t end, void *user);
        void (*report)(const char *key, const char *value, void *user);
        /* The last call: after all lines and reports. The handle is gone afterwards. */
        void (*ended)(const struct attempt_result *result, void *user);
        /* n whole lines of a flood that is ahead of the daemon: on disk, and too many behind them to be shown live.
         * NULL: everything comes as `lines`. */
        void (*skipped)(size_t n, uint64_t offset, uint64_t end, void *user);
};

int supervise_new(struct supervise **ret, struct loop *loop, const struct supervise_config *config, char **ret_error);
/* Lets go of all attempts: their monitors go on. */
struct supervise *supervise_free(struct supervise *supervise);
/* "up" or "down" with why. */
bool supervise_launcher_is_up(const struct supervise *supervise);

/* Takes the lock on the attempt file, hands it to the launcher. Never fails at once: what goes wrong comes as ended
 * (spawn). While the launcher is away the launch waits for it and is made as soon as it is back. Nothing of spec is
 * kept by reference. */
struct attempt *supervise_launch(struct supervise *supervise, const struct attempt_spec *spec,
                                 const struct attempt_events *events, void *user);
/* Finds the attempt of an earlier daemon by its lock and file: goes on with it (log lines from log_offset on), or
 * delivers its result, or ended with ENDED_BY_LOST; if the lock was never handed on and nothing was started,
 * -ESRCH-like "never started" is ENDED_BY_LOST with started_at 0. */
struct attempt *supervise_adopt(struct supervise *supervise, int64_t number, const char *attempt_path,
                                const char *log_path, uint64_t log_offset, const struct attempt_events *events,
                                void *user);
/* TERM, grace, KILL of the whole tree. Once; later calls change nothing. Safe before the attempt has started. */
void attempt_stop(struct attempt *attempt);
