/* One client of a feed: its connection, its position, and the little that is sent to it alone. */
#pragma once

#include "buf.h"
#include "feed.h"

/* Text for one stream alone: a page of older lines, what it missed. */
#define STREAM_OWN_MAX ((size_t)4 * 1024 * 1024)

/* Wants more, from before the feed's ring: called when all of its own text has gone out and it is not live. Adds to
 * stream->own now or later (and calls stream_pump), or makes it live. */
typedef void (*stream_more_fn)(struct stream *stream, void *user);

struct stream {
        struct stream *next;
        struct feed *feed;
        struct http_conn *conn;
        struct buf own;
        uint64_t position; /* number of the next chunk */
        size_t sent;       /* of the chunk in hand */
        struct chunk *hand;
        int64_t last; /* sequence number of the last line that it has, or will have when own and hand have gone out */
        bool live, blocked;
        usec_t active; /* boottime at which something was sent last */
        stream_more_fn more;
        bool (*skips)(const struct chunk *chunk, void *user); /* what is not for it; NULL: all is */
        void (*gone)(struct stream *stream, void *user);
        void *user;
};

/* Begins the answer on conn. gone is called when the connection is no more, before the memory is freed. */
struct stream *stream_new(struct feed *feed, struct http_conn *conn, stream_more_fn more,
                          void (*gone)(struct stream *stream, void *user), void *user);
/* Sends what the socket takes. The stream may be gone afterwards. */
void stream_pump(struct stream *stream);
/* From now on it follows the feed, beginning with the chunk of that number; what that has of lines up to stream->last
 * is left out. */
void stream_go_live(struct stream *stream, uint64_t position);
/* A comment, when nothing was sent for that long: proxies close what is silent. */
void stream_keep_alive(struct stream *stream, usec_t now, usec_t silence);
/* Ends the answer: nothing more will come. */
void stream_end(struct stream *stream);
