/* NULL-terminated vectors of strings; NULL is the empty vector. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

size_t strv_length(char *const *vector);
/* Appends a copy of `text`, or takes `text` over. */
void strv_append(char ***vector, const char *text);
void strv_append_take(char ***vector, char *text);
char **strv_copy(char *const *vector);
bool strv_contains(char *const *vector, const char *text);
bool strv_equal(char *const *a, char *const *b);
/* Joins with `separator`; a newly allocated string, "" for the empty vector. */
char *strv_join(char *const *vector, const char *separator);
/* Splits at any run of characters in `separators`; no empty elements. */
char **strv_split(const char *text, const char *separators);
/* Frees all; returns NULL. */
char **strv_free(char **vector);

static inline void strv_freep(char ***vector) {
        strv_free(*vector);
}
#define _cleanup_strv_ _cleanup_(strv_freep)

#define STRV_FOREACH(item, vector) for (char *const *item = (char *const *)(vector); item && *item; item++)
