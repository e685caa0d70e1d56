/* What the reader of job files hands to the checks behind it: the job, and where each thing in it was written. Internal
 * to job_*.c. */
#pragma once

#include "config_key.h"
#include "job.h"
#include "job_file.h"

/* More are a mistake, and every step gets a row, a file and a place on the screen. */
#define JOB_STEPS_MAX 500
#define JOB_MODES_MAX 100
#define JOB_CALENDARS_MAX 100
#define JOB_PARAMETERS_MAX 100

enum job_section { SECTION_JOB, SECTION_PARAMETER, SECTION_MODE, SECTION_STEP, _SECTION_MAX };

/* Where something was written; path NULL: nowhere. */
struct place {
        const char *path; /* of a source, borrowed */
        unsigned line;
};

/* The last assignment of a key. */
struct key_place {
        const char *key; /* its name, of job_key_table */
        struct place place;
};

/* One section's object, and where its keys and the words of its list of steps (After=, Steps=) were written. */
struct parsed_object {
        enum job_section section;
        size_t index; /* among the job's parameters, modes or steps */
        struct place header;
        struct key_place *keys; /* those that are set */
        size_t n_keys;
        struct place *words;
        size_t n_words;
};

struct job_parser {
        struct job *job;
        struct diagnostics *diagnostics;
        struct parsed_object *objects; /* [0] is the job itself */
        size_t n_objects, objects_capacity;
        const char *path;                    /* of the source being read */
        bool names_are_wrong;                /* After= or Steps= name what is not there: there is no order to look at */
        bool sections_are_left_out;          /* for their names or their number, which was said */
        bool is_too_many_told[_SECTION_MAX]; /* once is enough */
        size_t current; /* index of the open section's object; SIZE_MAX: none, its assignments are left out */
};

/* Where the key was written, else the object's header. */
struct place job_place_of(const struct parsed_object *object, const char *key);
bool job_key_is_set(const struct parsed_object *object, const char *key);
/* The object of a parameter, mode or step. */
const struct parsed_object *job_parsed_object(const struct job_parser *parser, enum job_section section, size_t index);

#define ERROR_AT(parser, place, ...)                                                                                   \
        diagnostics_error((parser)->diagnostics, (place).path ? (place).path : (parser)->job->path, (place).line,      \
                          __VA_ARGS__)

/* Errors in what the whole says: names that do not exist, cycles, ranges. */
void job_check(struct job_parser *parser);
/* References to parameters in a command or list of words. has_item: ${item} has a value there. */
void job_check_references(struct job_parser *parser, const struct parsed_object *object, const char *key, bool has_item,
                          char *const *arguments);
/* The step that a wrong name most likely means, or NULL. */
const char *job_suggest_step(const struct job *job, const char *name);
/* job_check_items.c: ForEach= and what belongs to it, Condition=; Fallback=. */
void job_check_items(struct job_parser *parser, const struct parsed_object *object);
void job_check_fallback(struct job_parser *parser, const struct parsed_object *object);
/* Whether ${item} has a value in the step: it goes over items, or stands in for one that does. */
bool job_step_has_item(const struct job *job, const struct step *step);
/* Warnings for what is likely not meant. */
void job_lint(struct job_parser *parser);

/* Values that name steps: job_file.c keeps the place of each of their words. */
void job_parse_after(const struct config_context *context, const char *value, void *target, const void *otherwise);
void job_parse_steps(const struct config_context *context, const char *value, void *target, const void *otherwise);
