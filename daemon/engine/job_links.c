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

/* Jobs that lead to no circle are taken away again and again; what is left, in `left`, is in a circle or behind one. */
static size_t find_circles(const struct job_registry *registry, bool *left) {
        size_t n = 0;
        bool any = true;

        for (size_t i = 0; i < registry->count; i++) {
                left[i] = registry->entries[i].job && registry->entries[i].job->after_jobs.count > 0;
                n += left[i];
        }
        while (any) {
                any = false;
                for (size_t i = 0; i < registry->count; i++) {
                        bool waits = false;

                        for (size_t k = 0; left[i] && k < registry->entries[i].job->after_jobs.count; k++) {
                                const struct job_entry *other =
                                        job_registry_find(registry, registry->entries[i].job->after_jobs.items[k].name);

                                waits = waits || (other && left[other - registry->entries]);
                        }
                        if (left[i] && !waits) {
                                left[i] = false;
                                any = true;
                                n--;
                        }
                }
        }
        return n;
}

/* The word of the job's AfterJob= that leads on among those left. */
static const struct job_link *link_on(const struct job_registry *registry, const struct job_entry *entry,
                                      const bool *left) {
        for (size_t k = 0; k < entry->job->after_jobs.count; k++) {
                const struct job_entry *other = job_registry_find(registry, entry->job->after_jobs.items[k].name);

                if (other && left[other - registry->entries])
                        return &entry->job->after_jobs.items[k];
        }
        return NULL;
}

/* Follows the words from a job until one comes again, which is then in a circle for sure. */
static struct job_entry *enter_circle(const struct job_registry *registry, const bool *left) {
        size_t at = 0;

        while (!left[at])
                at++;
        for (size_t steps = 0; steps <= registry->count; steps++) {
                const struct job_link *link = link_on(registry, &registry->entries[at], left);

                at = (size_t)(job_registry_find(registry, link->name) - registry->entries);
        }
        return &registry->entries[at];
}

/* A job of a circle, and its word that leads to the next. */
struct member {
        struct job_entry *entry;
        const struct job_link *link;
};

/* The members of one circle; *ret is new memory. */
static size_t collect_circle(const struct job_registry *registry, const bool *left, struct member **ret) {
        struct job_entry *first = enter_circle(registry, left), *entry = first;
        size_t n = 0;

        *ret = xcalloc(registry->count, sizeof(**ret));
        do {
                (*ret)[n] = (struct member){entry, link_on(registry, entry, left)};
                entry = job_registry_find(registry, (*ret)[n++].link->name);
        } while (entry != first);
        return n;
}

static char *spell_circle(const struct member *members, size_t n) {
        struct buf text = BUF_INIT(CIRCLE_SHOWN);

        for (size_t i = 0; i < n; i++)
                (void)buf_appendf(&text, "%s, ", members[i].entry->name);
        (void)buf_append_str(&text, members[0].entry->name);
        return buf_steal(&text);
}

/* Takes one circle apart: all of its jobs whose files are new fall back. */
static bool break_circle(struct job_registry *registry, const struct job_registry *before,
                         struct diagnostics *diagnostics) {
        _cleanup_free_ bool *left = xcalloc(registry->count + 1, sizeof(*left));
        _cleanup_free_ struct member *members = NULL;
        _cleanup_free_ char *circle = NULL;
        bool any = false;
        size_t n;

        if (find_circles(registry, left) == 0)
                return false;
        n = collect_circle(registry, left, &members);
        circle = spell_circle(members, n);
        for (size_t i = 0; i < n; i++) {
                if (members[i].entry->broken)
                        continue;
                refuse(before, members[i].entry, members[i].link,
                       xasprintf("AfterJob=: the jobs follow each other in a circle (%s); take it out of one of them",
                                 circle),
                       diagnostics);
                any = true;
        }
        return any;
}

void job_links_check(struct job_registry *registry, const struct job_registry *before,
                     struct diagnostics *diagnostics) {
        while (check_names(registry, before, diagnostics) || break_circle(registry, before, diagnostics))
                ;
}
