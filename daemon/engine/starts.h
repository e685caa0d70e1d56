/* Runs that wait to begin: what holds each of them, and the beginning of those that nothing holds any more. */
#pragma once

#include "jval.h"
#include "start_queue.h"

struct engine;
struct run;

/* Beside the engine: the queue's own state. The runs themselves are in engine->runs, with status queued. */
struct starts {
        bool look; /* something has changed that a run may have waited for */
        bool is_settling;
        struct loop_wall_timer *timer; /* a pause ends by itself */
};

/* Runs of one job that may wait; a start beyond that is refused. */
#define STARTS_WAITING_MAX 100

int starts_begin(struct engine *engine);
void starts_done(struct engine *engine);
/* Something has changed that a run may wait for: the end of this pass looks at the queue. */
void starts_look(struct engine *engine);
/* The queued run begins now. */
void run_begin(struct run *run);
/* Begins what may begin, if there was a change. */
void starts_settle(struct engine *engine);
/* The run as the queue sees it. */
struct start_entry starts_entry(const struct run *run);
/* Of the engine's runs that have not ended, in their order; *ret_runs (may be NULL) and the result are new memory. */
struct start_entry *starts_entries(const struct engine *engine, size_t *ret_count, struct run ***ret_runs);
/* How many runs of the job wait. */
size_t starts_waiting(const struct engine *engine, const char *job);
/* What a queued run waits for: {kind, since, ...}; NULL when it is not queued. New reference. protocol.md lists the
 * kinds. */
struct jval *run_waits_for(const struct run *run);
