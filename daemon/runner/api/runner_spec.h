/* What the daemon asks the launcher for: everything about one attempt that a monitor must know. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* The greatest encoded spec: what fits into one message of a sequenced-packet socket with the kernel's default buffers
 * (212,992 bytes, net.core.wmem_default), with room to spare. */
#define RUNNER_SPEC_MAX ((size_t)160 * 1024)
#define RUNNER_SPEC_VERSION 1

struct runner_spec {
        uint64_t version;
        int64_t number;
        char *run_id;
        char *label;
        char *working_directory;
        char *log_path;
        char **argv;
        char **environment;
        uint64_t timeout; /* usec; UINT64_MAX: none. So the next three */
        uint64_t run_timeout_left;
        uint64_t heartbeat;
        uint64_t kill_grace;
        uint64_t drain; /* how long pipes may stay open behind the command's exit, usec */
        bool heartbeat_kill;
        uint64_t memory_max; /* 0: none. So the next two */
        uint64_t tasks_max;
        uint64_t cpu_quota_percent;
        int64_t nice;
};

#define RUNNER_DRAIN_DEFAULT_USEC ((uint64_t)5000000)

/* 0 or -E2BIG. */
int runner_spec_encode(const struct runner_spec *spec, struct buf *buf);
/* 0; -EBADMSG: no spec, or one without number, argv or log path; -EPROTONOSUPPORT: of a version that this build does
 * not know. What is returned is owned by the caller (runner_spec_done). */
int runner_spec_decode(const char *data, size_t len, struct runner_spec *ret);
void runner_spec_done(struct runner_spec *spec);
#define _cleanup_runner_spec_ _cleanup_(runner_spec_done)
