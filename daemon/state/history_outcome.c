/* What became of the steps of a run, for who goes on where it ended. */
#include <errno.h>

#include "errortext.h"
#include "history_internal.h"
#include "rows.h"
#include "strutil.h"
#include "xalloc.h"

static const char outcomes[] =
        "SELECT step_name, item, status, reason FROM attempts AS a WHERE run_id = ?1"
        " AND attempt = (SELECT max(attempt) FROM attempts AS b WHERE b.run_id = a.run_id AND b.step_name = a.step_name"
        " AND b.item = a.item) ORDER BY step_order, item";

static const char *column(sqlite3_stmt *statement, int index) {
        return str_or((const char *)sqlite3_column_text(statement, index), "");
}

static int add_outcomes(sqlite3 *db, const char *run_id, struct jval *steps, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code, r = history_prepare(db, outcomes, &statement, ret_error);

        if (r < 0)
                return r;
        (void)sqlite3_bind_text(statement, 1, run_id, -1, SQLITE_STATIC);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                struct jval *step = jval_object();

                jval_set_str(step, "step_name", column(statement, 0));
                jval_set_str(step, "item", column(statement, 1));
                jval_set_str(step, "status", column(statement, 2));
                jval_set_str(step, "reason", column(statement, 3));
                jval_add(steps, step);
        }
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

/* The sources of the job as it was; none when they are not kept any more. */
static int add_sources(sqlite3 *db, const char *hash, struct jval *answer, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = history_prepare(db, "SELECT value FROM settings WHERE key = 'definition/' || ?1", &statement,
                                ret_error);

        if (r < 0)
                return r;
        (void)sqlite3_bind_text(statement, 1, str_or(hash, ""), -1, SQLITE_STATIC);
        if (sqlite3_step(statement) == SQLITE_ROW)
                jval_set_str(answer, "sources", column(statement, 0));
        return 0;
}

int ask_run_outcome(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                    char **ret_error) {
        _cleanup_(run_record_freep) struct run_record *record = NULL;
        _cleanup_jval_ struct jval *answer = jval_object();
        struct jval *steps;
        int r;

        (void)state_dir;
        r = history_find_run(db, question->selector, NULL, &record, ret_error);
        if (r < 0)
                return r;
        steps = jval_array();
        jval_set(answer, "run", run_record_to_json(record));
        jval_set(answer, "options", record->options ? jval_ref(record->options) : jval_object());
        jval_set(answer, "steps", steps);
        r = add_outcomes(db, record->run_id, steps, ret_error);
        if (r >= 0)
                r = add_sources(db, record->definition_hash, answer, ret_error);
        if (r < 0)
                return r;
        *ret_answer = STEAL_PTR(answer);
        return 0;
}
