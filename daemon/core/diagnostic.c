#include "diagnostic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "xalloc.h"

/* A folder full of garbage must not grow the daemon: what is beyond is counted, not kept. */
#define DIAGNOSTICS_MAX 1000
/* A text may quote what somebody wrote; it is shown on one screen. */
#define DIAGNOSTIC_TEXT_MAX 1000

static char *format_text(const char *format, va_list arguments) PRINTF_LIKE(1, 0);

static char *format_text(const char *format, va_list arguments) {
        char text[DIAGNOSTIC_TEXT_MAX];

        (void)vsnprintf(text, sizeof(text), format, arguments);
        return xstrdup(text);
}

static void diagnostics_add(struct diagnostics *diagnostics, const char *path, unsigned line, bool is_warning,
                            char *text) {
        if (is_warning)
                diagnostics->n_warnings++;
        else
                diagnostics->n_errors++;
        if (diagnostics->count >= DIAGNOSTICS_MAX) {
                free(text);
                return;
        }
        if (diagnostics->count == DIAGNOSTICS_MAX - 1) {
                free(text);
                text = xstrdup("there are more mistakes than are listed; mend these first");
                line = 0;
        }
        GROW(diagnostics->items, diagnostics->count, diagnostics->capacity);
        diagnostics->items[diagnostics->count++] = (struct diagnostic){
                .path = xstrdup(path),
                .line = line,
                .is_warning = is_warning,
                .text = text,
        };
}

void diagnostics_error(struct diagnostics *diagnostics, const char *path, unsigned line, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        diagnostics_add(diagnostics, path, line, false, format_text(format, arguments));
        va_end(arguments);
}

void diagnostics_warning(struct diagnostics *diagnostics, const char *path, unsigned line, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        diagnostics_add(diagnostics, path, line, true, format_text(format, arguments));
        va_end(arguments);
}

static int compare(const void *a, const void *b) {
        const struct diagnostic *left = a, *right = b;
        int by_path = strcmp(left->path, right->path);

        if (by_path != 0)
                return by_path;
        if (left->line != right->line)
                return left->line < right->line ? -1 : 1;
        return strcmp(left->text, right->text);
}

void diagnostics_sort(struct diagnostics *diagnostics, size_t from) {
        if (from < diagnostics->count)
                qsort(diagnostics->items + from, diagnostics->count - from, sizeof(*diagnostics->items), compare);
}

void diagnostics_done(struct diagnostics *diagnostics) {
        for (size_t i = 0; i < diagnostics->count; i++) {
                free(diagnostics->items[i].path);
                free(diagnostics->items[i].text);
        }
        free(diagnostics->items);
        *diagnostics = (struct diagnostics){0};
}

char *diagnostic_to_string(const struct diagnostic *diagnostic) {
        const char *mark = diagnostic->is_warning ? "warning: " : "";

        if (diagnostic->line == 0)
                return xasprintf("%s: %s%s", diagnostic->path, mark, diagnostic->text);
        return xasprintf("%s:%u: %s%s", diagnostic->path, diagnostic->line, mark, diagnostic->text);
}

struct jval *diagnostics_to_json(const struct diagnostics *diagnostics) {
        struct jval *array = jval_array();

        for (size_t i = 0; i < diagnostics->count; i++) {
                const struct diagnostic *diagnostic = &diagnostics->items[i];
                struct jval *object = jval_object();

                jval_set_str(object, "path", diagnostic->path);
                jval_set_int(object, "line", diagnostic->line);
                jval_set_str(object, "severity", diagnostic->is_warning ? "warning" : "error");
                jval_set_str(object, "text", diagnostic->text);
                jval_add(array, object);
        }
        return array;
}
