#include "due_row.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* A due time that is decided anew replaces its record: there is one, always. */
const char due_row_upsert[] =
        "INSERT INTO due_times AS d (job, due_at, due_until, due_count, outcome, reason, run_id, run_number, decided_at,"
        " version, waiting_since) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,1,?10)"
        " ON CONFLICT (job, due_at) DO UPDATE SET due_until=excluded.due_until, due_count=excluded.due_count,"
        " outcome=excluded.outcome, reason=excluded.reason, run_id=excluded.run_id, run_number=excluded.run_number,"
        " decided_at=excluded.decided_at, version=d.version + 1,"
        " waiting_since=iif(d.version > d.mirrored, d.waiting_since, excluded.waiting_since)";

void due_row_fill(struct due_row *ret, const struct due_record *record) {
        *ret = (struct due_row){
                .job = xstrdup(record->job),
                .reason = xstrdup_or_null(record->reason),
                .outcome = due_outcome_to_string(record->outcome),
                .due_at = record->due_at,
                .until = record->until,
                .decided_at = record->decided_at,
                .count = record->count,
                .run_number = record->run_number,
        };
        memcpy(ret->run_id, record->run_id, UUID_SIZE);
}

void due_row_done(struct due_row *row) {
        free(row->job);
        free(row->reason);
}

/* Binding fails only for a number out of range, which the tests of the statement would show. */
static void bind_optional(sqlite3_stmt *statement, int index, int64_t value) {
        if (value > 0)
                (void)sqlite3_bind_int64(statement, index, value);
        else
                (void)sqlite3_bind_null(statement, index);
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text) {
        if (text && *text)
                (void)sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
        else
                (void)sqlite3_bind_null(statement, index);
}

void due_row_bind(sqlite3_stmt *statement, const struct due_row *row, usec_t now) {
        bind_text(statement, 1, row->job);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)row->due_at);
        bind_optional(statement, 3, (int64_t)row->until);
        bind_optional(statement, 4, row->count);
        bind_text(statement, 5, row->outcome);
        bind_text(statement, 6, row->reason);
        bind_text(statement, 7, row->run_id);
        bind_optional(statement, 8, row->run_number);
        (void)sqlite3_bind_int64(statement, 9, (int64_t)row->decided_at);
        (void)sqlite3_bind_int64(statement, 10, (int64_t)now);
}
