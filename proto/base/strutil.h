/* Plain string helpers: comparison, number parsing with a range, names, near misses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* NULL equals NULL only. */
bool streq_null(const char *a, const char *b);
/* What follows the prefix, or NULL. */
const char *startswith(const char *text, const char *prefix);
bool endswith(const char *text, const char *suffix);
static inline const char *str_or(const char *text, const char *otherwise) {
        return text ? text : otherwise;
}

/* The whole text as a decimal number: 0, -EINVAL (not a number, spaces, trailing text) or -ERANGE. */
int parse_int64(const char *text, int64_t *ret);
int parse_uint64(const char *text, uint64_t *ret);
/* As parse_int64, and -ERANGE outside minimum..maximum. */
int parse_int64_range(const char *text, int64_t minimum, int64_t maximum, int64_t *ret);
/* Finite decimal fraction ("0.87", "-3", "1e3"); never in the locale's spelling. 0 or -EINVAL. */
int parse_double(const char *text, double *ret);
/* systemd's booleans (systemd.syntax(7)): 1 yes y true t on / 0 no n false f off, any case. Returns 0, 1 or -EINVAL. */
int parse_boolean(const char *text);
/* Bytes with the suffixes K M G T (base 1024, as systemd's MemoryMax=). 0 or -EINVAL, -ERANGE. */
int parse_size(const char *text, uint64_t *ret);

/* Names of jobs, steps, parameters, modes, limits: 1 to 64 of A-Z a-z 0-9 _ - . , not starting with '.' or '-'. */
bool name_is_valid(const char *name);

/* The candidate nearest to `text` by edit distance, or NULL when none is near enough to be a likely typing error.
 * `candidates` is NULL-terminated. */
const char *nearest_name(const char *text, const char *const *candidates);

/* Removes leading and trailing white space in place; returns the new start. */
char *strstrip(char *text);
