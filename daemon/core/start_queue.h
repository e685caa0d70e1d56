/* The queue of runs that are to start: which of them go first, and which run each waits for. Pure: whoever owns the
 * runs asks anew whenever something has changed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job.h"

/* One active run. Strings are borrowed. */
struct start_entry {
        const char *job;
        int64_t number; /* of the run; older ones have smaller ones */
        int priority;
        enum overlap overlap;
        bool queued;   /* it waits; else it has begun */
        bool beside;   /* asked for with force: waits for no other run, whatever Overlap= says */
        int64_t group; /* runs of one group (of a backfill, by its number) begin beside each other; 0: none */
};

/* What becomes of a new run of a job. */
enum start_verdict {
        START_ENTERS,   /* it joins the queue, and begins at once when nothing is in its way */
        START_REPLACES, /* the same, and the runs that it replaces are cancelled */
        START_REFUSED,  /* *ret_other is in its way and the job says reject */
};

/* Negative when a goes before b: the higher priority, then the older run. */
int start_order(const struct start_entry *a, const struct start_entry *b);
/* The index of the entry that entries[i] waits for, or n: none. First of all a run of its job that has begun (the
 * oldest), else the one right before it in the order: runs of a job begin in order, also where one of them waits for
 * something else. */
size_t start_blocker(const struct start_entry *entries, size_t n, size_t i);
/* What becomes of `fresh` beside the active ones. Runs of a backfill give way: they refuse nobody and are not replaced,
 * the fresh one waits for those that have begun; and they themselves always wait. */
enum start_verdict start_decide(const struct start_entry *fresh, const struct start_entry *entries, size_t n,
                                size_t *ret_other);
/* Whether `fresh` takes the place of the other one, which is then cancelled. */
bool start_replaces(const struct start_entry *fresh, const struct start_entry *other);
