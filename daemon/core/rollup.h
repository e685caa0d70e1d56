/* What came of a run step by step, from the records of its attempts: items and what became of them, durations, records,
 * counters. A step that was tried again counts once, by its last attempt. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "record.h"

struct step_rollup {
        char *step_name;
        int32_t step_order;
        int64_t items;                    /* 1 for a step without ForEach */
        int64_t counts[_STEP_STATUS_MAX]; /* of the items */
        int64_t attempts;
        usec_t began_at, ended_at; /* of the first and of the last item; 0: none */
        int64_t work_usec;         /* the durations of all attempts, added up */
        int64_t records_processed; /* of the last attempts; -1: none said */
        struct jval *metrics;      /* object of int64 */
};

struct rollup {
        struct step_rollup *steps; /* in the order of step_order */
        size_t n_steps, capacity;
};

void rollup_done(struct rollup *rollup);
/* Attempts come in the order of step, item, attempt. is_last: no further one of this step and item follows. */
void rollup_add(struct rollup *rollup, const struct attempt_record *attempt, bool is_last);
/* From the first start to the last end in seconds; -1: it has not begun, or goes on. */
double step_rollup_seconds(const struct step_rollup *step);
/* The members that run.summary tells of a step; new reference. */
struct jval *step_rollup_to_json(const struct step_rollup *step);
/* items, attempts, and a member a status, over all steps; new reference. */
struct jval *rollup_totals_to_json(const struct rollup *rollup);

/* The middle of n values, which are sorted by this; the mean of the two in the middle. n > 0. */
double median_of(double *values, size_t n);
/* The value below which the share (0..1) of n values lies, by the nearest rank; sorts them. n > 0. */
double quantile_of(double *values, size_t n, double share);
