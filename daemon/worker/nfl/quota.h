/* What the API says of the plan's calls in the headers X-RateLimit-Requests-Limit, -Remaining and -Reset (seconds that
 * are left until the plan is full again; no point in time), and the warning before they are used up. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* QUOTA_UNKNOWN where the API has not said; `remaining` may be negative: metered plans can be overdrawn. */
#define QUOTA_UNKNOWN INT64_MIN
struct quota {
        int64_t limit, remaining, reset;
};
#define QUOTA_INIT ((struct quota){QUOTA_UNKNOWN, QUOTA_UNKNOWN, QUOTA_UNKNOWN})

/* One header line as it came, with its line end or without; others are ignored. */
void quota_read(struct quota *quota, const char *header, size_t length);
/* Whether to warn: threshold calls or fewer are left; with a negative threshold a tenth of the plan's, or QUOTA_FEW
 * when the plan is not told. */
#define QUOTA_FEW 50
bool quota_is_low(const struct quota *quota, int64_t threshold);
/* "42 of the plan's 1000 calls are left, until it is full again in 23h 53min; this command made 16". New string. */
char *quota_text(const struct quota *quota, uint64_t made);
