#include "throttle.h"

#include <stdio.h>
#include <stdlib.h>

#include "http_conn.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

#define PASSWORD_WAIT_MAX (5 * USEC_PER_MINUTE)
/* Wrong passwords are forgotten after a while without any. */
#define PASSWORD_MEMORY (30 * USEC_PER_MINUTE)

struct entry {
        char key[HTTP_ADDRESS_SIZE];
        double tokens;
        usec_t refilled;
        unsigned failures;
        usec_t failed_at;
        usec_t used;
};

struct throttle {
        unsigned per_minute;
        struct entry entries[THROTTLE_ADDRESSES_MAX];
        size_t n_entries;
};

struct throttle *throttle_new(unsigned actions_per_minute) {
        struct throttle *throttle = NEW(struct throttle);

        throttle->per_minute = actions_per_minute;
        return throttle;
}

struct throttle *throttle_free(struct throttle *throttle) {
        free(throttle);
        return NULL;
}

static struct entry *find(struct throttle *throttle, const char *key, usec_t now) {
        struct entry *oldest = &throttle->entries[0];

        for (size_t i = 0; i < throttle->n_entries; i++) {
                struct entry *entry = &throttle->entries[i];

                if (streq(entry->key, key)) {
                        entry->used = now;
                        return entry;
                }
                if (entry->used < oldest->used)
                        oldest = entry;
        }
        if (throttle->n_entries < THROTTLE_ADDRESSES_MAX)
                oldest = &throttle->entries[throttle->n_entries++];
        *oldest = (struct entry){.tokens = throttle->per_minute, .refilled = now, .used = now};
        (void)snprintf(oldest->key, sizeof(oldest->key), "%s", key);
        return oldest;
}

usec_t throttle_take(struct throttle *throttle, const char *key, usec_t now) {
        struct entry *entry = find(throttle, key, now);
        double per_usec = throttle->per_minute / (double)USEC_PER_MINUTE;

        entry->tokens = MIN(entry->tokens + (double)(now - entry->refilled) * per_usec, (double)throttle->per_minute);
        entry->refilled = now;
        if (entry->tokens < 1)
                return (usec_t)((1 - entry->tokens) / per_usec) + 1;
        entry->tokens -= 1;
        return 0;
}

/* 1, 2, 4 ... seconds after each wrong one. */
static usec_t wait_after(unsigned failures) {
        return failures == 0  ? 0
               : failures > 9 ? PASSWORD_WAIT_MAX
                              : MIN(USEC_PER_SEC << (failures - 1), PASSWORD_WAIT_MAX);
}

usec_t throttle_try_password(struct throttle *throttle, const char *key, usec_t now) {
        struct entry *entry = find(throttle, key, now);
        usec_t until;

        if (entry->failures > 0 && now - entry->failed_at > PASSWORD_MEMORY)
                entry->failures = 0;
        until = entry->failed_at + wait_after(entry->failures);
        if (entry->failures > 0 && now < until)
                return until - now;
        entry->failures++;
        entry->failed_at = now;
        return 0;
}

void throttle_password_was_right(struct throttle *throttle, const char *key) {
        for (size_t i = 0; i < throttle->n_entries; i++)
                if (streq(throttle->entries[i].key, key))
                        throttle->entries[i].failures = 0;
}
