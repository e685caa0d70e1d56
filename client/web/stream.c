#include "stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "macro.h"
#include "xalloc.h"

/* Chunks in one system call. */
#define PARTS 16
/* A browser waits that long before it connects again. */
#define RETRY_TEXT "retry: 1000\n\n"

static void forget(struct stream *stream) {
        for (struct stream **link = &stream->feed->streams; *link; link = &(*link)->next)
                if (*link == stream) {
                        *link = stream->next;
                        stream->feed->n_streams--;
                        break;
                }
        if (stream->gone)
                stream->gone(stream, stream->user);
        chunk_unref(stream->hand);
        buf_done(&stream->own);
        free(stream);
}

static void on_closed(void *user) {
        forget(user);
}

static void on_writable(void *user) {
        struct stream *stream = user;

        stream->blocked = false;
        stream_pump(stream);
}

static const struct http_stream_ops ops = {.writable = on_writable, .closed = on_closed};

void stream_end(struct stream *stream) {
        http_conn_finish(stream->conn);
        forget(stream);
}

/* The ring has gone over its position. */
static void tell_missed(struct stream *stream) {
        struct feed *feed = stream->feed;
        int64_t first = feed_first_line(feed);

        stream->live = !feed->starts_over;
        stream->position = feed->base;
        if (first > stream->last + 1)
                (void)chunk_append_skipped(first - stream->last - 1, &stream->own);
        if (feed->state)
                (void)buf_append(&stream->own, feed->state->text, feed->state->len);
}

/* A state that a later one has replaced is not worth sending. */
static bool is_passed_over(const struct stream *stream, const struct chunk *chunk) {
        return (chunk->kind == CHUNK_STATE && chunk != stream->feed->state) ||
               (stream->skips && stream->skips(chunk, stream->user));
}

/* Takes the next chunk in hand. False: there is none, or the stream has been given text of its own first. */
static bool take_chunk(struct stream *stream) {
        while (stream->own.len == 0) {
                struct chunk *chunk;
                int64_t last = stream->last;

                if (stream->position < stream->feed->base)
                        tell_missed(stream);
                if (!stream->live)
                        return false;
                chunk = feed_chunk(stream->feed, stream->position);
                if (!chunk || stream->own.len > 0)
                        return false;
                stream->position++;
                if (is_passed_over(stream, chunk) || (chunk->kind == CHUNK_LINES && chunk->last <= last))
                        continue;
                if (chunk->kind == CHUNK_LINES)
                        stream->last = chunk->last;
                if (chunk->kind == CHUNK_LINES && chunk->first <= last) {
                        (void)chunk_append_rest(chunk, last, &stream->own);
                        continue;
                }
                stream->hand = chunk_ref(chunk);
                stream->sent = 0;
                return true;
        }
        return false;
}

static void drop_hand(struct stream *stream) {
        stream->hand = chunk_unref(stream->hand);
        stream->sent = 0;
}

/* What is to be sent next: its own text, then the chunk in hand, then those behind it that need no thought. */
static size_t gather(struct stream *stream, struct iovec parts[static PARTS], uint64_t *ret_end) {
        size_t n = 0;

        *ret_end = stream->position;
        if (stream->own.len > 0) {
                parts[n++] = (struct iovec){(char *)(uintptr_t)buf_data(&stream->own), stream->own.len};
                return n;
        }
        if (!stream->hand && (!stream->live || !take_chunk(stream))) {
                if (stream->own.len > 0)
                        return gather(stream, parts, ret_end);
                return 0;
        }
        parts[n++] = (struct iovec){stream->hand->text + stream->sent, stream->hand->len - stream->sent};
        for (*ret_end = stream->position; n < PARTS; (*ret_end)++) {
                struct chunk *chunk = feed_chunk(stream->feed, *ret_end);

                if (!chunk || is_passed_over(stream, chunk) ||
                    (chunk->kind == CHUNK_LINES && chunk->first <= stream->last))
                        break;
                parts[n++] = (struct iovec){chunk->text, chunk->len};
        }
        return n;
}

/* Moves on by what was sent. True when all of it was. */
static bool advance(struct stream *stream, size_t sent, uint64_t end) {
        if (stream->own.len > 0) {
                buf_consume(&stream->own, sent);
                return stream->own.len == 0;
        }
        for (;;) {
                size_t left = stream->hand->len - stream->sent;

                if (sent < left) {
                        stream->sent += sent;
                        return false;
                }
                sent -= left;
                drop_hand(stream);
                if (stream->position >= end)
                        return true;
                stream->hand = chunk_ref(feed_chunk(stream->feed, stream->position++));
                if (stream->hand->kind == CHUNK_LINES)
                        stream->last = stream->hand->last;
        }
}

static bool at_end(const struct stream *stream) {
        return stream->live && stream->feed->ended && !stream->hand && stream->own.len == 0 &&
               stream->position >= feed_end(stream->feed);
}

void stream_pump(struct stream *stream) {
        struct iovec parts[PARTS];

        while (!stream->blocked) {
                uint64_t end;
                size_t n = gather(stream, parts, &end);
                ssize_t sent;

                if (n == 0)
                        break;
                sent = http_conn_write(stream->conn, parts, n);
                if (sent < 0)
                        return;
                if (sent > 0)
                        stream->active = now_boottime();
                stream->blocked = !advance(stream, (size_t)sent, end);
        }
        if (stream->blocked)
                return;
        if (at_end(stream))
                stream_end(stream);
        else if (!stream->live)
                stream->more(stream, stream->user);
}

void stream_go_live(struct stream *stream, uint64_t position) {
        stream->position = position;
        stream->live = true;
}

void stream_keep_alive(struct stream *stream, usec_t now, usec_t silence) {
        if (now - stream->active < silence || stream->blocked || stream->hand || stream->own.len > 0)
                return;
        (void)buf_append_str(&stream->own, ":\n\n");
        stream_pump(stream);
}

struct stream *stream_new(struct feed *feed, struct http_conn *conn, stream_more_fn more,
                          void (*gone)(struct stream *stream, void *user), void *user) {
        struct stream *stream = NEW(struct stream);
        struct http_reply head = {.status = 200, .type = "text/event-stream"};

        *stream = (struct stream){.feed = feed,
                                  .conn = conn,
                                  .own = BUF_INIT(STREAM_OWN_MAX),
                                  .blocked = true,
                                  .more = more,
                                  .gone = gone,
                                  .user = user,
                                  .active = now_boottime()};
        stream->next = feed->streams;
        feed->streams = stream;
        feed->n_streams++;
        http_reply_add(&head, "Cache-Control", "no-store");
        http_reply_add(&head, "X-Accel-Buffering", "no");
        (void)buf_append_str(&stream->own, RETRY_TEXT);
        http_conn_stream(conn, &head, &ops, stream);
        return stream;
}
