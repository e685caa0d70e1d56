#include "rate_limit.h"

#include <stdlib.h>

#include "strutil.h"
#include "xalloc.h"

struct bucket {
        char *caller;
        usec_t full_at;
};

struct rate_limit {
        unsigned per_minute;
        size_t max;
        struct bucket *buckets;
        size_t n, capacity;
        struct bucket shared; /* of those that found no room */
};

struct rate_limit *rate_limit_new(unsigned per_minute, size_t max_callers) {
        struct rate_limit *limit = NEW(struct rate_limit);

        limit->per_minute = per_minute;
        limit->max = max_callers;
        return limit;
}

struct rate_limit *rate_limit_free(struct rate_limit *limit) {
        if (!limit)
                return NULL;
        for (size_t i = 0; i < limit->n; i++)
                free(limit->buckets[i].caller);
        free(limit->buckets);
        free(limit);
        return NULL;
}

void rate_limit_set(struct rate_limit *limit, unsigned per_minute) {
        limit->per_minute = per_minute;
}

unsigned rate_limit_per_minute(const struct rate_limit *limit) {
        return limit->per_minute;
}

size_t rate_limit_count(const struct rate_limit *limit) {
        return limit->n;
}

/* The caller's bucket, or NULL; drops full ones of others on the way (the last one takes the free place, which lies
 * behind `found`). */
static struct bucket *find_bucket(struct rate_limit *limit, const char *caller, usec_t now) {
        struct bucket *found = NULL;

        for (size_t i = 0; i < limit->n;) {
                struct bucket *bucket = &limit->buckets[i];

                if (streq(bucket->caller, caller)) {
                        found = bucket;
                        i++;
                } else if (bucket->full_at <= now) {
                        free(bucket->caller);
                        *bucket = limit->buckets[--limit->n];
                } else {
                        i++;
                }
        }
        return found;
}

static struct bucket *add_bucket(struct rate_limit *limit, const char *caller, usec_t now) {
        if (limit->n >= limit->max)
                return &limit->shared;
        GROW(limit->buckets, limit->n, limit->capacity);
        limit->buckets[limit->n] = (struct bucket){.caller = xstrdup(caller), .full_at = now};
        return &limit->buckets[limit->n++];
}

usec_t rate_limit_take(struct rate_limit *limit, const char *caller, usec_t now) {
        usec_t interval, full_at;
        struct bucket *bucket;

        if (limit->per_minute == 0)
                return 0;
        interval = USEC_PER_MINUTE / limit->per_minute;
        bucket = find_bucket(limit, caller, now);
        if (!bucket)
                bucket = add_bucket(limit, caller, now);
        full_at = MAX(bucket->full_at, now) + interval;
        if (full_at - now > interval * limit->per_minute)
                return full_at - now - interval * limit->per_minute;
        bucket->full_at = full_at;
        return 0;
}
