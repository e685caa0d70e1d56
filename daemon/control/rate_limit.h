/* A token bucket a caller: `per_minute` actions at once, refilled evenly over a minute. No clock and no I/O of its own.
 *
 * Kept as the generic cell rate algorithm (ITU-T I.371): one instant a caller, at which its bucket is full again. A
 * full bucket needs no entry, so the table empties by itself; when it is full nevertheless, all further callers share
 * one bucket, so that neither memory grows nor a flood of invented names gets round the limit. */
#pragma once

#include <stddef.h>

#include "timeutil.h"

struct rate_limit;

/* per_minute 0: everything is allowed. */
struct rate_limit *rate_limit_new(unsigned per_minute, size_t max_callers);
struct rate_limit *rate_limit_free(struct rate_limit *limit);
/* A configuration that was read again; buckets keep their level in time. */
void rate_limit_set(struct rate_limit *limit, unsigned per_minute);
unsigned rate_limit_per_minute(const struct rate_limit *limit);
/* Takes a token of `caller` at `now` (any clock that does not go back). 0: taken; else how long to wait until there is
 * one. */
usec_t rate_limit_take(struct rate_limit *limit, const char *caller, usec_t now);
/* Callers whose bucket is not full, as of the last look. */
size_t rate_limit_count(const struct rate_limit *limit);
