#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "strutil.h"
#include "utf8.h"
#include "xalloc.h"

/* Columns that an update takes over from the new row. A row that was up to date in PostgreSQL begins to wait now. The
 * version always grows, whatever the caller counted, so that no change is ever missed by the mirror. Options are said
 * once, when the run is made. */
const char run_row_upsert[] =
        "INSERT INTO runs AS r (" RUN_COLUMNS ", waiting_since) VALUES"
        " (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25)"
        " ON CONFLICT (run_id) DO UPDATE SET batch_type=excluded.batch_type, batch_mode=excluded.batch_mode,"
        " triggered_by=excluded.triggered_by, triggered_by_user=excluded.triggered_by_user, status=excluded.status,"
        " reason=excluded.reason, created_at=excluded.created_at, started_at=excluded.started_at,"
        " completed_at=excluded.completed_at, duration_usec=excluded.duration_usec, error_message=excluded.error_message,"
        " parameters=excluded.parameters, metrics=excluded.metrics, warnings=excluded.warnings, notes=excluded.notes,"
        " retry_of=excluded.retry_of, parent_run_id=excluded.parent_run_id, due_at=excluded.due_at,"
        " definition_hash=excluded.definition_hash, version=max(excluded.version, r.version + 1),"
        " waiting_since=iif(r.version > r.mirrored, r.waiting_since, excluded.waiting_since)";

/* Without a new tail the one that is there stays. */
const char attempt_row_upsert[] =
        "INSERT INTO attempts AS a (" ATTEMPT_COLUMNS ", waiting_since) VALUES"
        " (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25)"
        " ON CONFLICT (run_id, step_name, item, attempt) DO UPDATE SET step_order=excluded.step_order,"
        " ordinal=excluded.ordinal, number=excluded.number, status=excluded.status, reason=excluded.reason,"
        " created_at=excluded.created_at, started_at=excluded.started_at, completed_at=excluded.completed_at,"
        " updated_at=excluded.updated_at, duration_usec=excluded.duration_usec,"
        " records_processed=excluded.records_processed, exit_status=excluded.exit_status,"
        " signal_number=excluded.signal_number, error_message=excluded.error_message,"
        " output_log=coalesce(excluded.output_log, a.output_log), metrics=excluded.metrics, metadata=excluded.metadata,"
        " log_path=excluded.log_path, processes_ended=excluded.processes_ended,"
        " version=max(excluded.version, a.version + 1),"
        " waiting_since=iif(a.version > a.mirrored, a.waiting_since, excluded.waiting_since)";

const char audit_row_insert[] =
        "INSERT INTO audit (at, uid, pid, user, on_behalf, method, params, outcome, run_id, waiting_since)"
        " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?1)";

/* A copy that is valid UTF-8: the last place where foreign bytes could slip into the databases. */
static char *copy_text(const char *text) {
        if (!text)
                return NULL;
        size_t len = strlen(text);
        return utf8_is_valid(text, len) ? xstrdup(text) : utf8_escape(text, len, 4 * len);
}

static char *dump_or_null(const struct jval *value) {
        return value ? jval_dump(value) : NULL;
}

void run_row_fill(struct run_row *ret, const struct run_record *record) {
        *ret = (struct run_row){
                .run_number = record->run_number,
                .job = copy_text(record->job),
                .batch_type = copy_text(record->batch_type),
                .batch_mode = copy_text(record->batch_mode),
                .triggered_by_user = copy_text(record->triggered_by_user),
                .error_message = copy_text(record->error_message),
                .parameters = dump_or_null(record->parameters),
                .metrics = dump_or_null(record->metrics),
                .warnings = dump_or_null(record->warnings),
                .notes = dump_or_null(record->notes),
                .retry_of = copy_text(record->retry_of),
                .parent_run_id = copy_text(record->parent_run_id),
                .definition_hash = copy_text(record->definition_hash),
                .options = dump_or_null(record->options),
                .triggered_by = trigger_to_string(record->triggered_by),
                .status = run_status_to_string(record->status),
                .reason = reason_to_string(record->reason),
                .created_at = record->created_at,
                .started_at = record->started_at,
                .completed_at = record->completed_at,
                .due_at = record->due_at,
                .duration_usec = record->duration_usec,
                .version = record->version,
        };
        memcpy(ret->run_id, record->run_id, UUID_SIZE);
}

void run_row_done(struct run_row *row) {
        char *const texts[] = {row->job,           row->batch_type, row->batch_mode,    row->triggered_by_user,
                               row->error_message, row->parameters, row->metrics,       row->warnings,
                               row->notes,         row->retry_of,   row->parent_run_id, row->definition_hash,
                               row->options};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                free(texts[i]);
}

