#include "feed.h"

#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "stream.h"
#include "xalloc.h"

/* Small events weigh more than their text. */
#define CHUNK_OVERHEAD 128

void feed_init(struct feed *feed, size_t bytes_max) {
        *feed = (struct feed){.bytes_max = bytes_max};
}

static size_t weight(const struct chunk *chunk) {
        return chunk->len + chunk->n_lines * sizeof(uint32_t) + CHUNK_OVERHEAD;
}

static void drop_oldest(struct feed *feed) {
        feed->bytes -= weight(feed->chunks[feed->begin]);
        chunk_unref(feed->chunks[feed->begin]);
        feed->begin++;
        feed->count--;
        feed->base++;
}

void feed_done(struct feed *feed) {
        while (feed->count > 0)
                drop_oldest(feed);
        free(feed->chunks);
        feed->state = chunk_unref(feed->state);
        *feed = (struct feed){0};
}

struct chunk *feed_chunk(const struct feed *feed, uint64_t number) {
        return number < feed->base || number >= feed_end(feed) ? NULL
                                                               : feed->chunks[feed->begin + (number - feed->base)];
}

void feed_append(struct feed *feed, struct chunk *chunk) {
        /* Room at the front is taken back when it is the larger part. */
        if (feed->begin > feed->count) {
                memmove(feed->chunks, feed->chunks + feed->begin, feed->count * sizeof(struct chunk *));
                feed->begin = 0;
        }
        if (feed->begin + feed->count == feed->capacity) {
                feed->capacity = feed->capacity ? feed->capacity * 2 : 16;
                feed->chunks = xreallocarray(feed->chunks, feed->capacity, sizeof(struct chunk *));
        }
        feed->chunks[feed->begin + feed->count++] = chunk;
        feed->bytes += weight(chunk);
        if (chunk->kind == CHUNK_STATE) {
                chunk_unref(feed->state);
                feed->state = chunk_ref(chunk);
        }
        feed->ended |= chunk->kind == CHUNK_END;
        while (feed->count > 1 && feed->bytes > feed->bytes_max)
                drop_oldest(feed);
}

void feed_flush(struct feed *feed) {
        struct stream *next;

        for (struct stream *stream = feed->streams; stream; stream = next) {
                next = stream->next;
                stream_pump(stream);
        }
}

void feed_push(struct feed *feed, struct chunk *chunk) {
        feed_append(feed, chunk);
        feed_flush(feed);
}

int64_t feed_first_line(const struct feed *feed) {
        for (uint64_t number = feed->base; number < feed_end(feed); number++) {
                const struct chunk *chunk = feed_chunk(feed, number);

                if (chunk->kind == CHUNK_LINES)
                        return chunk->first;
        }
        return 0;
}
