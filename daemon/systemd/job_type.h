/* What systemd is about to do with the service that this process belongs to: the type of the unit's queued job tells
 * `systemctl restart` (leave runs alone) from `systemctl stop` (end them in order). Readable without privileges. */
#pragma once

#include "timeutil.h"

enum job_type {
        JOB_TYPE_NONE, /* no job, no systemd, or one that ends nothing (start, reload, verify-active): leave runs alone
                        */
        JOB_TYPE_RESTART, /* also try-restart */
        JOB_TYPE_STOP,
        JOB_TYPE_SHUTDOWN, /* a stop because the whole machine (for a user service: the user's systemd) goes down */
};

const char *job_type_to_string(enum job_type type);
/* systemd's word for it; every other word is JOB_TYPE_NONE. Never JOB_TYPE_SHUTDOWN, for which it has no word. */
enum job_type job_type_from_systemd(const char *word);

/* Asks on the bus (the user's for a user service) and waits for at most `timeout`: only for the way out, on SIGTERM and
 * in ExecStopPost=, never in the running loop. unit NULL: the one that this process is in, by its cgroup. 0; -ENODATA
 * when it is in none; -ETIMEDOUT, or another negative errno, when the bus does not tell: *ret is then untouched, and
 * the safe answer is JOB_TYPE_NONE. */
int job_type_query(const char *unit, usec_t timeout, enum job_type *ret);
