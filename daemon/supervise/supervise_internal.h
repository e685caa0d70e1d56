/* Shared by the files of this folder: supervise.c (the whole), launcher_link.c (the connection to the launcher),
 * attempt.c (the life of an attempt), attempt_monitor.c (its monitor's messages), attempt_log.c (its log file).
 *
 * The life of an attempt: PHASE_WAITING (spec made, lock held, launcher away or busy) -> PHASE_CONNECTED (a monitor, or
 * the launcher that will fork it, holds the other end) <-> PHASE_RECONNECTING (the lock is held but nobody answers yet)
 * -> PHASE_FINISHING (result known, log lines still to be delivered). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "attempt_state.h"
#include "buf.h"
#include "supervise.h"

/* One pass reads at most so much of a log file: a flooding step must not keep the loop from others. */
#define LOG_PASS_MAX ((size_t)128 * 1024)
#define LOG_BATCH_LINES 1024
/* Of what waits in a log file, the last piece of this size is read line by line; what lies before it would leave a
 * run's ring (256 KiB) before anybody could look, and is only counted, at most LOG_SKIP_MAX a pass. */
#define LOG_LIVE_MAX ((uint64_t)512 * 1024)
#define LOG_SKIP_MAX ((uint64_t)512 * 1024)
/* Between two passes of a flood: long enough for everything else, and for the daemon to count as a sleeper, which the
 * scheduler wakes at once for the line of another step. */
#define LOG_FLOOD_PAUSE (500 * (usec_t)1)

enum attempt_phase {
        PHASE_WAITING,
        PHASE_CONNECTED,
        PHASE_RECONNECTING,
        PHASE_FINISHING,
};

struct attempt {
        struct supervise *supervise;
        struct attempt *next, *previous;
        struct attempt_events events;
        void *user;

        enum attempt_phase phase;
        int64_t number;
        char *attempt_path;
        char *log_path;
        bool is_stop_wanted;
        bool is_started_told;
        unsigned launches;

        struct buf spec; /* encoded; until the monitor has spoken, empty when adopted */
        int lock_fd;     /* PHASE_WAITING */
        int fd;          /* PHASE_CONNECTED: to the monitor, or -1 */
        struct loop_io *io;
        struct loop_timer *retry_timer; /* PHASE_RECONNECTING */
        usec_t retry_delay;

        int log_fd;
        uint64_t log_offset; /* delivered up to here */
        uint64_t log_target; /* the file holds whole lines up to here */
        bool is_in_backlog;  /* needs another pass: lines to read, or to be finished */

        struct attempt_result result; /* PHASE_FINISHING */
};

struct launcher_link {
        int fd;
        struct loop_io *io;
        struct loop_timer *retry_timer;
        usec_t retry_delay;
        pid_t starter; /* of our own launcher: detaches itself and exits, to be reaped; 0: none */
        usec_t started_at;
};

struct supervise {
        struct loop *loop;
        char *runtime_dir;
        char *runner_path;
        char *greeting; /* the first message to a launcher; NULL: none */
        struct launcher_link launcher;
        struct attempt *attempts;
        struct loop_timer *pass_timer; /* serves what is in the backlog, one after the other */
        char *log_buffer;              /* LOG_PASS_MAX */
        struct cri_line *line_batch;   /* LOG_BATCH_LINES */
        char *message_buffer;          /* RUNNER_MESSAGE_MAX */
};

/* launcher_link.c */
int launcher_link_init(struct supervise *supervise);
void launcher_link_done(struct supervise *supervise);
/* Sends what waits, connects first where needed; comes back to it by itself. */
void launcher_link_flush(struct supervise *supervise);

/* attempt.c */
struct attempt *attempt_free(struct attempt *attempt);
/* Hands the spec to the launcher. 0, or negative errno of the send (-EAGAIN: later). */
int attempt_send_spec(struct attempt *attempt, int launcher_fd);
/* The result is known; lines up to log_target come first, then `ended`. */
void attempt_finish(struct attempt *attempt, const struct attempt_result *result);
void attempt_finish_spawn(struct attempt *attempt, int error);
void attempt_finish_state(struct attempt *attempt, const struct attempt_state *state);
void attempt_tell_started(struct attempt *attempt, const struct attempt_state *state);
/* The monitor is not (or no longer) connected: the lock decides what follows. */
void attempt_consult_lock(struct attempt *attempt);
void attempt_enqueue(struct attempt *attempt);

/* attempt_monitor.c */
int attempt_monitor_attach(struct attempt *attempt, int fd);
void attempt_monitor_detach(struct attempt *attempt);
void attempt_monitor_send_stop(struct attempt *attempt);
/* PHASE_RECONNECTING: tries, and again later. */
void attempt_monitor_reconnect(struct attempt *attempt);

/* attempt_log.c */
/* The monitor says that the file is whole lines up to size; data are its last len bytes or empty. */
void attempt_log_grown(struct attempt *attempt, uint64_t size, const char *data, size_t len);
/* Delivers at most LOG_PASS_MAX bytes. True: nothing is left to deliver (or it cannot be read). */
bool attempt_log_pass(struct attempt *attempt);
