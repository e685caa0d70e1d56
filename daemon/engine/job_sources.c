#include "job_sources.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fileutil.h"
#include "jval.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

/* Behind a job's name, what its folder of drop-ins is called. */
#define DROPINS ".job.d"
#define JOB_FILE_MAX ((size_t)1024 * 1024)

static struct job_sources *sources_new(void) {
        struct job_sources *sources = NEW(struct job_sources);

        sources->references = 1;
        return sources;
}

struct job_sources *job_sources_ref(struct job_sources *sources) {
        if (sources)
                sources->references++;
        return sources;
}

struct job_sources *job_sources_unref(struct job_sources *sources) {
        if (!sources || --sources->references > 0)
                return NULL;
        for (size_t i = 0; i < sources->count; i++) {
                free((char *)(uintptr_t)sources->items[i].path);
                free((char *)(uintptr_t)sources->items[i].text);
        }
        free(sources->items);
        free(sources);
        return NULL;
}

bool job_sources_equal(const struct job_sources *a, const struct job_sources *b) {
        if (!a || !b || a->count != b->count)
                return false;
        for (size_t i = 0; i < a->count; i++)
                if (a->items[i].len != b->items[i].len || !streq(a->items[i].path, b->items[i].path) ||
                    memcmp(a->items[i].text, b->items[i].text, a->items[i].len) != 0)
                        return false;
        return true;
}

/* Takes both over. */
static void add_source(struct job_sources *sources, char *path, char *text, size_t len) {
        GROW(sources->items, sources->count, sources->capacity);
        sources->items[sources->count++] = (struct source_text){.path = path, .text = text, .len = len};
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

int job_folder_list(const char *folder, const char *suffix, char ***ret) {
        struct dirent *entry;
        char **names = NULL;
        size_t n = 0, capacity = 0;
        DIR *dir = opendir(folder);

        if (!dir)
                return -errno;
        while ((entry = readdir(dir))) {
                if (entry->d_name[0] == '.' || !endswith(entry->d_name, suffix))
                        continue;
                GROW(names, n, capacity);
                names[n++] = xstrdup(entry->d_name);
        }
        (void)closedir(dir);
        if (names) {
                GROW(names, n, capacity);
                names[n] = NULL;
                qsort(names, n, sizeof(char *), compare_names);
        }
        *ret = names;
        return 0;
}

void dropin_folders_list(struct dropin_folders *dropins) {
        size_t n = 0;

        dropins->names = xcalloc(strv_length(dropins->folders) + 1, sizeof(char **));
        STRV_FOREACH (folder, dropins->folders)
                if (job_folder_list(*folder, DROPINS, &dropins->names[n++]) < 0)
                        dropins->names[n - 1] = NULL;
}

void dropin_folders_done(struct dropin_folders *dropins) {
        for (size_t i = 0; dropins->names && i < strv_length(dropins->folders); i++)
                strv_free(dropins->names[i]);
        free(dropins->names);
        dropins->names = NULL;
}

static bool may_have_dropins(const struct dropin_folders *dropins, size_t folder, const char *name) {
        _cleanup_free_ char *wanted = NULL;
        char **names;

        if (!dropins->names)
                return true;
        names = dropins->names[folder];
        wanted = names ? xasprintf("%s" DROPINS, name) : NULL;
        return names && bsearch(&wanted, names, strv_length(names), sizeof(char *), compare_names);
}

static void read_source(struct job_sources *sources, const char *path, struct diagnostics *diagnostics) {
        char *text;
        size_t len;
        int r = read_file(path, JOB_FILE_MAX, &text, &len);

        if (r < 0)
                diagnostics_error(diagnostics, path, 0,
                                  "cannot be read: %s; a job file is a readable text of at most 1 MiB", strerror(-r));
        else
                add_source(sources, xstrdup(path), text, len);
}

struct job_sources *job_sources_read(const char *path, const char *name, const struct dropin_folders *dropins,
                                     struct diagnostics *diagnostics) {
        struct job_sources *sources = sources_new();
        _cleanup_strv_ char **seen = NULL, **paths = NULL;

        read_source(sources, path, diagnostics);
        STRV_FOREACH (folder, dropins->folders) {
                _cleanup_free_ char *own = NULL;
                _cleanup_strv_ char **names = NULL;

                if (!may_have_dropins(dropins, (size_t)(folder - dropins->folders), name))
                        continue;
                own = xasprintf("%s/%s" DROPINS, *folder, name);
                if (job_folder_list(own, ".conf", &names) < 0)
                        continue;
                STRV_FOREACH (file, names) {
                        if (strv_contains(seen, *file))
                                continue;
                        strv_append(&seen, *file);
                        /* "file\npath" sorts by file name over all folders */
                        strv_append_take(&paths, xasprintf("%s\n%s/%s", *file, own, *file));
                }
        }
        if (paths)
                qsort(paths, strv_length(paths), sizeof(char *), compare_names);
        STRV_FOREACH (entry, paths)
                read_source(sources, strchr(*entry, '\n') + 1, diagnostics);
        return sources;
}

char *job_sources_to_json(const struct job_sources *sources) {
        _cleanup_jval_ struct jval *value = jval_array();

        for (size_t i = 0; i < sources->count; i++) {
                struct jval *source = jval_object();

                jval_set_str(source, "path", sources->items[i].path);
                jval_set(source, "text", jval_stringn(sources->items[i].text, sources->items[i].len));
                jval_add(value, source);
        }
        return jval_dump(value);
}

struct job_sources *job_sources_from_json(const char *json) {
        _cleanup_jval_ struct jval *value = NULL;
        struct job_sources *sources;

        if (!json || jval_parse(json, strlen(json), &value, NULL) < 0)
                return NULL;
        sources = sources_new();
        for (size_t i = 0; i < jval_array_size(value); i++) {
                const char *path = str_or(jval_get_str(jval_at(value, i), "path"), "");
                const char *text = str_or(jval_get_str(jval_at(value, i), "text"), "");

                add_source(sources, xstrdup(path), xstrdup(text), strlen(text));
        }
        return sources;
}
