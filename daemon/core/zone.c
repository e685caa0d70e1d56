#include "zone.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "errortext.h"
#include "xalloc.h"
#include "zone_rule.h"

/* RFC 8536, section 3.1. */
#define TZIF_HEADER_SIZE 44
#define TZIF_TYPE_SIZE 6
/* Local clocks differ from UTC by less than this (RFC 8536, section 3.2: at most 26 hours). */
#define OFFSET_MAX (26 * 3600)

struct transition {
        int64_t at;
        int32_t offset; /* from then on */
};

struct zone {
        unsigned references;
        char *name;
        int32_t first_offset; /* before the first transition */
        struct transition *transitions;
        size_t count, capacity;
};

/* Counts of a TZif header. */
struct tzif_counts {
        uint32_t isut, isstd, leap, time, type, character;
};

static uint32_t read_u32(const uint8_t *p) {
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_i64(const uint8_t *p) {
        return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

static bool read_counts(const uint8_t *p, size_t len, struct tzif_counts *ret) {
        if (len < TZIF_HEADER_SIZE || memcmp(p, "TZif", 4) != 0)
                return false;
        *ret = (struct tzif_counts){read_u32(p + 20), read_u32(p + 24), read_u32(p + 28),
                                    read_u32(p + 32), read_u32(p + 36), read_u32(p + 40)};
        return true;
}

/* Bytes of a data block; time_size is 4 in version 1 and 8 since. 64 bits: the counts are anybody's. */
static uint64_t block_size(const struct tzif_counts *counts, unsigned time_size) {
        return (uint64_t)counts->time * time_size + counts->time + (uint64_t)counts->type * TZIF_TYPE_SIZE +
               counts->character + (uint64_t)counts->leap * (time_size + 4) + counts->isstd + counts->isut;
}

static void append_transition(struct zone *zone, int64_t at, int32_t offset) {
        int32_t before = zone->count > 0 ? zone->transitions[zone->count - 1].offset : zone->first_offset;

        /* Changes of the abbreviation alone do not matter here. */
        if (offset == before)
                return;
        GROW(zone->transitions, zone->count, zone->capacity);
        zone->transitions[zone->count++] = (struct transition){at, offset};
}

static bool read_offset(const uint8_t *types, uint32_t n_types, uint8_t index, int32_t *ret) {
        if (index >= n_types)
                return false;
        *ret = (int32_t)read_u32(types + (size_t)index * TZIF_TYPE_SIZE);
        return *ret > -OFFSET_MAX && *ret < OFFSET_MAX;
}

static int read_transitions(struct zone *zone, const uint8_t *block, const struct tzif_counts *counts) {
        const uint8_t *indexes = block + (size_t)counts->time * 8, *types = indexes + counts->time;
        int64_t last = INT64_MIN;

        if (!read_offset(types, counts->type, 0, &zone->first_offset))
                return -EINVAL;
        for (uint32_t i = 0; i < counts->time; i++) {
                int64_t at = read_i64(block + (size_t)i * 8);
                int32_t offset;

                if ((i > 0 && at <= last) || !read_offset(types, counts->type, indexes[i], &offset))
                        return -EINVAL;
                last = at;
                append_transition(zone, at, offset);
        }
        return 0;
}

/* What the footer's rule gives behind the last transition of the table. */
static void append_rule(struct zone *zone, const struct zone_rule *rule) {
        int64_t last = zone->count > 0 ? zone->transitions[zone->count - 1].at : INT64_MIN;

        if (!rule->has_dst) {
                if (zone->count == 0)
                        zone->first_offset = rule->standard;
                return;
        }
        for (int year = 1970; year <= ZONE_LAST_YEAR; year++) {
                int64_t dst, standard;

                zone_rule_transitions(rule, year, &dst, &standard);
                for (int i = 0; i < 2; i++) {
                        bool to_dst = (i == 0) == (dst < standard);
                        int64_t at = to_dst ? dst : standard;

                        if (at < last || (at == last && year == 1970))
                                continue;
                        /* A rule for daylight saving time all year ends it and begins it in the same second. */
                        if (zone->count > 0 && zone->transitions[zone->count - 1].at == at)
                                zone->count--;
                        append_transition(zone, at, to_dst ? rule->dst : rule->standard);
                        last = at;
                }
        }
}

static int read_footer(struct zone *zone, const char *footer, size_t len, char **ret_error) {
        const char *end = len >= 2 && footer[0] == '\n' ? memchr(footer + 1, '\n', len - 1) : NULL;
        _cleanup_free_ char *text = end ? xstrndup(footer + 1, (size_t)(end - footer - 1)) : NULL;
        struct zone_rule rule;

        if (!text)
                return error_set(ret_error, -EINVAL, "the zone's data ends without its rule; it is damaged");
        if (!*text)
                return 0;
        if (zone_rule_parse(text, &rule) < 0)
                return error_set(ret_error, -EINVAL,
                                 "the zone's rule \"%.64s\" cannot be read; it takes POSIX's form of TZ", text);
        append_rule(zone, &rule);
        return 0;
}

static int read_tzif(struct zone *zone, const uint8_t *data, size_t len, char **ret_error) {
        struct tzif_counts counts;
        uint64_t skip, size;

        if (len > ZONE_DATA_MAX || !read_counts(data, len, &counts))
                return error_set(ret_error, -EINVAL, "the data is no time zone (TZif)");
        if (data[4] < '2')
                return error_set(ret_error, -EINVAL,
                                 "the data is a time zone of version 1, without 64-bit times; install current tzdata");
        skip = TZIF_HEADER_SIZE + block_size(&counts, 4);
        if (skip > len || !read_counts(data + skip, len - skip, &counts))
                return error_set(ret_error, -EINVAL, "the zone's data is cut off");
        size = block_size(&counts, 8);
        if (size > len - skip - TZIF_HEADER_SIZE || counts.type == 0)
                return error_set(ret_error, -EINVAL, "the zone's data is cut off");
        if (read_transitions(zone, data + skip + TZIF_HEADER_SIZE, &counts) < 0)
                return error_set(ret_error, -EINVAL, "the zone's transitions are damaged");
        skip += TZIF_HEADER_SIZE + size;
        return read_footer(zone, (const char *)data + skip, len - skip, ret_error);
}

static struct zone *zone_new(const char *name) {
        struct zone *zone = NEW(struct zone);

        zone->references = 1;
        zone->name = xstrdup(name);
        return zone;
}

int zone_parse(struct zone **ret, const char *name, const void *data, size_t len, char **ret_error) {
        _cleanup_(zone_unrefp) struct zone *zone = zone_new(name);
        int r = read_tzif(zone, data, len, ret_error);

        if (r < 0)
                return r;
        *ret = STEAL_PTR(zone);
        return 0;
}

bool zone_name_is_valid(const char *name) {
        bool begins = true;

        if (strlen(name) > 100)
                return false;
        for (const char *c = name; *c; c++) {
                bool letter = (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z');

                if (begins ? !letter : !letter && !(*c >= '0' && *c <= '9') && !strchr("_-+/", *c))
                        return false;
                begins = *c == '/';
        }
        return !begins;
}

struct zone *zone_new_utc(void) {
        return zone_new("UTC");
}

struct zone *zone_ref(struct zone *zone) {
        if (zone)
                zone->references++;
        return zone;
}

struct zone *zone_unref(struct zone *zone) {
        if (!zone || --zone->references > 0)
                return NULL;
        free(zone->name);
        free(zone->transitions);
        free(zone);
        return NULL;
}

const char *zone_name(const struct zone *zone) {
        return zone->name;
}

/* How many transitions are at or before the instant. */
static size_t count_before(const struct zone *zone, int64_t utc) {
        size_t low = 0, high = zone->count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (zone->transitions[middle].at <= utc)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static int32_t offset_of(const struct zone *zone, size_t n) {
        return n > 0 ? zone->transitions[n - 1].offset : zone->first_offset;
}

struct zone_segment zone_segment_at(const struct zone *zone, int64_t utc) {
        size_t n = count_before(zone, utc);

        return (struct zone_segment){
                .start = n > 0 ? zone->transitions[n - 1].at : INT64_MIN,
                .end = n < zone->count ? zone->transitions[n].at : INT64_MAX,
                .offset = offset_of(zone, n),
                .offset_before = offset_of(zone, n > 0 ? n - 1 : 0),
        };
}

enum zone_local_kind zone_resolve_local(const struct zone *zone, int64_t local, int64_t *ret_utc) {
        /* Begins with the segment that can show it first; clocks are never further from UTC than OFFSET_MAX. */
        struct zone_segment segment = zone_segment_at(zone, local - OFFSET_MAX);

        for (;;) {
                int64_t utc = local - segment.offset;
                struct zone_segment next;

                if (utc < segment.end) {
                        if (segment.start != INT64_MIN && utc < segment.start) {
                                *ret_utc = segment.start;
                                return ZONE_LOCAL_GAP;
                        }
                        *ret_utc = utc;
                        if (segment.end == INT64_MAX)
                                return ZONE_LOCAL_ONCE;
                        next = zone_segment_at(zone, segment.end);
                        return local - next.offset >= next.start ? ZONE_LOCAL_FOLD : ZONE_LOCAL_ONCE;
                }
                segment = zone_segment_at(zone, segment.end);
        }
}
