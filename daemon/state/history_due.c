/* What became of due times. */
#include <errno.h>

#include "history_internal.h"
#include "strutil.h"
#include "xalloc.h"

static const char due_sql[] =
        "SELECT job, due_at, due_until, due_count, outcome, reason, run_id, run_number, decided_at FROM due_times"
        " WHERE (?1 IS NULL OR job = ?1) AND due_at >= ?2 AND due_at <= ?3 ORDER BY due_at, job LIMIT ?4";

static struct jval *due_from_row(sqlite3_stmt *statement) {
        struct jval *due = jval_object();

        jval_set_str(due, "job", (const char *)sqlite3_column_text(statement, 0));
        jval_set_time(due, "due_at", (usec_t)sqlite3_column_int64(statement, 1));
        jval_set_str(due, "outcome", (const char *)sqlite3_column_text(statement, 4));
        jval_set_str(due, "reason", (const char *)sqlite3_column_text(statement, 5));
        jval_set(due, "run_number",
                 sqlite3_column_type(statement, 7) == SQLITE_NULL ? jval_null()
                                                                  : jval_integer(sqlite3_column_int64(statement, 7)));
        jval_set_str(due, "run_id", (const char *)sqlite3_column_text(statement, 6));
        jval_set_time(due, "decided_at", (usec_t)sqlite3_column_int64(statement, 8));
        if (sqlite3_column_type(statement, 2) == SQLITE_NULL)
                return due;
        jval_set_time(due, "due_until", (usec_t)sqlite3_column_int64(statement, 2));
        jval_set(due, "due_count",
                 sqlite3_column_type(statement, 3) == SQLITE_NULL ? jval_null()
                                                                  : jval_integer(sqlite3_column_int64(statement, 3)));
        return due;
}

int ask_due_times(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                  char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code, r = history_prepare(db, due_sql, &statement, ret_error);
        struct jval *due;

        (void)state_dir;
        if (r < 0)
                return r;
        if (question->job)
                (void)sqlite3_bind_text(statement, 1, question->job, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)question->filter.since);
        (void)sqlite3_bind_int64(statement, 3, (int64_t)question->filter.until);
        (void)sqlite3_bind_int64(statement, 4, (int64_t)question->limit);
        due = jval_array();
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
                jval_add(due, due_from_row(statement));
        if (code != SQLITE_DONE) {
                jval_unref(due);
                return history_db_error(db, ret_error);
        }
        *ret_answer = due;
        return 0;
}
