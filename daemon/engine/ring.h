/* The live view of a run's output: its last lines, in memory, with their sequence numbers. Bounded by lines and by
 * bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define RING_LINES 500
#define RING_BYTES ((size_t)256 * 1024)

struct ring_line {
        uint64_t time_nsec;
        uint64_t position; /* of the text, counted from the first byte ever stored */
        uint32_t len;
        uint32_t task; /* index into the run's tasks */
        bool is_stderr;
        bool is_partial;
};

struct ring {
        struct ring_line lines[RING_LINES];
        size_t first, count;    /* lines[first] is the oldest */
        uint64_t next_sequence; /* of the next line; the oldest one kept is next_sequence - count */
        struct buf text;
        uint64_t text_position; /* of the first byte in text */
};

struct ring *ring_new(uint64_t next_sequence);
struct ring *ring_free(struct ring *ring);
/* Adds a line (its text is copied) and drops the oldest ones that no longer fit. line->position is set here. A text
 * over RING_BYTES is cut. */
void ring_push(struct ring *ring, const struct ring_line *line, const char *text);
static inline uint64_t ring_first_sequence(const struct ring *ring) {
        return ring->next_sequence - ring->count;
}
/* n lines that are not kept come next in the numbering: as if they had been pushed and had all left again. */
void ring_skip(struct ring *ring, uint64_t n);
/* The line of that number and its text, or NULL when it is not kept (any more, or yet). */
const struct ring_line *ring_get(const struct ring *ring, uint64_t sequence, const char **ret_text);
