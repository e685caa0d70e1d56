/* Named resources with a number of slots ([Limit NAME] in batchd.conf), and how much of them somebody takes (Limit=).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* More are a mistake. */
#define LIMITS_MAX 100

/* One [Limit NAME]. */
struct limit {
        char *name;
        unsigned slots; /* 0: closed, nothing that takes it begins */
        bool gone;      /* batchd.conf has it no more; it stays as it was while jobs in force name it */
};

struct limit_set {
        struct limit *items; /* in the order of the file */
        size_t count;
};
void limit_set_done(struct limit_set *set);
struct limit_set limit_set_copy(const struct limit_set *set);
/* NULL when there is none of that name. */
const struct limit *limit_set_find(const struct limit_set *set, const char *name);
/* The name nearest to a wrong one, or NULL. */
const char *limit_set_suggest(const struct limit_set *set, const char *name);

/* One word of a Limit=: NAME or NAME:SLOTS. */
struct limit_use {
        char *name;
        unsigned slots;
        char *path; /* where it was written */
        unsigned line;
};

/* All of one holder, taken and given back together. */
struct limit_uses {
        struct limit_use *items;
        size_t count;
};
void limit_uses_done(struct limit_uses *uses);
const struct limit_use *limit_uses_find(const struct limit_uses *uses, const char *name);
