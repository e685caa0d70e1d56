/* Which schedule is due next: a binary heap by the instant to act at. Finding it costs nothing, changing it O(log n).
 */
#pragma once

#include <stddef.h>

#include "timeutil.h"

/* Part of what is kept in the heap. */
struct due_node {
        usec_t at;
        size_t index; /* in the heap, from 1; 0: not in it */
};

struct due_heap {
        struct due_node **nodes;
        size_t count, capacity;
};

void due_heap_done(struct due_heap *heap);
/* Puts the node where `at` says, in or not; USEC_INFINITY takes it out. */
void due_heap_set(struct due_heap *heap, struct due_node *node, usec_t at);
/* NULL when it is empty. */
struct due_node *due_heap_first(const struct due_heap *heap);
