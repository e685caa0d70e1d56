/* The feed of one run: what the daemon tells of it, gathered for a moment and made into chunks. */
#pragma once

#include "client.h"
#include "daemon_link.h"
#include "feed.h"
#include "loop.h"
#include "uuid.h"

struct viewer;

struct run_feed {
        struct run_feed *next;
        struct feed feed;
        struct daemon_link *link;
        char run_id[UUID_SIZE];
        int64_t run_number;
        int64_t last; /* sequence number of the last line that has come */
        bool ready;   /* the daemon has answered */
        bool asking, doomed;
        struct viewer *waiting; /* viewers until it is ready */
        struct jval *lines;     /* that have come since the last flush */
        int64_t skipped;
        struct jval *state;
        struct chunk *end;
        struct loop_timer *timer;
        usec_t flushed;
        usec_t (*interval)(void *user);
        void (*settled)(struct run_feed *run, const struct client_message *refusal, const char *why, void *user);
        void *user;
};

/* run_id is copied. interval: the shortest time between two flushes. settled: the daemon has answered (refusal and why
 * NULL), or refused, or could not be asked: then the feed is of no use. */
int run_feed_new(struct run_feed **ret, struct loop *loop, struct daemon_link *link, const char *run_id,
                 usec_t (*interval)(void *user),
                 void (*settled)(struct run_feed *run, const struct client_message *refusal, const char *why,
                                 void *user),
                 void *user);
struct run_feed *run_feed_free(struct run_feed *run);
/* Asks the daemon to follow the run, from behind the last line that has come. */
void run_feed_follow(struct run_feed *run);
/* run.lines, run.state or run.end of this run. */
void run_feed_take(struct run_feed *run, const struct client_message *message);
