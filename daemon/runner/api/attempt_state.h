/* What a monitor knows of its attempt: the content of the attempt file, and of the messages `started` and `ended`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "report_set.h"

enum runner_ended_by {
        RUNNER_ENDED_BY_ITSELF,
        RUNNER_ENDED_BY_TIMEOUT,
        RUNNER_ENDED_BY_RUN_TIMEOUT,
        RUNNER_ENDED_BY_HEARTBEAT,
        RUNNER_ENDED_BY_OOM,
        RUNNER_ENDED_BY_STOP,
        RUNNER_ENDED_BY_SPAWN,
        RUNNER_ENDED_BY_MAX,
};

/* Instants are realtime in usec, 0: not yet. Amounts of resources are -1 when unknown. */
struct attempt_state {
        int64_t number;
        char *run_id;
        char *label;
        char *boot_id;
        bool is_starting; /* from here on the command may have run: never to be launched again */
        uint64_t pid;     /* of the command, 0: not started */
        uint64_t monitor_pid;
        uint64_t started_at;
        uint64_t log_size;
        uint64_t lines;
        uint64_t lines_dropped;
        uint64_t last_heartbeat_at;
        bool heartbeat_missed;
        bool has_ended; /* from here on the result counts */
        char *ended_by; /* a word of runner_ended_by_to_string */
        int64_t exit_status;
        int64_t signal_number;
        int64_t spawn_errno;
        uint64_t ended_at;
        uint64_t duration; /* usec, boot clock */
        uint64_t processes_ended;
        bool drain_timed_out;
        int64_t memory_peak;
        int64_t cpu_usec;
        int64_t io_read_bytes;
        int64_t io_write_bytes;
};

#define ATTEMPT_STATE_INIT                                                                                             \
        ((struct attempt_state){                                                                                       \
                .exit_status = -1, .memory_peak = -1, .cpu_usec = -1, .io_read_bytes = -1, .io_write_bytes = -1})

void attempt_state_done(struct attempt_state *state);
#define _cleanup_attempt_state_ _cleanup_(attempt_state_done)

/* reports may be NULL. 0 or -E2BIG. */
int attempt_state_encode(const struct attempt_state *state, const struct report_set *reports, struct buf *buf);
typedef void (*attempt_report_fn)(const char *key, const char *value, void *user);
/* Fills ret (initialised by the caller, released by attempt_state_done); on_report may be NULL. 0 or -EBADMSG. */
int attempt_state_decode(const char *data, size_t len, struct attempt_state *ret, attempt_report_fn on_report,
                         void *user);

const char *runner_ended_by_to_string(enum runner_ended_by ended_by);
/* The value, or -EINVAL. */
int runner_ended_by_from_string(const char *text);
