/* Command-line options from tables: parsing, help and completion read the same rows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum option_kind {
        OPTION_FLAG,    /* bool */
        OPTION_STRING,  /* const char *: the last one given */
        OPTION_STRINGS, /* char **: all of them, a vector to be freed by options_free */
        OPTION_INTEGER, /* int64_t within minimum..maximum */
        OPTION_SPAN,    /* usec_t: a time span such as "5min" */
        OPTION_HANDLER, /* what handler makes of it */
};

struct option_row {
        char letter;       /* 0: none */
        const char *name;  /* NULL ends the table */
        const char *value; /* what is shown for the value in help; NULL: takes none */
        const char *help;
        enum option_kind kind;
        size_t offset;            /* of the member in the target structure */
        const char *const *words; /* allowed values of a string, NULL-terminated; NULL: any */
        int64_t minimum, maximum;
        int (*handler)(void *target, const struct option_row *row, const char *value, char **ret_error);
        bool hidden; /* another spelling of the row before: not in help */
};

/* A table and the structure that it fills. */
struct option_target {
        const struct option_row *rows; /* may be NULL */
        void *target;
};

/* Parses argv[0..argc) into the targets (two; the first one with the option wins). Options and arguments may be mixed
 * unless `stop_at_argument`; "--" ends options. *ret_arguments is a new vector of what is left (pointers into argv;
 * free the vector only), *ret_used how many of argv were taken. -EINVAL with *ret_error. */
int options_parse(const struct option_target targets[static 2], const char *command, int argc, char **argv,
                  bool stop_at_argument, char ***ret_arguments, int *ret_used, char **ret_error);
void options_free(const struct option_target *target);

/* One line an option, aligned; hidden ones left out. */
void options_append_help(const struct option_row *rows, struct buf *out);
const struct option_row *options_find(const struct option_row *rows, const char *name);