void attempt_row_fill(struct attempt_row *ret, const struct attempt_record *record, const char *tail_path) {
        *ret = (struct attempt_row){
                .step_name = copy_text(record->step_name),
                .item = copy_text(str_or(record->item, "")),
                .error_message = copy_text(record->error_message),
                .output_log = copy_text(record->output_log),
                .metrics = dump_or_null(record->metrics),
                .metadata = dump_or_null(record->metadata),
                .log_path = copy_text(record->log_path),
                .batch_type = copy_text(jval_get_str(jval_get(record->metadata, "result"), "batch_type")),
                .tail_path = xstrdup_or_null(tail_path),
                .attempt = record->attempt,
                .step_order = record->step_order,
                .ordinal = record->ordinal,
                .number = record->number,
                .status = step_status_to_string(record->status),
                .reason = reason_to_string(record->reason),
                .created_at = record->created_at,
                .started_at = record->started_at,
                .completed_at = record->completed_at,
                .updated_at = record->updated_at,
                .duration_usec = record->duration_usec,
                .records_processed = record->records_processed,
                .processes_ended = record->processes_ended,
                .version = record->version,
                .exit_status = record->exit_status,
                .signal_number = record->signal_number,
        };
        memcpy(ret->run_id, record->run_id, UUID_SIZE);
}

void attempt_row_done(struct attempt_row *row) {
        char *const texts[] = {row->step_name, row->item,     row->error_message, row->output_log, row->metrics,
                               row->metadata,  row->log_path, row->batch_type,    row->tail_path};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                free(texts[i]);
}

void audit_row_fill(struct audit_row *ret, const struct audit_record *record) {
        *ret = (struct audit_row){
                .at = record->at,
                .uid = record->uid,
                .pid = record->pid,
                .user = copy_text(record->user),
                .on_behalf = copy_text(record->on_behalf),
                .method = copy_text(record->method),
                .params = dump_or_null(record->params),
                .outcome = copy_text(record->outcome),
        };
        memcpy(ret->run_id, record->run_id, UUID_SIZE);
}

void audit_row_done(struct audit_row *row) {
        free(row->user);
        free(row->on_behalf);
        free(row->method);
        free(row->params);
        free(row->outcome);
}

/* Binding to a prepared statement fails only for a number out of range, which the unit tests of every statement would
 * show. */
static void bind_text(sqlite3_stmt *statement, int index, const char *text) {
        if (text)
                (void)sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
        else
                (void)sqlite3_bind_null(statement, index);
}

static void bind_int(sqlite3_stmt *statement, int index, int64_t value) {
        (void)sqlite3_bind_int64(statement, index, value);
}

void run_row_bind(sqlite3_stmt *statement, const struct run_row *row, usec_t now) {
        bind_text(statement, 1, row->run_id);
        bind_int(statement, 2, row->run_number);
        bind_text(statement, 3, row->job);
        bind_text(statement, 4, row->batch_type);
        bind_text(statement, 5, row->batch_mode);
        bind_text(statement, 6, row->triggered_by);
        bind_text(statement, 7, row->triggered_by_user);
        bind_text(statement, 8, row->status);
        bind_text(statement, 9, row->reason);
        bind_int(statement, 10, (int64_t)row->created_at);
        bind_int(statement, 11, (int64_t)row->started_at);
        bind_int(statement, 12, (int64_t)row->completed_at);
        bind_int(statement, 13, row->duration_usec);
        bind_text(statement, 14, row->error_message);
        bind_text(statement, 15, row->parameters);
        bind_text(statement, 16, row->metrics);
        bind_text(statement, 17, row->warnings);
        bind_text(statement, 18, row->notes);
        bind_text(statement, 19, row->retry_of);
        bind_text(statement, 20, row->parent_run_id);
        bind_int(statement, 21, (int64_t)row->due_at);
        bind_text(statement, 22, row->definition_hash);
        bind_int(statement, 23, row->version);
        bind_text(statement, 24, row->options);
        bind_int(statement, 25, (int64_t)now);
}

void attempt_row_bind(sqlite3_stmt *statement, const struct attempt_row *row, usec_t now) {
        bind_text(statement, 1, row->run_id);
        bind_text(statement, 2, row->step_name);
        bind_text(statement, 3, row->item);
        bind_int(statement, 4, row->attempt);
        bind_int(statement, 5, row->step_order);
        bind_int(statement, 6, row->ordinal);
        bind_int(statement, 7, row->number);
        bind_text(statement, 8, row->status);
        bind_text(statement, 9, row->reason);
        bind_int(statement, 10, (int64_t)row->created_at);
        bind_int(statement, 11, (int64_t)row->started_at);
        bind_int(statement, 12, (int64_t)row->completed_at);
        bind_int(statement, 13, (int64_t)row->updated_at);
        bind_int(statement, 14, row->duration_usec);
        bind_int(statement, 15, row->records_processed);
        bind_int(statement, 16, row->exit_status);
        bind_int(statement, 17, row->signal_number);
        bind_text(statement, 18, row->error_message);
        bind_text(statement, 19, row->output_log);
        bind_text(statement, 20, row->metrics);
        bind_text(statement, 21, row->metadata);
        bind_text(statement, 22, row->log_path);
        bind_int(statement, 23, row->processes_ended);
        bind_int(statement, 24, row->version);
        bind_int(statement, 25, (int64_t)now);
}

