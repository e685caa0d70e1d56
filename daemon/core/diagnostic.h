/* What is wrong with configuration texts: all of it at once, each with its place. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "jval.h"
#include "macro.h"

struct diagnostic {
        char *path;
        unsigned line; /* 0: the file as a whole */
        bool is_warning;
        char *text;
};

struct diagnostics {
        struct diagnostic *items;
        size_t count, capacity;
        size_t n_errors;
        size_t n_warnings;
};

void diagnostics_error(struct diagnostics *diagnostics, const char *path, unsigned line, const char *format, ...)
        PRINTF_LIKE(4, 5);
void diagnostics_warning(struct diagnostics *diagnostics, const char *path, unsigned line, const char *format, ...)
        PRINTF_LIKE(4, 5);
/* Puts those from index `from` on into the order of their paths and lines. */
void diagnostics_sort(struct diagnostics *diagnostics, size_t from);
void diagnostics_done(struct diagnostics *diagnostics);
/* "path:line: text" in new memory. */
char *diagnostic_to_string(const struct diagnostic *diagnostic);
/* Array of {path, line, severity, text}. */
struct jval *diagnostics_to_json(const struct diagnostics *diagnostics);
