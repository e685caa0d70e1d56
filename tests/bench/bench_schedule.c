/* Schedules: so many of them read and placed, the next due time found among few and among many, and how often a
 * calendar expression is evaluated a second. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static char *job_text(unsigned number) {
        static const char *const zones[] = {"UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"};

        return xasprintf("[Job]\nOnCalendar=*-*-* %02u:%02u:%02u\nTimeZone=%s\nPersistent=last\n[Step work]\n"
                         "Exec=/bin/true\n",
                         number % 24, number / 24 % 60, number % 60, zones[number % 4]);
}

static struct job_entry make_entry(unsigned number) {
        struct diagnostics diagnostics = {0};
        struct job_entry entry = {.name = xasprintf("job%06u", number)};
        _cleanup_free_ char *text = job_text(number);
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

static void write_file(const char *folder, unsigned number, const char *text) {
        _cleanup_free_ char *path = xasprintf("%s/job%06u.job", folder, number);
        FILE *file = fopen(path, "we");

        if (!file || fputs(text, file) < 0 || fclose(file) != 0)
                abort();
}

static void write_files(const char *folder, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                _cleanup_free_ char *text = job_text(i);

                write_file(folder, i, text);
        }
}

static void remove_files(const char *folder, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                _cleanup_free_ char *path = xasprintf("%s/job%06u.job", folder, i);

                (void)unlink(path);
        }
        (void)rmdir(folder);
}

struct loading {
        double wall, cpu, again;
};

/* What a daemon does for its schedules when it starts: the folder listed, each file opened, read and parsed, its text
 * kept for the runs to come, its time zone looked up, and the schedule placed. Then, as a reload does it, once more
 * with one file changed. The files lie in memory (/dev/shm), so that it is the programs' time and not the disk's. */
static struct loading measure_files(unsigned n) {
        char folder[] = "/dev/shm/bench-jobs-XXXXXX", *folders[] = {folder, NULL};
        struct diagnostics diagnostics = {0};
        struct schedule_set set = {0};
        struct job_registry registry;
        struct loading took;

        if (!mkdtemp(folder))
                abort();
        write_files(folder, n);
        took.wall = bench_now(CLOCK_MONOTONIC);
        took.cpu = bench_now(CLOCK_PROCESS_CPUTIME_ID);
        job_registry_init(&registry, folders);
        job_registry_load(&registry, &diagnostics);
        schedule_set_take(&set, &registry, "instance");
        place_all(&set, MONDAY);
        took.wall = bench_now(CLOCK_MONOTONIC) - took.wall;
        took.cpu = bench_now(CLOCK_PROCESS_CPUTIME_ID) - took.cpu;
        write_file(folder, n / 2, "[Job]\nOnCalendar=hourly\n[Step work]\nExec=/bin/true\n");
        took.again = bench_now(CLOCK_MONOTONIC);
        job_registry_load(&registry, &diagnostics);
        schedule_set_take(&set, &registry, "instance");
        took.again = bench_now(CLOCK_MONOTONIC) - took.again;
        if (diagnostics.n_errors > 0 || set.count != n || !set.items[n / 2]->unplaced)
                abort();
        remove_files(folder, n);
        schedule_set_done(&set);
        job_registry_done(&registry);
        diagnostics_done(&diagnostics);
        return took;
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
        struct loading files;

        few = measure(FEW, &parsed, &placed);
        many = measure(SCHEDULES, &parsed, &placed);
        bench_value("100,000 schedules: job files parsed", "s", parsed, 0);
        bench_value("100,000 schedules: loaded", "s", parsed + placed, 1);
        files = measure_files(SCHEDULES);
        bench_value("100,000 schedules: loaded from 100,000 files", "s", files.wall, 1);
        bench_value("100,000 schedules: the same, processor time", "s", files.cpu, 0);
        bench_value("100,000 schedules: read again, one file changed", "s", files.again, 1);
        bench_value("next due of 1,000: taken and placed", "us", few, 0);
        /* The heap grows from 10 to 17 levels; what is beyond that is the processor's cache. */
        bench_ratio("next due of 100,000: taken and placed", "us", many, few, "of 1,000", 10);
        bench_value("calendar *:*:*", "a second", evaluations("*:*:*"), 0);
        bench_value("calendar Mon..Fri *-*~3 05:07", "a second", evaluations("Mon..Fri *-*~3 05:07"), 0);
        return EXIT_SUCCESS;
}
