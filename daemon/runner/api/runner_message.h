/* Messages between a monitor and the daemon, over a sequenced-packet socket: one byte that names the kind, then its
 * content. An unknown kind is skipped. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
        /* To the launcher, where all else is a spec with its descriptors. */
        RUNNER_REQUEST_VERSION = 'V', /* the daemon's version, as text */
        /* To the daemon. */
        RUNNER_MESSAGE_STATE = 'S',   /* an attempt_state without reports: the command was started, or could not be */
        RUNNER_MESSAGE_REPORTS = 'R', /* fields `report` */
        RUNNER_MESSAGE_LOG = 'L',     /* the log file has grown: a runner_log_message, perhaps the bytes themselves */
        RUNNER_MESSAGE_ENDED = 'E',   /* an attempt_state with the result; the last message */
        /* To the monitor. */
        RUNNER_MESSAGE_HELLO = 'H', /* a daemon that reconnects: send everything again. Fields: version */
        RUNNER_MESSAGE_STOP = 'T',  /* TERM, grace, KILL */
};

/* The greatest message either way. */
#define RUNNER_MESSAGE_MAX ((size_t)64 * 1024)
/* So many new bytes of the log go along inline; of more only the size is told. */
#define RUNNER_LOG_INLINE_MAX ((size_t)8 * 1024)
#define RUNNER_LOG_HEAD_SIZE ((size_t)9)

/* The log file is whole lines up to `size`; `data` are its last `len` bytes (0: read them from the file). */
struct runner_log_message {
        uint64_t size;
        const char *data;
        size_t len;
};

void runner_log_head_encode(char head[static RUNNER_LOG_HEAD_SIZE], uint64_t size);
/* message: with its first byte. 0 or -EBADMSG. ret points into it. */
int runner_log_decode(const char *message, size_t len, struct runner_log_message *ret);
