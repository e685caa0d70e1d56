/* What many streams show alike: a ring of chunks and the streams that read it. A stream has a position in the ring and
 * nothing of its own, so a slow one costs nothing: when the ring has gone over its position it is told what it missed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk.h"
#include "http_conn.h"
#include "loop.h"

struct stream;

struct feed {
        struct chunk **chunks; /* the ring's, oldest first, from index begin */
        size_t begin, count, capacity;
        uint64_t base; /* number of the oldest chunk, counted from the first ever */
        size_t bytes, bytes_max;
        struct chunk *state; /* the latest of its kind: for those who join or missed some */
        struct stream *streams;
        size_t n_streams;
        bool ended;
        bool starts_over; /* a stream that missed something begins anew instead of going on behind the gap */
};

void feed_init(struct feed *feed, size_t bytes_max);
/* Its streams must be gone. */
void feed_done(struct feed *feed);
/* Takes the chunk over and sends it to all streams that are up to date. CHUNK_END is the last one. */
void feed_push(struct feed *feed, struct chunk *chunk);
/* As feed_push without sending; feed_flush sends. */
void feed_append(struct feed *feed, struct chunk *chunk);
void feed_flush(struct feed *feed);
/* Chunk by its number; NULL when it is not there (any more, or yet). */
struct chunk *feed_chunk(const struct feed *feed, uint64_t number);
/* Number of the chunk that is next to come. */
static inline uint64_t feed_end(const struct feed *feed) {
        return feed->base + feed->count;
}
/* Sequence number of the first line in the ring; 0 when it has none. */
int64_t feed_first_line(const struct feed *feed);
