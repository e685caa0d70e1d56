/* A piece of an event stream, formatted once and sent to many: counted by reference, never changed after it was made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cleanup.h"
#include "jval.h"

enum chunk_kind {
        CHUNK_LINES,
        CHUNK_STATE,
        CHUNK_END,
        CHUNK_NOTE,
        CHUNK_RUNS, /* what runs, of all jobs */
};

struct chunk {
        unsigned references;
        enum chunk_kind kind;
        int64_t first, last; /* sequence numbers of its lines; 0 of others */
        uint32_t *offsets;   /* of each line's JSON in text */
        size_t n_lines;
        char *job; /* whose run it tells of; NULL: of none in particular */
        char *text;
        size_t len;
};

struct chunk *chunk_ref(struct chunk *chunk);
struct chunk *chunk_unref(struct chunk *chunk);
DEFINE_CLEANUP(struct chunk, chunk_unref);

/* An event of any kind but lines: "event: NAME", its JSON as data. */
struct chunk *chunk_new(enum chunk_kind kind, const char *event, const struct jval *data);
/* lines: an array of line objects with rising `seq`; those up to `after` are left out. NULL when none is left. skipped:
 * how many right before them were missed for good. The event's id is the last line's sequence number. */
struct chunk *chunk_of_lines(const struct jval *lines, int64_t after, int64_t skipped);
/* Appends the event again without its lines up to `after`, for who joins in its middle. 0 or -E2BIG. */
int chunk_append_rest(const struct chunk *chunk, int64_t after, struct buf *out);
/* An event that only tells of missed lines. */
int chunk_append_skipped(int64_t skipped, struct buf *out);
