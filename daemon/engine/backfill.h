/* A backfill: a run without steps of its own whose children, ordinary runs of the job, go through the values of one
 * parameter. What it is for is kept in its options (backfill: {parameter, ...}, backfill_values), what has become of it
 * in its children, so that a daemon that starts later knows all of it again. */
#pragma once

#include "record.h"
#include "run_machine.h"

struct engine;
struct run;

/* Children that may run beside each other. */
#define BACKFILL_PARALLEL_MAX 50

struct backfill_item {
        char *value;
        bool started;            /* there is a run of it, or there will be none */
        enum run_status status;  /* of that run, once it has ended */
        char run_id[UUID_SIZE];  /* while it is active */
        char lost_id[UUID_SIZE]; /* not started: of the run that the machine went down under, to be started again */
        int64_t lost_number;
        int64_t run_number, duration_usec;
        size_t ended; /* the how manieth to end under this daemon, from 1; 0: none of them */
};

struct backfill {
        char *parameter;
        struct backfill_item *items;
        size_t n;
        unsigned parallel;
        size_t n_ended;           /* under this daemon */
        struct loop_timer *retry; /* a child could not be made now */
};

/* Whether the record is that of a backfill. */
bool backfill_is(const struct run_record *record);
/* From the run's options; it has no children yet. 0 or negative errno. */
int backfill_attach(struct run *run);
struct backfill *backfill_free(struct backfill *backfill);
/* Taken up from an earlier daemon, before its children are. */
void backfill_take_up(struct run *run);
void backfill_begin(struct run *run);
/* Makes the children whose turn it is, of all backfills; ends those that have none left. */
void backfill_settle(struct engine *engine);
/* The run, perhaps a child, has ended. */
void backfill_child_ended(struct run *run);
void backfill_cancel(struct run *run, enum reason reason);
struct run_progress backfill_progress(const struct run *run);
/* For who watches: those that run and those that ended last, as steps are told. */
void backfill_add_steps(const struct run *run, struct jval *steps);
/* "day=2026-11-03", the first of those that run now; NULL: none. New memory. */
char *backfill_current(const struct run *run);
