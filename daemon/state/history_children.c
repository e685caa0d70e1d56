/* Runs of a parameter's values, and runs that another one has brought about: for backfills. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errortext.h"
#include "history_internal.h"
#include "rows.h"
#include "strutil.h"
#include "xalloc.h"

/* Of the runs of a job in one mode, with all their steps, those that have the same parameters beside the one in
 * question; the newest last. */
static const char of_values[] =
        "SELECT CAST(json_extract(parameters, '$.\"' || :parameter || '\"') AS TEXT), status, run_number FROM runs"
        " WHERE job = :job AND batch_mode IS :mode"
        " AND json_extract(options, '$.backfill') IS NULL AND json_extract(options, '$.selected') IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM json_each(:params) AS wanted WHERE NOT EXISTS"
        " (SELECT 1 FROM json_each(runs.parameters) AS own WHERE own.key = wanted.key"
        " AND CAST(own.atom AS TEXT) = CAST(wanted.atom AS TEXT)))"
        " ORDER BY created_at, run_number";
/* Bytes of a child's error that are shown beside it. */
#define ERROR_SHOWN 100
#define CHILDREN_SHOWN 2000

/* {value: {succeeded, status, run_number}} */
static void note_run(struct jval *values, const char *value, const char *status, int64_t number) {
        struct jval *known = jval_get(values, value);
        enum run_status word = run_status_from_string(status);

        if (!known) {
                known = jval_object();
                jval_set(values, value, known);
        }
        if (word == RUN_SUCCESS || word == RUN_PARTIAL)
                jval_set_bool(known, "succeeded", true);
        jval_set_str(known, "status", status);
        jval_set_int(known, "run_number", number);
}

int ask_value_runs(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                   char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_jval_ struct jval *values = jval_object();
        int code, r = history_prepare(db, of_values, &statement, ret_error);

        (void)state_dir;
        if (r < 0)
                return r;
        history_bind_text(statement, ":job", question->job);
        history_bind_text(statement, ":mode", question->step);
        history_bind_text(statement, ":parameter", question->item);
        history_bind_text(statement, ":params", question->params_text);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                const char *value = history_text_at(statement, 0);

                if (value)
                        note_run(values, value, str_or(history_text_at(statement, 1), ""),
                                 sqlite3_column_int64(statement, 2));
        }
        if (code != SQLITE_DONE)
                return history_db_error(db, ret_error);
        *ret_answer = STEAL_PTR(values);
        return 0;
}

static struct jval *child_json(const struct run_record *record) {
        struct jval *child = jval_object();

        jval_set_int(child, "run_number", record->run_number);
        jval_set_str(child, "run_id", record->run_id);
        jval_set_str(child, "job", record->job);
        jval_set_str(child, "triggered_by", trigger_to_string(record->triggered_by));
        jval_set_str(child, "status", run_status_to_string(record->status));
        jval_set_str(child, "reason", reason_to_string(record->reason));
        jval_set(child, "parameters", record->parameters ? jval_ref(record->parameters) : jval_object());
        jval_set_time(child, "started_at", record->started_at);
        jval_set(child, "duration_seconds",
                 record->duration_usec < 0 ? jval_null()
                                           : jval_real((double)record->duration_usec / (double)USEC_PER_SEC));
        jval_set(child, "error_message",
                 record->error_message
                         ? jval_stringn(record->error_message, strnlen(record->error_message, ERROR_SHOWN))
                         : jval_null());
        return child;
}

int history_add_children(sqlite3 *db, const struct run_record *parent, struct jval *answer, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        struct jval *children = jval_array();
        int64_t completed = 0, failed = 0;
        int code, r = history_prepare(db,
                                      "SELECT " RUN_COLUMNS
                                      " FROM runs WHERE parent_run_id = :parent ORDER BY run_number LIMIT :limit",
                                      &statement, ret_error);

        jval_set(answer, "children", children);
        if (r < 0)
                return r;
        history_bind_text(statement, ":parent", parent->run_id);
        history_bind_int(statement, ":limit", CHILDREN_SHOWN);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                _cleanup_(run_record_freep) struct run_record *record = run_record_from_row(statement);
                bool good =
                        record->status == RUN_SUCCESS || record->status == RUN_PARTIAL || record->status == RUN_SKIPPED;

                /* One that takes the place of a lost one counts for both. */
                bool is_anew = record->retry_of && record->triggered_by == TRIGGER_BACKFILL;

                completed += run_status_is_final(record->status) - is_anew;
                failed += (run_status_is_final(record->status) && !good) - is_anew;
                jval_add(children, child_json(record));
        }
        if (code != SQLITE_DONE)
                return history_db_error(db, ret_error);
        if (!jval_get(parent->options, "backfill"))
                return 0;
        jval_set_int(answer, "total", jval_get_int(jval_get(parent->options, "backfill"), "total", 0));
        jval_set_int(answer, "completed", completed);
        jval_set_int(answer, "failed", failed);
        return 0;
}
