#include "job_registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fileutil.h"
#include "job_file.h"
#include "job_links.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

void job_registry_init(struct job_registry *registry, char *const *folders) {
        *registry = (struct job_registry){.folders = strv_copy(folders)};
}

static void entry_done(struct job_entry *entry) {
        if (entry->job)
                job_unref(entry->job);
        free(entry->name);
        job_sources_unref(entry->sources);
        free(entry->broken);
}

static void entries_free(struct job_entry *entries, size_t count) {
        for (size_t i = 0; i < count; i++)
                entry_done(&entries[i]);
        free(entries);
}

void job_registry_done(struct job_registry *registry) {
        entries_free(registry->entries, registry->count);
        registry->folders = strv_free(registry->folders);
        zone_cache_done(&registry->zones);
        *registry = (struct job_registry){0};
}

static int compare_entries(const void *a, const void *b) {
        return strcmp(((const struct job_entry *)a)->name, ((const struct job_entry *)b)->name);
}

/* Among the first n entries, which are in order. */
static struct job_entry *find_among(const struct job_registry *registry, size_t n, const char *name) {
        struct job_entry wanted = {.name = (char *)(uintptr_t)name};

        return n > 0 ? bsearch(&wanted, registry->entries, n, sizeof(*registry->entries), compare_entries) : NULL;
}

struct job_entry *job_registry_find(const struct job_registry *registry, const char *name) {
        return find_among(registry, registry->count, name);
}

size_t job_registry_in_force(const struct job_registry *registry) {
        size_t n = 0;

        for (size_t i = 0; i < registry->count; i++)
                n += registry->entries[i].job != NULL;
        return n;
}

const char *job_registry_suggest(const struct job_registry *registry, const char *name) {
        _cleanup_free_ const char **names = xcalloc(registry->count + 1, sizeof(char *));

        for (size_t i = 0; i < registry->count; i++)
                names[i] = registry->entries[i].name;
        return nearest_name(name, names);
}

int job_from_sources(struct job **ret, const char *name, const char *sources) {
        _cleanup_job_sources_ struct job_sources *texts = job_sources_from_json(sources);
        struct diagnostics diagnostics = {0};
        int r = texts && texts->count > 0 ? job_parse(ret, name, texts->items, texts->count, &diagnostics) : -EINVAL;

        diagnostics_done(&diagnostics);
        return r;
}

/* The first error told since `from`, without its path (the job's own). */
static char *first_error(const struct diagnostics *diagnostics, size_t from) {
        for (size_t i = from; i < diagnostics->count; i++)
                if (!diagnostics->items[i].is_warning)
                        return diagnostic_to_string(&diagnostics->items[i]);
        return xstrdup("has errors");
}

static const char *zone_of(const struct job *job, const struct calendar *calendar) {
        return calendar_zone_name(calendar) ? calendar_zone_name(calendar) : job->time_zone;
}

struct zone *job_registry_zone(struct job_registry *registry, const struct job *job, const struct calendar *calendar) {
        struct zone *zone = NULL;

        return zone_cache_get(&registry->zones, zone_of(job, calendar), &zone, NULL) == 0 ? zone : NULL;
}

/* Of the changes of clocks in the next year: whether one of them skips the time that the calendar names. */
static void lint_clock_gaps(const struct job_calendar *item, const struct zone *zone, usec_t now,
                            struct diagnostics *diagnostics) {
        struct zone_segment segment = zone_segment_at(zone, (int64_t)(now / USEC_PER_SEC));
        int64_t end = (int64_t)((now + 366 * USEC_PER_DAY) / USEC_PER_SEC);

        for (; segment.end < end; segment = zone_segment_at(zone, segment.end)) {
                usec_t change = (usec_t)segment.end * USEC_PER_SEC, next;
                enum zone_local_kind kind;
                char at[RFC3339_SIZE];

                if (calendar_next(item->calendar, zone, change - 1, &next, &kind) < 0 || next != change ||
                    kind != ZONE_LOCAL_GAP)
                        continue;
                diagnostics_warning(diagnostics, item->path, item->line,
                                    "OnCalendar=: clocks in %s skip this time at %s UTC; it is due right after the "
                                    "change then: another time of day is due the same every day",
                                    zone_name(zone), format_time_local(at, change, true));
                return;
        }
}

