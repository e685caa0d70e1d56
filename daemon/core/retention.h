/* Retention: what Keep= says, and which ended runs it lets go. Pure: the runs are shown to it from the newest to the
 * oldest; it counts what stays. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "timeutil.h"

/* What is kept at most; USEC_INFINITY and UINT64_MAX: no bound. */
struct keep {
        usec_t age; /* since a run's end */
        uint64_t runs;
        uint64_t bytes; /* of log files and their index, as they lie on the disk */
};

#define KEEP_ALL ((struct keep){USEC_INFINITY, UINT64_MAX, UINT64_MAX})

struct retention;

/* all: what holds for all runs together. now: the wall clock, or 0 when it is not to be trusted: no age is judged. */
struct retention *retention_new(const struct keep *all, usec_t now);
struct retention *retention_free(struct retention *retention);
/* What holds for the runs of one job, beside that. */
void retention_add_job(struct retention *retention, const char *job, const struct keep *keep);

struct ended_run {
        const char *job;
        usec_t completed_at;
        uint64_t bytes;
};

/* Whether the run is one too many beside those that stay. The newest run of a job never is: it tells when the job last
 * ran. */
bool retention_exceeds(struct retention *retention, const struct ended_run *run);
/* The run stays: because it fits, or because it cannot go yet. */
void retention_stays(struct retention *retention, const struct ended_run *run);
