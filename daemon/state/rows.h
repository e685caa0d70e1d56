/* Rows of state.db: records as texts and numbers on their way in, records again on their way out.
 *
 * A row holds its JSON as text, made on the loop's thread when the record is put: the values stay the loop's own, which
 * may go on changing them while the store's thread writes. */
#pragma once

#include <sqlite3.h>

#include "record.h"

struct run_row {
        char run_id[UUID_SIZE];
        int64_t run_number;
        char *job, *batch_type, *batch_mode, *triggered_by_user, *error_message;
        char *parameters, *metrics, *warnings, *notes;
        char *retry_of, *parent_run_id, *definition_hash, *options;
        const char *triggered_by, *status, *reason;
        usec_t created_at, started_at, completed_at, due_at;
        int64_t duration_usec, version;
};

struct attempt_row {
        char run_id[UUID_SIZE];
        char *step_name, *item, *error_message, *output_log, *metrics, *metadata, *log_path;
        char *batch_type; /* what the step declared its work to be (RESULT={"batch_type": ...}), or NULL */
        char *tail_path;  /* becomes output_log on the store's thread, or NULL */
        int32_t attempt, step_order, ordinal;
        int64_t number;
        const char *status, *reason;
        usec_t created_at, started_at, completed_at, updated_at;
        int64_t duration_usec, records_processed, processes_ended, version;
        int exit_status, signal_number;
};

struct audit_row {
        usec_t at;
        int64_t uid, pid;
        char *user, *on_behalf, *method, *params, *outcome;
        char run_id[UUID_SIZE];
};

void run_row_fill(struct run_row *ret, const struct run_record *record);
void run_row_done(struct run_row *row);
void attempt_row_fill(struct attempt_row *ret, const struct attempt_record *record, const char *tail_path);
void attempt_row_done(struct attempt_row *row);
void audit_row_fill(struct audit_row *ret, const struct audit_record *record);
void audit_row_done(struct audit_row *row);

/* The texts of a row are bound in place: they live until the statement is reset. Parameters are numbered as the
 * columns. */
extern const char run_row_upsert[];
extern const char attempt_row_upsert[];
extern const char audit_row_insert[];
void run_row_bind(sqlite3_stmt *statement, const struct run_row *row, usec_t now);
void attempt_row_bind(sqlite3_stmt *statement, const struct attempt_row *row, usec_t now);
void audit_row_bind(sqlite3_stmt *statement, const struct audit_row *row);

/* Column lists for SELECT, in the order of the functions below. `of`: a table with its point, or "". */
#define RUN_COLUMNS RUN_COLUMNS_OF("")
/* As much of a parameter's value as run_parameters tells runs apart by. */
#define INDEXED_VALUE(value) "substr(" value ", 1, 100)"
#define RUN_COLUMNS_OF(of)                                                                                             \
        of "run_id, " of "run_number, " of "job, " of "batch_type, " of "batch_mode, " of "triggered_by, " of          \
           "triggered_by_user, " of "status, " of "reason, " of "created_at, " of "started_at, " of                    \
           "completed_at, " of "duration_usec, " of "error_message, " of "parameters, " of "metrics, " of              \
           "warnings, " of "notes, " of "retry_of, " of "parent_run_id, " of "due_at, " of "definition_hash, " of      \
           "version, " of "options"
#define ATTEMPT_COLUMNS ATTEMPT_COLUMNS_OF("")
#define ATTEMPT_COLUMNS_OF(of) ATTEMPT_COLUMNS_WITH(of, of "output_log")
/* Without what it printed. */
#define ATTEMPT_COLUMNS_LEAN ATTEMPT_COLUMNS_WITH("", "NULL")
#define ATTEMPT_COLUMNS_WITH(of, output_log)                                                                           \
        of "run_id, " of "step_name, " of "item, " of "attempt, " of "step_order, " of "ordinal, " of "number, " of    \
           "status, " of "reason, " of "created_at, " of "started_at, " of "completed_at, " of "updated_at, " of       \
           "duration_usec, " of "records_processed, " of "exit_status, " of "signal_number, " of                       \
           "error_message, " output_log ", " of "metrics, " of "metadata, " of "log_path, " of "processes_ended, " of  \
           "version"
#define ATTEMPT_COLUMNS_COUNT 24
struct run_record *run_record_from_row(sqlite3_stmt *statement);
struct attempt_record *attempt_record_from_row(sqlite3_stmt *statement);