void audit_row_bind(sqlite3_stmt *statement, const struct audit_row *row) {
        bind_int(statement, 1, (int64_t)row->at);
        bind_int(statement, 2, row->uid);
        bind_int(statement, 3, row->pid);
        bind_text(statement, 4, row->user);
        bind_text(statement, 5, row->on_behalf);
        bind_text(statement, 6, row->method);
        bind_text(statement, 7, row->params);
        bind_text(statement, 8, row->outcome);
        bind_text(statement, 9, row->run_id[0] ? row->run_id : NULL);
}

static const char *text_at(sqlite3_stmt *statement, int column) {
        return (const char *)sqlite3_column_text(statement, column);
}

static char *take_text(sqlite3_stmt *statement, int column) {
        return xstrdup_or_null(text_at(statement, column));
}

/* What does not parse (nothing this program writes) counts as absent. */
static struct jval *take_json(sqlite3_stmt *statement, int column) {
        const char *text = text_at(statement, column);
        struct jval *value = NULL;

        if (!text || jval_parse(text, strlen(text), &value, NULL) < 0)
                return NULL;
        return value;
}

static void take_id(sqlite3_stmt *statement, int column, char ret[static UUID_SIZE]) {
        const char *text = text_at(statement, column);

        if (text && strlen(text) == UUID_SIZE - 1)
                memcpy(ret, text, UUID_SIZE);
}

struct run_record *run_record_from_row(sqlite3_stmt *statement) {
        struct run_record *record = NEW(struct run_record);

        take_id(statement, 0, record->run_id);
        record->run_number = sqlite3_column_int64(statement, 1);
        record->job = xstrdup(str_or(text_at(statement, 2), ""));
        record->batch_type = take_text(statement, 3);
        record->batch_mode = take_text(statement, 4);
        record->triggered_by = trigger_from_string(str_or(text_at(statement, 5), ""));
        record->triggered_by_user = take_text(statement, 6);
        record->status = run_status_from_string(str_or(text_at(statement, 7), ""));
        record->reason = reason_from_string(text_at(statement, 8));
        record->created_at = (usec_t)sqlite3_column_int64(statement, 9);
        record->started_at = (usec_t)sqlite3_column_int64(statement, 10);
        record->completed_at = (usec_t)sqlite3_column_int64(statement, 11);
        record->duration_usec = sqlite3_column_int64(statement, 12);
        record->error_message = take_text(statement, 13);
        record->parameters = take_json(statement, 14);
        if (!record->parameters)
                record->parameters = jval_object();
        record->metrics = take_json(statement, 15);
        record->warnings = take_json(statement, 16);
        record->notes = take_json(statement, 17);
        record->retry_of = take_text(statement, 18);
        record->parent_run_id = take_text(statement, 19);
        record->due_at = (usec_t)sqlite3_column_int64(statement, 20);
        record->definition_hash = take_text(statement, 21);
        record->version = sqlite3_column_int64(statement, 22);
        record->options = take_json(statement, 23);
        return record;
}

struct attempt_record *attempt_record_from_row(sqlite3_stmt *statement) {
        struct attempt_record *record = NEW(struct attempt_record);

        take_id(statement, 0, record->run_id);
        record->step_name = xstrdup(str_or(text_at(statement, 1), ""));
        record->item = xstrdup(str_or(text_at(statement, 2), ""));
        record->attempt = sqlite3_column_int(statement, 3);
        record->step_order = sqlite3_column_int(statement, 4);
        record->ordinal = sqlite3_column_int(statement, 5);
        record->number = sqlite3_column_int64(statement, 6);
        record->status = step_status_from_string(str_or(text_at(statement, 7), ""));
        record->reason = reason_from_string(text_at(statement, 8));
        record->created_at = (usec_t)sqlite3_column_int64(statement, 9);
        record->started_at = (usec_t)sqlite3_column_int64(statement, 10);
        record->completed_at = (usec_t)sqlite3_column_int64(statement, 11);
        record->updated_at = (usec_t)sqlite3_column_int64(statement, 12);
        record->duration_usec = sqlite3_column_int64(statement, 13);
        record->records_processed = sqlite3_column_int64(statement, 14);
        record->exit_status = sqlite3_column_int(statement, 15);
        record->signal_number = sqlite3_column_int(statement, 16);
        record->error_message = take_text(statement, 17);
        record->output_log = take_text(statement, 18);
        record->metrics = take_json(statement, 19);
        record->metadata = take_json(statement, 20);
        record->log_path = take_text(statement, 21);
        record->processes_ended = sqlite3_column_int64(statement, 22);
        record->version = sqlite3_column_int64(statement, 23);
        return record;
}
