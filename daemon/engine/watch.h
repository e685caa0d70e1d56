/* Watches, as the rest of the engine sees them. */
#pragma once

#include "engine.h"

struct run;
struct buf;

/* What a client follows: a run, or the changes of all runs. */
struct engine_watch_type {
        int (*read)(struct engine_watch *watch, struct buf *out);
        void (*free)(struct engine_watch *watch);
};

struct engine_watch {
        const struct engine_watch_type *type;
};

/* A whole frame with a notification; takes params over. 1 or -E2BIG. */
int watch_append_notification(struct buf *out, const char *method, struct jval *params);
/* cursor: the sequence number of the first line wanted. */
struct engine_watch *watch_new(struct run *run, uint64_t cursor, const struct engine_watch_events *events, void *user);
/* Lines or state changed. */
void run_notify_watches(struct run *run);
/* The end is durable: the watches send what is left, then run.end; the run's memory goes with the last of them. */
void run_end_watches(struct run *run);
