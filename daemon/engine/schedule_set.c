#include "schedule_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "strutil.h"
#include "xalloc.h"

static void schedule_free(struct schedule *schedule) {
        for (size_t i = 0; i < schedule->due.n_calendars; i++)
                zone_unref((struct zone *)(uintptr_t)schedule->calendars[i].zone);
        free(schedule->calendars);
        free(schedule->seed);
        job_unref(schedule->job);
        free(schedule);
}

void schedule_set_done(struct schedule_set *set) {
        for (size_t i = 0; i < set->count; i++)
                schedule_free(set->items[i]);
        free(set->items);
        due_heap_done(&set->heap);
        *set = (struct schedule_set){0};
}

static const struct job_calendars *calendars_of(const struct schedule_set *set, const struct job *job) {
        return set->calendars_of ? set->calendars_of(job) : &job->on_calendar;
}

/* Persistent= is left out: a change of it moves no due time. */
static void hash_schedule(const struct job *job, const struct job_calendars *calendars, char ret[static 17]) {
        uint64_t hash = FNV64_START;

        for (size_t i = 0; i < calendars->count; i++)
                hash = fnv64(hash, calendars->items[i].text, strlen(calendars->items[i].text) + 1);
        hash = fnv64(hash, str_or(job->time_zone, ""), strlen(str_or(job->time_zone, "")) + 1);
        (void)snprintf(ret, 17, "%016" PRIx64, hash);
}

static struct schedule *schedule_new(const struct schedule_set *set, struct job_registry *registry, struct job *job,
                                     const char *seed) {
        const struct job_calendars *calendars = calendars_of(set, job);
        struct schedule *schedule = NEW(struct schedule);
        size_t n = 0;

        schedule->job = job_ref(job);
        schedule->calendars = xcalloc(calendars->count, sizeof(*schedule->calendars));
        for (size_t i = 0; i < calendars->count; i++) {
                const struct calendar *calendar = calendars->items[i].calendar;
                struct zone *zone = job_registry_zone(registry, job, calendar);

                if (zone)
                        schedule->calendars[n++] = (struct due_calendar){calendar, zone_ref(zone)};
        }
        schedule->seed = xasprintf("%s/%s", seed, job->name);
        schedule->due = (struct due_schedule){schedule->calendars, n, schedule->seed,
                                              set->calendars_of ? 0 : job->randomized_delay};
        schedule->next = USEC_INFINITY;
        schedule->unplaced = true;
        hash_schedule(job, calendars, schedule->hash);
        return schedule;
}

void schedule_set_take(struct schedule_set *set, struct job_registry *registry, const char *seed) {
        struct schedule_set fresh = {.calendars_of = set->calendars_of,
                                     .items = xcalloc(registry->count + 1, sizeof(*fresh.items))};

        for (size_t i = 0; i < registry->count; i++) {
                struct job *job = registry->entries[i].job;
                const struct schedule *before;
                struct schedule *schedule;

                if (!job || calendars_of(set, job)->count == 0)
                        continue;
                schedule = fresh.items[fresh.count++] = schedule_new(set, registry, job, seed);
                before = schedule_set_find(set, job->name);
                if (!before || before->unplaced || !streq(before->hash, schedule->hash))
                        continue;
                schedule->unplaced = false;
                schedule->waiting = before->waiting;
                schedule->catching_up = before->catching_up;
                schedule_place(&fresh, schedule, before->cursor);
        }
        schedule_set_done(set);
        *set = fresh;
}

struct schedule *schedule_set_find(const struct schedule_set *set, const char *name) {
        size_t low = 0, high = set->count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(name, set->items[middle]->job->name);

                if (order == 0)
                        return set->items[middle];
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

struct schedule *schedule_set_first(const struct schedule_set *set) {
        return (struct schedule *)(void *)due_heap_first(&set->heap);
}

void schedule_place(struct schedule_set *set, struct schedule *schedule, usec_t cursor) {
        usec_t next;

        schedule->cursor = cursor;
        schedule->unplaced = false;
        schedule->next = due_next(&schedule->due, cursor, &next, NULL) == 0 ? next : USEC_INFINITY;
        due_heap_set(&set->heap, &schedule->node,
                     schedule->waiting || schedule->next == USEC_INFINITY
                             ? USEC_INFINITY
                             : due_fires_at(&schedule->due, schedule->next));
}

void schedule_set_clock(struct schedule_set *set, usec_t now) {
        for (size_t i = 0; i < set->count; i++)
                if (set->items[i]->cursor > now + SCHEDULE_CLOCK_TRUST)
                        schedule_place(set, set->items[i], now);
}
