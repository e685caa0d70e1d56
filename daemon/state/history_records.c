/* How many records a step processed in its latest successes. */
#include "history_internal.h"
#include "xalloc.h"

/* The unary plus keeps the planner on the index of the job's runs, newest first: the search ends with the last count
 * that is wanted. */
static const char records_sql[] =
        "SELECT a.records_processed FROM (SELECT run_id, created_at, run_number, completed_at FROM runs"
        "  WHERE job = ?1 AND +batch_mode IS ?2 ORDER BY created_at DESC LIMIT 1000) AS r"
        " CROSS JOIN attempts AS a ON a.run_id = r.run_id AND a.step_name = ?3 AND a.item = ?4"
        " WHERE r.completed_at > 0 AND r.completed_at < ?5 AND a.status = 'success' AND a.records_processed >= 0"
        "  AND coalesce(json_extract(a.metadata, '$.expected'), 1) <> 0"
        "  AND (a.records_processed > 0 OR NOT coalesce(json_extract(a.metadata, '$.records_band.outside'), 0))"
        " ORDER BY r.created_at DESC, r.run_number DESC LIMIT ?6";

int ask_step_records(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                     char **ret_error) {
        const char *const texts[] = {question->job, question->filter.mode, question->step, question->item};
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        struct jval *counts;
        int code, r = history_prepare(db, records_sql, &statement, ret_error);

        (void)state_dir;
        if (r < 0)
                return r;
        for (int i = 0; i < 4; i++)
                if (texts[i])
                        (void)sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 5, (int64_t)question->filter.until);
        (void)sqlite3_bind_int64(statement, 6, (int64_t)question->limit);
        counts = jval_array();
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
                jval_add(counts, jval_integer(sqlite3_column_int64(statement, 0)));
        if (code != SQLITE_DONE) {
                jval_unref(counts);
                return history_db_error(db, ret_error);
        }
        *ret_answer = counts;
        return 0;
}
