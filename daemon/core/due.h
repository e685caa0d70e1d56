/* The due times of a job: the instants that its calendars name together, when each is acted on, and what becomes of
 * those that lie behind (a daemon that was away, a machine that slept, a clock that was set). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "calendar.h"
#include "jval.h"
#include "timeutil.h"
#include "zone.h"

/* Persistent=: which of the due times that were missed run after all. */
enum persistent { PERSISTENT_NO, PERSISTENT_LAST, PERSISTENT_ALL };

/* The latest due time runs with PERSISTENT_NO too when it is no older: a daemon that restarts is no reason to miss
 * one. */
#define DUE_GRACE USEC_PER_MINUTE
/* A run that begins later than this after its time is one that ran late. */
#define DUE_LATE (5 * USEC_PER_SEC)
/* Due times behind that are told one by one, the latest; those before them share one record. */
#define DUE_BEHIND_MAX 1000
/* Due times that are counted one by one; where more lie behind, the time of the older ones is skipped. */
#define DUE_COUNT_MAX 100000

struct due_calendar {
        const struct calendar *calendar;
        const struct zone *zone;
};

/* All borrowed. */
struct due_schedule {
        const struct due_calendar *calendars;
        size_t n_calendars;
        const char *seed;        /* makes the delays: the same for the same job of the same daemon */
        usec_t randomized_delay; /* each due time is acted on up to so much later */
};

/* The first due time after `after`; -ENOENT when there is none any more. Calendars that name the same instant name one
 * due time. *ret_kind (may be NULL): whether a change of clocks moved it. */
int due_next(const struct due_schedule *schedule, usec_t after, usec_t *ret, enum zone_local_kind *ret_kind);
/* The last due time before `before`; -ENOENT when there is none in the years that calendars reach back to, or none
 * within ten years. */
int due_previous(const struct due_schedule *schedule, usec_t before, usec_t *ret);
/* When the due time is acted on: a delay that stays the same over restarts. */
usec_t due_fires_at(const struct due_schedule *schedule, usec_t due_at);

/* As protocol members: `local_at` (RFC 3339 with the offset of the calendar's zone that names the due time), `zone`,
 * and `clock_change`: "gap" where clocks skip the local time, "fold" where they show it twice, else null. */
void due_set_local(struct jval *object, const struct due_schedule *schedule, usec_t due_at, enum zone_local_kind kind);

struct due_item {
        usec_t due_at;
        usec_t until;  /* of a record for many: the last due time in it, or an instant behind it; else 0 */
        int64_t count; /* how many due times it stands for; 0: more than were counted */
        bool run;      /* else it is missed */
};

struct due_behind {
        struct due_item *items; /* in the order of time */
        size_t count;
};
void due_behind_done(struct due_behind *behind);

/* What becomes of the due times after `last` whose time to be acted on is there at `now`. */
void due_settle(const struct due_schedule *schedule, usec_t last, usec_t now, enum persistent policy,
                struct due_behind *ret);
