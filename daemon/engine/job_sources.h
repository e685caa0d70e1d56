/* The texts that a job is made of: NAME.job and its drop-ins, as the jobs folders have them, and as they are kept
 * beside runs. */
#pragma once

#include "cleanup.h"
#include "diagnostic.h"
#include "job_file.h"

/* Immutable once made; shared by reference. */
struct job_sources {
        unsigned references;
        struct source_text *items; /* paths and texts are owned */
        size_t count, capacity;
};
struct job_sources *job_sources_ref(struct job_sources *sources);   /* NULL is taken */
struct job_sources *job_sources_unref(struct job_sources *sources); /* NULL is taken; returns NULL */
DEFINE_CLEANUP(struct job_sources, job_sources_unref);
#define _cleanup_job_sources_ _cleanup_(job_sources_unrefp)
/* The same files with the same texts. NULL is like nothing else. */
bool job_sources_equal(const struct job_sources *a, const struct job_sources *b);

/* Names in a folder that end in suffix, but for hidden ones, sorted; there may be very many. *ret is NULL when there is
 * none. 0 or a negative errno. */
int job_folder_list(const char *folder, const char *suffix, char ***ret);

/* Which folders of drop-ins (NAME.job.d) there are in each of the jobs folders: most jobs have none, and need not be
 * asked for one by one when all jobs are read. */
struct dropin_folders {
        char *const *folders; /* the jobs folders; borrowed */
        char ***names;        /* for each of them, sorted; NULL: not looked for yet, so any may be there */
};
void dropin_folders_list(struct dropin_folders *dropins);
void dropin_folders_done(struct dropin_folders *dropins);
#define _cleanup_dropin_folders_ _cleanup_(dropin_folders_done)

/* The file at path and the drop-ins of all folders; a drop-in's file name counts once, the first folder wins, and they
 * are in the order of their names. What cannot be read is told to diagnostics, and left out. A new reference. */
struct job_sources *job_sources_read(const char *path, const char *name, const struct dropin_folders *dropins,
                                     struct diagnostics *diagnostics);

/* As it is kept: a JSON array of {path, text}. New memory. */
char *job_sources_to_json(const struct job_sources *sources);
/* A new reference; NULL when json is NULL or no such array. */
struct job_sources *job_sources_from_json(const char *json);
