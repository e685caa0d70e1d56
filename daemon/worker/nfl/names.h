/* Numbers for names, from 0 in the order of their first appearance. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct names {
        char **names;
        size_t n, room;
        uint32_t *slots; /* number + 1 at its hash or behind; 0: free */
        size_t n_slots;  /* a power of two */
};

int32_t names_number(struct names *names, const char *name);
void names_done(struct names *names);
