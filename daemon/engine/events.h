/* Every change of state of every run, for overviews (events.subscribe). Nothing is queued for a watcher: a run that
 * changed often since it looked is told once, as it is; ends are remembered for a while, since an ended run is no
 * longer there. */
#pragma once

#include <stdint.h>

#include "engine.h"

struct run;
struct event_watch;

/* Ends that a watcher which reads slowly may be behind. */
#define EVENT_ENDS_MAX 256

struct event_end {
        uint64_t sequence;
        struct jval *params;
};

struct events {
        struct event_watch *watches;
        uint64_t sequence;    /* counts changes */
        int64_t known_number; /* runs up to this number are durably recorded: of others nobody is told */
        struct event_end ends[EVENT_ENDS_MAX];
        uint64_t n_ends; /* so far; the newest is in ends[(n_ends - 1) % EVENT_ENDS_MAX] */
};

void events_done(struct events *events);
/* Whether the run is durably recorded: of others nobody is told. */
bool run_is_known(const struct run *run);
/* A run that was decided to start: it is told of when that is durable. */
void events_run_added(struct run *run);
void events_run_changed(struct run *run);
/* Its end is durable. */
void events_run_ended(struct run *run);
