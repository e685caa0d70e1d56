/* Streams of runs. The daemon is asked once for each run, however many watch it; a run's feed keeps the newest lines,
 * and who wants older ones (Last-Event-ID) gets them from the daemon's files, page by page, before he joins. */
#pragma once

#include "feed.h"
#include "http_conn.h"
#include "loop.h"

struct run_feeds;

/* Runs that are followed at a time; the daemon takes 256 on a connection. */
#define RUN_FEEDS_MAX 200

int run_feeds_new(struct run_feeds **ret, struct loop *loop, const char *socket_path);
/* All connections must be closed. */
struct run_feeds *run_feeds_free(struct run_feeds *feeds);

struct stream_start {
        const char *run; /* number, uuid; NULL: what runs, else the latest */
        int64_t after;   /* from behind this line; -1: what the live view holds */
        int64_t lines;   /* of the live view, so many of the last; -1: all */
};
/* Answers on conn: the stream, or an error. */
void run_feeds_open(struct run_feeds *feeds, struct http_conn *conn, const struct stream_start *start);
/* Streams that are open now. */
size_t run_feeds_streams(const struct run_feeds *feeds);
