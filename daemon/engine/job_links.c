#include "job_links.h"

#include <stdlib.h>

#include "buf.h"
#include "strutil.h"
#include "xalloc.h"

/* Longest circle that is spelled out; who reads it has found the place long before. */
#define CIRCLE_SHOWN 4096

static void refuse(const struct job_registry *before, struct job_entry *entry, const struct job_link *link, char *text,
                   struct diagnostics *diagnostics) {
        struct job_entry *earlier = job_registry_find(before, entry->name);

        diagnostics_error(diagnostics, link->path, link->line, "%s", text);
        job_entry_fall_back(entry, earlier, xasprintf("%s:%u: %s", link->path, link->line, text));
        free(text);
}

/* Nobody can be asked for a value when a run starts by itself. NULL: all is there. */
static char *missing_parameter(const struct job *job, const struct job *parent) {
        for (size_t i = 0; parent && i < job->n_parameters; i++) {
                const struct parameter *parameter = &job->parameters[i];

                if (parameter->required && !parameter->default_value && !job_find_parameter(parent, parameter->name))
                        return xasprintf(
                                "AfterJob=: nobody gives %s a value, which is required: %s has no parameter of "
                                "that name; write a Default=, or take Required= out",
                                parameter->name, parent->name);
        }
        return NULL;
}

/* What is wrong with one word, or NULL. New memory. */
static char *wrong_link(const struct job_registry *registry, const struct job *job, const struct job_link *link) {
        const struct job_entry *other = job_registry_find(registry, link->name);
        const char *near;

        if (other)
                return missing_parameter(job, other->job);
        near = job_registry_suggest(registry, link->name);
        return near ? xasprintf("AfterJob=: there is no job %s; did you mean %s?", link->name, near)
                    : xasprintf("AfterJob=: there is no job %s; add its file or take it out", link->name);
}

static bool check_names(struct job_registry *registry, const struct job_registry *before,
                        struct diagnostics *diagnostics) {
        bool any = false;

        for (size_t i = 0; i < registry->count; i++) {
                struct job_entry *entry = &registry->entries[i];

                for (size_t k = 0; entry->job && !entry->broken && k < entry->job->after_jobs.count; k++) {
                        const struct job_link *link = &entry->job->after_jobs.items[k];
                        char *wrong = wrong_link(registry, entry->job, link);

                        if (!wrong)
                                continue;
                        refuse(before, entry, link, wrong, diagnostics);
                        any = true;
                        break;
                }
        }
        return any;
}

/* A job on the path that is walked, and which of its words comes next. */
struct place_on_path {
        struct job_entry *entry;
        size_t next_word;
};

/* The word that leads from a place to the one behind it on the path, or back to where the circle began. */
static const struct job_link *link_on(const struct place_on_path *place) {
        return &place->entry->job->after_jobs.items[place->next_word - 1];
}

static char *spell_circle(const struct place_on_path *circle, size_t n) {
        struct buf text = BUF_INIT(CIRCLE_SHOWN);

        for (size_t i = 0; i < n; i++)
                (void)buf_appendf(&text, "%s, ", circle[i].entry->name);
        (void)buf_append_str(&text, circle[0].entry->name);
        return buf_steal(&text);
}

/* Takes one circle apart: all of its jobs whose files are new fall back. */
static bool break_circle(const struct place_on_path *circle, size_t n, const struct job_registry *before,
                         struct diagnostics *diagnostics) {
        _cleanup_free_ char *spelled = spell_circle(circle, n);
        bool any = false;

        for (size_t i = 0; i < n; i++) {
                if (circle[i].entry->broken)
                        continue;
                refuse(before, circle[i].entry, link_on(&circle[i]),
                       xasprintf("AfterJob=: the jobs follow each other in a circle (%s); take it out of one of them",
                                 spelled),
                       diagnostics);
                any = true;
        }
        return any;
}

/* Every job's words are followed once, however many jobs and circles there are. */
struct walk {
        struct job_registry *registry;
        struct place_on_path *path;
        size_t depth;
        size_t *position; /* of each entry: on the path, counted from 1; 0: not seen yet; DONE: nothing is left to
                             follow */
};
#define DONE SIZE_MAX

static void step_onto(struct walk *walk, struct job_entry *entry) {
        walk->path[walk->depth++] = (struct place_on_path){.entry = entry};
        walk->position[entry - walk->registry->entries] = walk->depth;
}

/* Steps back until only `depth` places are left. */
static void step_back(struct walk *walk, size_t depth) {
        while (walk->depth > depth)
                walk->position[walk->path[--walk->depth].entry - walk->registry->entries] = DONE;
}

/* Follows the words from the job at the path's beginning to all that can be reached. What falls back may have other
 * words now: those are for the next walk. */
static bool walk_on(struct walk *walk, const struct job_registry *before, struct diagnostics *diagnostics) {
        bool any = false;

        while (walk->depth > 0) {
                struct place_on_path *top = &walk->path[walk->depth - 1];
                struct job_entry *next;
                size_t position;

                if (!top->entry->job || top->next_word >= top->entry->job->after_jobs.count) {
                        step_back(walk, walk->depth - 1);
                        continue;
                }
                next = job_registry_find(walk->registry, top->entry->job->after_jobs.items[top->next_word++].name);
                position = next ? walk->position[next - walk->registry->entries] : DONE;
                if (position == 0) {
                        step_onto(walk, next);
                } else if (position != DONE) {
                        any |= break_circle(&walk->path[position - 1], walk->depth - position + 1, before, diagnostics);
                        step_back(walk, position - 1);
                }
        }
        return any;
}

static bool break_circles(struct job_registry *registry, const struct job_registry *before,
                          struct diagnostics *diagnostics) {
        _cleanup_free_ struct place_on_path *path = xcalloc(registry->count + 1, sizeof(*path));
        _cleanup_free_ size_t *position = xcalloc(registry->count + 1, sizeof(*position));
        struct walk walk = {.registry = registry, .path = path, .position = position};
        bool any = false;

        for (size_t i = 0; i < registry->count; i++) {
                if (position[i] != 0)
                        continue;
                step_onto(&walk, &registry->entries[i]);
                any |= walk_on(&walk, before, diagnostics);
        }
        return any;
}

void job_links_check(struct job_registry *registry, const struct job_registry *before,
                     struct diagnostics *diagnostics) {
        while (check_names(registry, before, diagnostics) || break_circles(registry, before, diagnostics))
                ;
}
