#include <stdlib.h>

#include "names.h"
#include "strutil.h"
#include "xalloc.h"

/* FNV-1a (Fowler, Noll, Vo), 64 bits. */
static uint64_t hash(const char *text) {
        uint64_t value = 14695981039346656037ULL;
        for (; *text; text++)
                value = (value ^ (unsigned char)*text) * 1099511628211ULL;
        return value;
}

/* The slot of the name, or the free one where it belongs. */
static uint32_t *find_slot(const struct names *names, const char *name) {
        size_t at = hash(name) & (names->n_slots - 1);
        while (names->slots[at] && !streq(names->names[names->slots[at] - 1], name))
                at = (at + 1) & (names->n_slots - 1);
        return &names->slots[at];
}

static void grow(struct names *names) {
        names->n_slots = names->n_slots ? 2 * names->n_slots : 64;
        free(names->slots);
        names->slots = xcalloc(names->n_slots, sizeof(*names->slots));
        for (size_t i = 0; i < names->n; i++)
                *find_slot(names, names->names[i]) = (uint32_t)i + 1;
}

int32_t names_number(struct names *names, const char *name) {
        if (2 * names->n >= names->n_slots)
                grow(names);
        uint32_t *slot = find_slot(names, name);
        if (*slot)
                return (int32_t)(*slot - 1);
        GROW(names->names, names->n, names->room);
        names->names[names->n++] = xstrdup(name);
        *slot = (uint32_t)names->n;
        return (int32_t)(names->n - 1);
}

void names_done(struct names *names) {
        for (size_t i = 0; i < names->n; i++)
                free(names->names[i]);
        free(names->names);
        free(names->slots);
        *names = (struct names){0};
}
