/* The numbered, forward-only migrations of PostgreSQL's schema: files NNNN_name.sql in one folder, applied in order,
 * each once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <libpq-fe.h>

struct migration {
        int version;
        char *name;        /* "0001_batch.sql" */
        char checksum[17]; /* of the text */
        char *text;
};

struct migrations {
        struct migration *items; /* by version, from 1 without gaps */
        size_t count, capacity;
};

/* Reads the folder; blocking. -EINVAL with a text for gaps, double numbers and names that do not fit. */
int migrations_load(struct migrations *ret, const char *dir, char **ret_error);
void migrations_done(struct migrations *migrations);
/* The greatest number. */
int migrations_version(const struct migrations *migrations);

/* What has been applied: version, name, checksum (text) ordered by version; NULL when the table is not there.
 * *ret_applied is how many of ours. -EPROTO: the database is newer; -EINVAL: a migration was changed after it was
 * applied, or one is missing. */
int migrations_compare(const struct migrations *migrations, const PGresult *applied, size_t *ret_applied,
                       char **ret_error);

/* First string: begins the transaction, waits for other daemons that migrate, and reads what has been applied; second:
 * applies what is missing behind `applied` and commits. */
extern const char migrations_begin_sql[];
char *migrations_apply_sql(const struct migrations *migrations, size_t applied);
