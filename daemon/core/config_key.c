#include "config_key.h"

#include <stdlib.h>
#include <strings.h>

#include "cleanup.h"
#include "job_file.h"
#include "macro.h"
#include "strutil.h"
#include "utf8.h"
#include "xalloc.h"

/* More than any section has; checked where the names are collected. */
#define SECTION_KEYS_MAX 63
/* Of a wrong name, as much as helps to find it. */
#define SHOWN_MAX 64

static const struct config_table *const tables[] = {&job_key_table, &daemon_key_table};

const struct config_key *config_key_find(const struct config_table *table, const char *section, const char *name) {
        for (size_t i = 0; i < table->n_keys; i++)
                if (streq(table->keys[i].section, section) && streq(table->keys[i].name, name))
                        return &table->keys[i];
        return NULL;
}

/* Names of a section's keys into names, NULL-terminated; all sections when section is NULL. */
static void collect_names(const struct config_table *table, const char *section, const char **names, size_t size) {
        size_t n = 0;

        for (size_t i = 0; i < table->n_keys && n + 1 < size; i++)
                if (!section || streq(table->keys[i].section, section))
                        names[n++] = table->keys[i].name;
        names[n] = NULL;
}

static const struct config_key *find_elsewhere(const struct config_table *table, const char *name) {
        for (size_t i = 0; i < table->n_keys; i++)
                if (strcasecmp(table->keys[i].name, name) == 0)
                        return &table->keys[i];
        return NULL;
}

/* The key exists, in another section of this kind of file or in the other kind. */
static bool tell_misplaced(const struct config_table *table, const char *section, const char *name, const char *path,
                           unsigned line, struct diagnostics *diagnostics) {
        for (size_t i = 0; i < table->n_keys; i++)
                if (streq(table->keys[i].section, section) && strcasecmp(table->keys[i].name, name) == 0)
                        return false; /* it is only written in other letters */
        for (size_t i = 0; i < ELEMENTSOF(tables); i++) {
                const struct config_key *elsewhere = find_elsewhere(tables[i], name);

                if (!elsewhere)
                        continue;
                diagnostics_error(diagnostics, path, line, "%s= is no key of [%s]; it belongs in [%s]%s%s",
                                  elsewhere->name, section, elsewhere->section, tables[i] == table ? "" : " of ",
                                  tables[i] == table ? "" : tables[i]->file);
                return true;
        }
        return false;
}

/* A key of nearly that name exists, first of all in the same section. */
static bool tell_near(const struct config_table *table, const char *section, const char *name, const char *path,
                      unsigned line, struct diagnostics *diagnostics) {
        const char *names[4 * SECTION_KEYS_MAX + 1];
        _cleanup_free_ char *shown = utf8_escape(name, strlen(name), SHOWN_MAX);
        const struct config_key *elsewhere;
        const char *near;

        collect_names(table, section, names, ELEMENTSOF(names));
        near = nearest_name(name, names);
        if (near) {
                diagnostics_error(diagnostics, path, line, "unknown key %s= in [%s]; did you mean %s=?", shown, section,
                                  near);
                return true;
        }
        collect_names(table, NULL, names, ELEMENTSOF(names));
        near = nearest_name(name, names);
        elsewhere = near ? find_elsewhere(table, near) : NULL;
        if (elsewhere)
                diagnostics_error(diagnostics, path, line, "unknown key %s= in [%s]; did you mean %s= of [%s]?", shown,
                                  section, elsewhere->name, elsewhere->section);
        return elsewhere != NULL;
}

void config_key_unknown(const struct config_table *table, const char *section, const char *name, const char *path,
                        unsigned line, struct diagnostics *diagnostics) {
        _cleanup_free_ char *shown = utf8_escape(name, strlen(name), SHOWN_MAX);

        if (!tell_misplaced(table, section, name, path, line, diagnostics) &&
            !tell_near(table, section, name, path, line, diagnostics))
                diagnostics_error(diagnostics, path, line, "unknown key %s= in [%s]; the manual lists those that exist",
                                  shown, section);
}

const char *const *config_section_keys(const char *section) {
        static const char *names[SECTION_KEYS_MAX + 1];

        names[0] = NULL;
        for (size_t i = 0; i < ELEMENTSOF(tables) && !names[0]; i++)
                collect_names(tables[i], section, names, ELEMENTSOF(names));
        return names;
}
