/* Time zones from the data of TZif files (RFC 8536): no environment, no file, no libc zone state. Who reads the file
 * gives its bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

/* Files of the tz database are below 4 KiB; what is longer than this is none. */
#define ZONE_DATA_MAX ((size_t)256 * 1024)
/* Transitions that a zone's rule gives are computed up to the end of this year. */
#define ZONE_LAST_YEAR 2200

struct zone;

/* -EINVAL with a reason: not TZif, version 1 only, damaged, or a rule that cannot be read. name is copied. */
int zone_parse(struct zone **ret, const char *name, const void *data, size_t len, char **ret_error);
/* Whether name could be one of the tz database: words of letters, digits, '_', '-' and '+' between slashes. */
bool zone_name_is_valid(const char *name);
/* UTC, without data. */
struct zone *zone_new_utc(void);
struct zone *zone_ref(struct zone *zone);
struct zone *zone_unref(struct zone *zone);
DEFINE_CLEANUP(struct zone, zone_unref);
const char *zone_name(const struct zone *zone);

/* A time during which the offset stays the same. Seconds since the epoch; INT64_MIN and INT64_MAX when it has no begin
 * or end. */
struct zone_segment {
        int64_t start, end;    /* end is the first second that does not belong to it */
        int32_t offset;        /* seconds east of UTC: local time is UTC + offset */
        int32_t offset_before; /* of the segment before; the same when there is none */
};
struct zone_segment zone_segment_at(const struct zone *zone, int64_t utc);

/* What a local time (seconds as if it were UTC) is. */
enum zone_local_kind {
        ZONE_LOCAL_ONCE,
        ZONE_LOCAL_GAP,  /* clocks skip it; *ret is the instant right after the gap */
        ZONE_LOCAL_FOLD, /* clocks show it twice; *ret is the first time */
};
enum zone_local_kind zone_resolve_local(const struct zone *zone, int64_t local, int64_t *ret_utc);
