/* Calendar expressions: systemd's syntax (systemd.time(7), "Calendar Events"), and when they elapse in a zone.
 *
 * Changes of clocks, on the expression: if its hours name every hour, elapsed time counts, so that "every half hour"
 * stays that. Else each local date and time fires once: those in a gap right after it, and together as one; those in a
 * fold the first time. (systemd skips the days of a gap.) */
#pragma once

#include <stdbool.h>

#include "cleanup.h"
#include "timeutil.h"
#include "zone.h"

/* As systemd's limits. */
#define CALENDAR_FIRST_YEAR 1970
#define CALENDAR_LAST_YEAR 2199

struct calendar;

/* -EINVAL with what is wrong and what would be right. */
int calendar_parse(struct calendar **ret, const char *expression, char **ret_error);
struct calendar *calendar_free(struct calendar *calendar);
DEFINE_CLEANUP(struct calendar, calendar_free);
/* The zone that the expression names ("UTC", "Europe/Berlin"), which the caller has to find; NULL when it names none.
 * Borrowed. */
const char *calendar_zone_name(const struct calendar *calendar);

/* The first instant (CLOCK_REALTIME) after `after` at which it elapses; -ENOENT when there is none any more. *ret_kind
 * (may be NULL): whether a change of clocks moved it. */
int calendar_next(const struct calendar *calendar, const struct zone *zone, usec_t after, usec_t *ret,
                  enum zone_local_kind *ret_kind);