static void lint_calendar(const struct job_calendar *item, const char *key, const struct zone *zone,
                          struct diagnostics *diagnostics) {
        usec_t now = now_realtime(), next;

        if (calendar_next(item->calendar, zone, now, &next, NULL) < 0)
                diagnostics_warning(diagnostics, item->path, item->line,
                                    "%s=: %s elapses no more; write a time to come, or take it out", key, item->text);
        else if (streq(key, "OnCalendar"))
                lint_clock_gaps(item, zone, now, diagnostics);
}

/* The files of the zones are beside the parser, which reads none: so they are looked for here. */
static bool zones_are_there(struct zone_cache *zones, const struct job *job, const char *key,
                            const struct job_calendars *calendars, struct diagnostics *diagnostics) {
        size_t errors_before = diagnostics->n_errors;

        for (size_t i = 0; i < calendars->count; i++) {
                const struct job_calendar *calendar = &calendars->items[i];
                _cleanup_free_ char *error = NULL;
                struct zone *zone;

                if (zone_cache_get(zones, zone_of(job, calendar->calendar), &zone, &error) < 0)
                        diagnostics_error(diagnostics, calendar->path, calendar->line, "%s=: %s%s", key, error,
                                          calendar_zone_name(calendar->calendar) ? "" : " (TimeZone=)");
                else
                        lint_calendar(calendar, key, zone, diagnostics);
        }
        return diagnostics->n_errors == errors_before;
}

static void check_limit(const struct limit_set *limits, const struct limit_use *use, struct diagnostics *diagnostics) {
        const struct limit *limit = limit_set_find(limits, use->name);
        const char *near = limit ? NULL : limit_set_suggest(limits, use->name);

        if (near)
                diagnostics_error(diagnostics, use->path, use->line, "Limit=: there is no limit %s; did you mean %s?",
                                  use->name, near);
        else if (!limit || limit->gone)
                diagnostics_error(diagnostics, use->path, use->line,
                                  "Limit=: there is no limit %s; add [Limit %s] with Slots= to batchd.conf", use->name,
                                  use->name);
        else if (limit->slots > 0 && use->slots > limit->slots)
                diagnostics_warning(diagnostics, use->path, use->line,
                                    "Limit=: %s has %u slots, less than the %u that are asked for: all of them will be "
                                    "taken",
                                    use->name, limit->slots, use->slots);
}

/* What batchd.conf says is beside the parser, which reads one file. */
static bool limits_are_there(const struct limit_set *limits, const struct job *job, struct diagnostics *diagnostics) {
        size_t errors_before = diagnostics->n_errors;

        for (size_t i = 0; limits && i < job->limits.count; i++)
                check_limit(limits, &job->limits.items[i], diagnostics);
        for (size_t k = 0; limits && k < job->n_steps; k++)
                for (size_t i = 0; i < job->steps[k].limits.count; i++)
                        check_limit(limits, &job->steps[k].limits.items[i], diagnostics);
        return diagnostics->n_errors == errors_before;
}

/* Takes over from before what holds as long as the texts are the same. */
static void take_job(struct job_entry *entry, const struct job_entry *before) {
        entry->job = job_ref(before->job);
        entry->sources = job_sources_ref(before->sources);
        entry->sources_kept = before->sources_kept;
        entry->has_warnings = before->has_warnings;
}

void job_entry_fall_back(struct job_entry *entry, const struct job_entry *before, char *error) {
        free(entry->broken);
        job_unref(entry->job);
        job_sources_unref(entry->sources);
        *entry = (struct job_entry){.name = entry->name, .broken = error};
        if (before && before->job)
                take_job(entry, before);
}

/* The job of the texts: as it is in force already where they are the same, else parsed. Warnings are told again at each
 * reading, so what has some is parsed again. */
