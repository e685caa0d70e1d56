#include "due.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "macro.h"
#include "xalloc.h"

int due_next(const struct due_schedule *schedule, usec_t after, usec_t *ret, enum zone_local_kind *ret_kind) {
        int found = -ENOENT;

        for (size_t i = 0; i < schedule->n_calendars; i++) {
                const struct due_calendar *c = &schedule->calendars[i];
                enum zone_local_kind kind;
                usec_t next;

                if (calendar_next(c->calendar, c->zone, after, &next, &kind) < 0 || (found == 0 && next >= *ret))
                        continue;
                *ret = next;
                if (ret_kind)
                        *ret_kind = kind;
                found = 0;
        }
        return found;
}

/* Calendars only tell what comes next: so from ever further back until there is one, and from there on. */
int due_previous(const struct due_schedule *schedule, usec_t before, usec_t *ret) {
        usec_t found = 0, next;

        for (usec_t back = USEC_PER_HOUR; found == 0 && back < 10 * 366 * USEC_PER_DAY; back *= 4) {
                usec_t from = back < before ? before - back : 0;

                while (due_next(schedule, from, &next, NULL) == 0 && next < before)
                        found = from = next;
        }
        if (found == 0)
                return -ENOENT;
        *ret = found;
        return 0;
}

usec_t due_fires_at(const struct due_schedule *schedule, usec_t due_at) {
        uint64_t hash;

        if (schedule->randomized_delay == 0)
                return due_at;
        hash = fnv64(FNV64_START, schedule->seed, strlen(schedule->seed));
        hash = fnv64(hash, &due_at, sizeof(due_at));
        /* The low bits of FNV of nearby instants are alike: mix once more (the finalizer of SplitMix64). */
        hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
        hash ^= hash >> 31;
        return due_at + hash % schedule->randomized_delay;
}

/* The zone of the calendar that names the instant; the first one's when none does any more. */
static const struct zone *zone_of_due(const struct due_schedule *schedule, usec_t due_at) {
        usec_t next;

        for (size_t i = 0; i < schedule->n_calendars; i++)
                if (calendar_next(schedule->calendars[i].calendar, schedule->calendars[i].zone, due_at - 1, &next,
                                  NULL) == 0 &&
                    next == due_at)
                        return schedule->calendars[i].zone;
        return schedule->n_calendars > 0 ? schedule->calendars[0].zone : NULL;
}

void due_set_local(struct jval *object, const struct due_schedule *schedule, usec_t due_at, enum zone_local_kind kind) {
        const struct zone *zone = zone_of_due(schedule, due_at);
        char local[RFC3339_SIZE], text[RFC3339_SIZE + 16];
        int32_t offset;

        if (!zone)
                return;
        offset = zone_segment_at(zone, (int64_t)(due_at / USEC_PER_SEC)).offset;
        (void)format_rfc3339(local, (usec_t)((int64_t)due_at + offset * (int64_t)USEC_PER_SEC));
        local[strlen(local) - 1] = '\0'; /* the Z */
        (void)snprintf(text, sizeof(text), "%s%c%02d:%02d", local, offset < 0 ? '-' : '+', abs(offset) / 3600,
                       abs(offset) / 60 % 60);
        jval_set_str(object, "local_at", text);
        jval_set_str(object, "zone", zone_name(zone));
        jval_set_str(object, "clock_change", kind == ZONE_LOCAL_GAP ? "gap" : kind == ZONE_LOCAL_FOLD ? "fold" : NULL);
}

void due_behind_done(struct due_behind *behind) {
        free(behind->items);
        *behind = (struct due_behind){0};
}

/* The latest due times, the oldest overwritten first. */
struct recent {
        usec_t at[DUE_BEHIND_MAX];
        uint64_t seen;
        usec_t first, folded_until;
};

static void keep(struct recent *recent, usec_t due_at) {
        usec_t *place = &recent->at[recent->seen % DUE_BEHIND_MAX];

        if (recent->seen == 0)
                recent->first = due_at;
        else if (recent->seen >= DUE_BEHIND_MAX)
                recent->folded_until = *place;
        *place = due_at;
        recent->seen++;
}

/* Up to `most` due times after `last` whose time is there. Returns the last of them. */
static usec_t collect(const struct due_schedule *schedule, usec_t last, usec_t now, uint64_t most,
                      struct recent *recent) {
        usec_t due;

        for (uint64_t n = 0; n < most && due_next(schedule, last, &due, NULL) == 0; n++) {
                if (due_fires_at(schedule, due) > now)
                        break;
                keep(recent, due);
                last = due;
        }
        return last;
}

/* An instant not before `last`, so near to `now` that due times lie between, but few. */
static usec_t near_end(const struct due_schedule *schedule, usec_t last, usec_t now) {
        usec_t due;

        for (usec_t back = 1; back < now - last; back *= 2)
                if (due_next(schedule, now - back, &due, NULL) == 0 && due_fires_at(schedule, due) <= now)
                        return now - back;
        return last;
}

static void add_item(struct due_behind *behind, struct due_item item) {
        behind->items[behind->count++] = item;
}

void due_settle(const struct due_schedule *schedule, usec_t last, usec_t now, enum persistent policy,
                struct due_behind *ret) {
        struct recent *recent;
        uint64_t first_kept;
        bool uncounted = false;
        usec_t next;

        *ret = (struct due_behind){0};
        if (due_next(schedule, last, &next, NULL) < 0 || due_fires_at(schedule, next) > now)
                return;
        recent = NEW(struct recent);
        last = collect(schedule, last, now, DUE_COUNT_MAX, recent);
        if (recent->seen == DUE_COUNT_MAX && due_next(schedule, last, &next, NULL) == 0 &&
            due_fires_at(schedule, next) <= now) {
                uncounted = true;
                recent->folded_until = near_end(schedule, last, now);
                /* All that was kept is older than what is to be told one by one. */
                next = recent->first;
                recent->seen = 0;
                (void)collect(schedule, recent->folded_until, now, UINT64_MAX, recent);
                recent->first = next;
        }
        ret->items = xcalloc(MIN(recent->seen, (uint64_t)DUE_BEHIND_MAX) + 1, sizeof(*ret->items));
        first_kept = recent->seen > DUE_BEHIND_MAX ? recent->seen - DUE_BEHIND_MAX : 0;
        if (uncounted || first_kept > 0)
                add_item(ret, (struct due_item){.due_at = recent->first,
                                                .until = recent->folded_until,
                                                .count = uncounted ? 0 : (int64_t)first_kept});
        for (uint64_t i = first_kept; i < recent->seen; i++) {
                usec_t due = recent->at[i % DUE_BEHIND_MAX];
                bool latest = i + 1 == recent->seen;

                add_item(ret,
                         (struct due_item){.due_at = due,
                                           .count = 1,
                                           .run = policy == PERSISTENT_ALL || (latest && policy == PERSISTENT_LAST) ||
                                                  (latest && now - due_fires_at(schedule, due) <= DUE_GRACE)});
        }
        free(recent);
}
