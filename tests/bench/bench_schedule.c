/* Schedules: so many of them read and placed, the next due time found among few and among many, and how often a
 * calendar expression is evaluated a second. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "diagnostic.h"
#include "job_file.h"
#include "schedule_set.h"
#include "strutil.h"
#include "xalloc.h"

#define SCHEDULES 100000
#define FEW 1000
#define TURNS 200000
#define MONDAY (UINT64_C(1767571200) * USEC_PER_SEC)

static struct job_entry make_entry(unsigned number) {
        static const char *const zones[] = {"UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"};
        struct diagnostics diagnostics = {0};
        struct job_entry entry = {.name = xasprintf("job%06u", number)};
        _cleanup_free_ char *text =
                xasprintf("[Job]\nOnCalendar=*-*-* %02u:%02u:%02u\nTimeZone=%s\nPersistent=last\n[Step work]\n"
                          "Exec=/bin/true\n",
                          number % 24, number / 24 % 60, number % 60, zones[number % 4]);
        struct source_text source = {.path = entry.name, .text = text, .len = strlen(text)};

        if (job_parse(&entry.job, entry.name, &source, 1, &diagnostics) < 0)
                abort();
        diagnostics_done(&diagnostics);
        return entry;
}

/* As job files give them, without the files. Names are in order. */
static void fill(struct job_registry *registry, unsigned n) {
        *registry = (struct job_registry){.entries = xcalloc(n, sizeof(*registry->entries)), .count = n, .capacity = n};
        for (unsigned i = 0; i < n; i++)
                registry->entries[i] = make_entry(i);
}

static void place_all(struct schedule_set *set, usec_t now) {
        for (size_t i = 0; i < set->count; i++)
                schedule_place(set, set->items[i], now);
}

/* Microseconds to take the next due one and to put it where its next time belongs. */
static double turn(struct schedule_set *set) {
        double began = bench_now(CLOCK_MONOTONIC);

        for (unsigned i = 0; i < TURNS; i++) {
                struct schedule *first = schedule_set_first(set);

                schedule_place(set, first, first->next);
        }
        return (bench_now(CLOCK_MONOTONIC) - began) * 1e6 / TURNS;
}

static double measure(unsigned n, double *ret_parsed, double *ret_placed) {
        struct job_registry registry;
        struct schedule_set set = {0};
        double began = bench_now(CLOCK_MONOTONIC), parsed, a_turn;

        fill(&registry, n);
        parsed = bench_now(CLOCK_MONOTONIC);
        schedule_set_take(&set, &registry, "instance");
        place_all(&set, MONDAY);
        *ret_parsed = parsed - began;
        *ret_placed = bench_now(CLOCK_MONOTONIC) - parsed;
        a_turn = turn(&set);
        schedule_set_done(&set);
        job_registry_done(&registry);
        return a_turn;
}

static double evaluations(const char *expression) {
        struct calendar *calendar;
        struct zone *utc = zone_new_utc();
        double began;
        usec_t at = MONDAY;

        if (calendar_parse(&calendar, expression, NULL) < 0)
                abort();
        began = bench_now(CLOCK_MONOTONIC);
        for (unsigned i = 0; i < TURNS; i++)
                if (calendar_next(calendar, utc, at, &at, NULL) < 0)
                        at = MONDAY;
        began = bench_now(CLOCK_MONOTONIC) - began;
        calendar_free(calendar);
        zone_unref(utc);
        return TURNS / began;
}

int main(void) {
        double parsed, placed, few, many;

        few = measure(FEW, &parsed, &placed);
        many = measure(SCHEDULES, &parsed, &placed);
        bench_value("100,000 schedules: job files parsed", "s", parsed, 0);
        bench_value("100,000 schedules: loaded", "s", parsed + placed, 1);
        bench_value("next due of 1,000: taken and placed", "us", few, 0);
        /* The heap grows from 10 to 17 levels; what is beyond that is the processor's cache. */
        bench_ratio("next due of 100,000: taken and placed", "us", many, few, "of 1,000", 10);
        bench_value("calendar *:*:*", "a second", evaluations("*:*:*"), 0);
        bench_value("calendar Mon..Fri *-*~3 05:07", "a second", evaluations("Mon..Fri *-*~3 05:07"), 0);
        return EXIT_SUCCESS;
}
