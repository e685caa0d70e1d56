/* Rows of due_times: what became of each due time of a schedule. */
#pragma once

#include <sqlite3.h>

#include "record.h"

struct due_row {
        char *job, *reason;
        char run_id[UUID_SIZE];
        const char *outcome;
        usec_t due_at, until, decided_at;
        int64_t count, run_number;
};

void due_row_fill(struct due_row *ret, const struct due_record *record);
void due_row_done(struct due_row *row);

/* The texts are bound in place: they live until the statement is reset. */
extern const char due_row_upsert[];
void due_row_bind(sqlite3_stmt *statement, const struct due_row *row, usec_t now);
