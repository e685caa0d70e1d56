/* The schedules of all jobs in force, and which of them is due next. Asks no clock and starts nothing: whoever owns it
 * says what time it is. */
#pragma once

#include "due_heap.h"
#include "job_registry.h"

/* A clock that goes back by more than this was wrong before: what was decided for times to come does not bind. */
#define SCHEDULE_CLOCK_TRUST USEC_PER_DAY

struct schedule {
        struct due_node node; /* when to act; the first member */
        struct job *job;      /* a reference */
        struct due_calendar *calendars;
        struct due_schedule due;
        char *seed;
        char hash[17];    /* of what makes the due times */
        usec_t cursor;    /* due times up to here have their record */
        usec_t next;      /* the due time ahead, or the first one behind; USEC_INFINITY: none any more */
        bool waiting;     /* a due time behind waits for the end of a run */
        bool catching_up; /* works off what is behind; what becomes due meanwhile joins */
        bool unplaced;    /* not yet known since when it is there */
};

struct schedule_set {
        /* Which calendars of a job are its schedule; NULL: those of OnCalendar=, with RandomizedDelaySec=. */
        const struct job_calendars *(*calendars_of)(const struct job *job);
        struct schedule **items; /* by name */
        size_t count;
        struct due_heap heap;
};

/* Takes over what the registry holds now. A schedule that says the same as before goes on where it was; a new or
 * changed one is unplaced. seed tells this daemon from others. */
void schedule_set_take(struct schedule_set *set, struct job_registry *registry, const char *seed);
void schedule_set_done(struct schedule_set *set);
struct schedule *schedule_set_find(const struct schedule_set *set, const char *name);
/* The schedule to act on first, or NULL; its node.at says when. */
struct schedule *schedule_set_first(const struct schedule_set *set);

/* Due times up to cursor are done: puts the schedule where its next one belongs, or (while it waits) nowhere. */
void schedule_place(struct schedule_set *set, struct schedule *schedule, usec_t cursor);
/* The clock says now, which may be earlier than it was. */
void schedule_set_clock(struct schedule_set *set, usec_t now);
