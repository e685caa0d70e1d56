/* Tables of configuration keys. A row is all that a key is: where it belongs, how its value is read, where that goes,
 * what it is for. A new key is a row here, its paragraph in the manual, and its use. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnostic.h"

struct config_key;

/* Where a value stands: for messages. */
struct config_context {
        const struct config_key *key;
        const char *path;
        unsigned line;
        struct diagnostics *diagnostics;
};

/* Reads value into target (of the type that the function says). An empty value resets target to otherwise, its default.
 * A value that does not fit is told and leaves target as it is. */
typedef void (*config_parse_fn)(const struct config_context *context, const char *value, void *target,
                                const void *otherwise);

struct config_key {
        const char *section; /* first word of its header */
        const char *name;
        config_parse_fn parse;
        size_t offset; /* of the target in the section's structure */
        const char *help;
        bool is_list;             /* a further assignment adds; of others the last one counts */
        int64_t minimum, maximum; /* of numbers */
        const char *const *words; /* allowed ones, NULL-terminated, in the order of the enum */
};

struct config_table {
        const struct config_key *keys;
        size_t n_keys;
        const char *file; /* what files of this kind are called in messages */
};

extern const struct config_table job_key_table;
extern const struct config_table daemon_key_table;

/* NULL when there is none. */
const struct config_key *config_key_find(const struct config_table *table, const char *section, const char *name);
/* Tells that a section has no such key, with the likeliest remedy: a near spelling, or the section where the key
 * belongs. */
void config_key_unknown(const struct config_table *table, const char *section, const char *name, const char *path,
                        unsigned line, struct diagnostics *diagnostics);