static int read_job(struct job_entry *entry, const struct job_entry *before, struct job_sources *sources,
                    struct diagnostics *diagnostics) {
        size_t warnings_before = diagnostics->n_warnings;
        int r;

        if (before && before->job && !before->has_warnings && job_sources_equal(before->sources, sources)) {
                take_job(entry, before);
                return 0;
        }
        r = job_parse(&entry->job, entry->name, sources->items, sources->count, diagnostics);
        entry->sources = job_sources_ref(sources);
        entry->sources_kept = before && before->sources_kept && job_sources_equal(before->sources, sources);
        entry->has_warnings = diagnostics->n_warnings > warnings_before;
        return r;
}

static struct job_entry load_job(struct zone_cache *zones, const struct job_registry *old,
                                 const struct dropin_folders *dropins, const char *path, const char *name,
                                 struct diagnostics *diagnostics) {
        struct job_entry entry = {.name = xstrdup(name)};
        size_t errors_before = diagnostics->n_errors, from = diagnostics->count;
        _cleanup_job_sources_ struct job_sources *sources = job_sources_read(path, name, dropins, diagnostics);
        struct job_entry *before = job_registry_find(old, name);

        if (diagnostics->n_errors > errors_before || read_job(&entry, before, sources, diagnostics) < 0 ||
            !zones_are_there(zones, entry.job, "OnCalendar", &entry.job->on_calendar, diagnostics) ||
            !zones_are_there(zones, entry.job, "Deadline", &entry.job->deadline, diagnostics) ||
            !limits_are_there(old->limits, entry.job, diagnostics))
                job_entry_fall_back(&entry, before, first_error(diagnostics, from));
        return entry;
}

void job_file_check(const char *path, struct diagnostics *diagnostics) {
        const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
        _cleanup_free_ char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
        char *const folders[] = {folder, NULL};
        const struct dropin_folders dropins = {.folders = folders};
        _cleanup_free_ char *name = NULL;
        struct job_registry registry;
        struct job_entry entry;

        if (!endswith(base, ".job")) {
                diagnostics_error(diagnostics, path, 0, "is no job file; it takes NAME.job");
                return;
        }
        name = xstrndup(base, strlen(base) - strlen(".job"));
        job_registry_init(&registry, folders);
        entry = load_job(&registry.zones, &registry, &dropins, path, name, diagnostics);
        entry_done(&entry);
        job_registry_done(&registry);
}

static void load_folder(struct job_registry *fresh, const struct job_registry *old, const char *folder,
                        const struct dropin_folders *dropins, struct diagnostics *diagnostics) {
        _cleanup_strv_ char **names = NULL;
        size_t n_before = fresh->count;
        int r = job_folder_list(folder, ".job", &names);

        if (r < 0) {
                if (r != -ENOENT)
                        diagnostics_error(diagnostics, folder, 0, "the jobs folder cannot be read: %s", strerror(-r));
                return;
        }
        STRV_FOREACH (file, names) {
                _cleanup_free_ char *name = xstrndup(*file, strlen(*file) - strlen(".job"));
                _cleanup_free_ char *path = path_join(folder, *file);

                if (find_among(fresh, n_before, name))
                        continue;
                if (!name_is_valid(name)) {
                        diagnostics_error(diagnostics, path, 0,
                                          "\"%s\" is no job name; use 1 to 64 letters, digits, '_', '-' or '.'", name);
                        continue;
                }
                GROW(fresh->entries, fresh->count, fresh->capacity);
                fresh->entries[fresh->count++] = load_job(&fresh->zones, old, dropins, path, name, diagnostics);
        }
        if (fresh->count > 0)
                qsort(fresh->entries, fresh->count, sizeof(*fresh->entries), compare_entries);
}

void job_registry_load(struct job_registry *registry, struct diagnostics *diagnostics) {
        _cleanup_dropin_folders_ struct dropin_folders dropins = {.folders = registry->folders};
        struct job_registry fresh = {0};

        dropin_folders_list(&dropins);
        STRV_FOREACH (folder, registry->folders)
                load_folder(&fresh, registry, *folder, &dropins, diagnostics);
        job_links_check(&fresh, registry, diagnostics);
        entries_free(registry->entries, registry->count);
        zone_cache_done(&registry->zones);
        registry->zones = fresh.zones;
        registry->entries = fresh.entries;
        registry->count = fresh.count;
        registry->capacity = fresh.capacity;
}
