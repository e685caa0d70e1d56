/* The stream of all runs' changes, for overviews: one subscription of the daemon's, shared by all who watch. */
#pragma once

#include <stddef.h>

#include "http_conn.h"
#include "loop.h"

struct event_feed;
struct run_ends;

/* ends: counts runs that end; outlives it. */
int event_feed_new(struct event_feed **ret, struct loop *loop, const char *socket_path, struct run_ends *ends);
/* All connections must be closed. */
struct event_feed *event_feed_free(struct event_feed *events);
/* Answers on conn with the stream. jobs: names with commas between them, of only which it tells; NULL: of all. */
void event_feed_open(struct event_feed *events, struct http_conn *conn, const char *jobs);
size_t event_feed_streams(const struct event_feed *events);
