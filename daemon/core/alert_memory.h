/* What alerts remember of a job, so that nobody is told twice of the same and a recovery is known for one: how its last
 * runs ended, their warnings, how long they took, and when who was told what. A JSON object, kept in state.db. Pure. */
#pragma once

#include "alert.h"
#include "record.h"

/* The durations that are kept of each mode, and how many it takes to know what is usual. */
#define ALERT_DURATIONS_KEPT 20
#define ALERT_DURATIONS_LEAST 5

/* What the end of a run is news of. */
struct alert_news {
        unsigned events;     /* bits of enum alert_event */
        char *warning;       /* the first new one: "category: text" */
        char *plain_warning; /* and what makes it the same as another: its step, item and category too, without figures
                              */
        size_t n_warnings;   /* new ones */
        int64_t failed_runs; /* of a recovery: how many had failed */
        int64_t since_run;   /* the first of them; of a failure too; 0: none (a deadline alone) */
        usec_t since_at;
};
void alert_news_done(struct alert_news *news);

/* A run has ended: changes the memory and says what is news. A cancelled run says nothing of the job; one that its
 * condition skipped counts as a success for the deadline: there was nothing to do. */
void alert_memory_run_ended(struct jval *memory, const struct run_record *run, struct alert_news *ret);
/* Deadline= has passed without a success since `since`: true when that is so. */
bool alert_memory_misses(struct jval *memory, usec_t since);
/* After how long a run of that mode is slow: twice the median of the last successful ones, and a minute more than it;
 * USEC_INFINITY while too few are known. */
usec_t alert_memory_slow_after(const struct jval *memory, const char *mode, usec_t *ret_median);

/* Whether the alert is to be told of the event now; if so that is remembered. The same cause is told again after
 * alert->repeat; recoveries and successes always are. */
bool alert_memory_tell(struct jval *memory, const struct alert *alert, enum alert_event event, const char *cause,
                       usec_t now);
