/* Keeping what lies on the disk bounded: ended runs are counted, and those that Keep= lets go are removed. */
#pragma once

#include "jval.h"
#include "retention.h"

struct engine;
struct run;

/* Beside the engine: the sweep's own state. */
struct sweep {
        struct loop_timer *timer;
        bool active;                       /* an answer is awaited */
        bool again;                        /* asked for meanwhile */
        bool leftovers_done;               /* what an earlier daemon left has been looked for */
        size_t ended;                      /* runs since the last sweep */
        size_t tidying;                    /* answers awaited */
        size_t leftovers, leftovers_taken; /* of the page under way: answers awaited, folders tidied */
        struct jval *counted;              /* [{run_number, bytes}] that wait for a commit to go with */
        struct jval *going;                /* [run_id] whose rows are being removed */
        bool more;
        int64_t clock_offset;    /* wall clock less boot clock, at the last look */
        usec_t clock_trusted_at; /* boot clock: from then on ages are judged */
};

int sweep_start(struct engine *engine);
void sweep_done(struct engine *engine);
/* Now, or right after the one that is under way. */
void sweep_soon(struct engine *engine);
/* The run's end is durable: its folder is tidied and counted. */
void sweep_run_ended(struct engine *engine, const struct run *run);
/* Into the batch of this pass: what has been counted since the last one. */
void sweep_put_counted(struct engine *engine);
