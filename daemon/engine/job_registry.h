/* The jobs in force: read from the jobs folders, each kept in its last good version when its file breaks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "diagnostic.h"
#include "job.h"
#include "job_sources.h"
#include "zone_cache.h"

struct job_entry {
        struct job *job; /* a reference; NULL when the file was never good */
        char *name;
        struct job_sources *sources; /* what job was parsed from, to be kept with its runs; a reference */
        bool sources_kept;           /* in state.db */
        bool has_warnings;           /* of what job was parsed from */
        char *broken;                /* the first error of the file as it is now, or NULL */
};

struct job_registry {
        char **folders;            /* the first that has NAME.job wins */
        struct job_entry *entries; /* by name */
        size_t count, capacity;
        struct zone_cache zones; /* those that the jobs' calendars name */
        const struct limit_set
                *limits; /* those that jobs may name in Limit=; borrowed. NULL: they are not looked for */
};

void job_registry_init(struct job_registry *registry, char *const *folders);
void job_registry_done(struct job_registry *registry);
/* Reads everything anew. A job whose file has errors keeps its last good version; one whose file is gone is dropped. */
void job_registry_load(struct job_registry *registry, struct diagnostics *diagnostics);
/* Reads one file, NAME.job, with the drop-ins beside it, only to tell what is wrong with it. */
void job_file_check(const char *path, struct diagnostics *diagnostics);
/* The entry's file is wrong, as error (taken over) tells: the last good version goes on in force; before: as it was,
 * may be NULL. */
void job_entry_fall_back(struct job_entry *entry, const struct job_entry *before, char *error);
struct job_entry *job_registry_find(const struct job_registry *registry, const char *name);
/* How many are in force: those whose file was good once. */
size_t job_registry_in_force(const struct job_registry *registry);
/* The name nearest to a wrong one, or NULL. */
const char *job_registry_suggest(const struct job_registry *registry, const char *name);

/* The zone in which the calendar of a job in force is read. Borrowed. */
struct zone *job_registry_zone(struct job_registry *registry, const struct job *job, const struct calendar *calendar);

/* A job from kept sources; 0 or -EINVAL. */
int job_from_sources(struct job **ret, const char *name, const char *sources);
