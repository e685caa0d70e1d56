/* A page of what is recorded of a run's steps and attempts, on the reader's thread. */
#include <errno.h>
#include <stdlib.h>

#include "history_internal.h"
#include "rows.h"
#include "strutil.h"
#include "xalloc.h"

/* The last attempt of a step and item stands for it, with the steps inside of it. */
#define IS_LAST                                                                                                        \
        " NOT EXISTS (SELECT 1 FROM attempts AS later WHERE later.run_id = a.run_id AND later.step_name ="             \
        " substr(a.step_name, 1, instr(a.step_name || '/', '/') - 1) AND later.item = a.item"                          \
        " AND later.attempt > a.attempt)"
/* The commands beside the steps are no steps: see step_name_is_helper. */
#define IS_STEP " instr(substr(a.step_name, 1, instr(a.step_name || '/', '/') - 1), ':') = 0"
#define ORDER " ORDER BY a.step_order, a.item, instr(a.step_name, '/') > 0, a.attempt, a.ordinal"
/* The page is found among rows that are not read whole: sorting those of a run of very many items takes far longer. */
#define PAGE(condition)                                                                                                \
        "SELECT " ATTEMPT_COLUMNS_WITH("a.",                                                                           \
                                       "NULL") " FROM attempts AS a WHERE a.rowid IN (SELECT a.rowid"                  \
                                               " FROM attempts AS a WHERE a.run_id = :run_id AND" condition ORDER      \
                                               " LIMIT :limit OFFSET :offset)" ORDER

static int list(sqlite3 *db, const char *sql, const struct question *question, const char *run_id,
                struct jval *(*to_json)(const struct attempt_record *record), struct jval *into, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code, r = history_prepare(db, sql, &statement, ret_error);

        if (r < 0)
                return r;
        history_bind_text(statement, ":run_id", run_id);
        history_bind_int(statement, ":limit", (int64_t)question->limit);
        history_bind_int(statement, ":offset", (int64_t)question->offset);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                _cleanup_(attempt_record_freep) struct attempt_record *record = attempt_record_from_row(statement);

                jval_add(into, to_json(record));
        }
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

static struct jval *attempt_json(const struct attempt_record *record) {
        struct jval *attempt = attempt_record_to_json(record);

        jval_remove(attempt, "output_log");
        return attempt;
}

/* Its latest attempt, with how many there were. */
static struct jval *step_json(const struct attempt_record *record) {
        struct jval *step = attempt_json(record);
        bool begun = record->started_at > 0;

        if (!begun && record->attempt == 1)
                jval_set_int(step, "attempt", 0);
        jval_set_int(step, "attempts", begun ? record->attempt : record->attempt - 1);
        return step;
}

/* Of all steps and items, whatever page they are on. */
static int count(sqlite3 *db, const char *run_id, struct jval *answer, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int64_t total = 0, completed = 0, failed = 0;
        int code,
                r = history_prepare(db,
                                    "SELECT a.status, count(*) FROM attempts AS a WHERE a.run_id = :run_id AND" IS_LAST
                                    " AND" IS_STEP " AND instr(a.step_name, '/') = 0 GROUP BY a.status",
                                    &statement, ret_error);

        if (r < 0)
                return r;
        history_bind_text(statement, ":run_id", run_id);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                enum step_status status = step_status_from_string(str_or(history_text_at(statement, 0), ""));
                int64_t n = sqlite3_column_int64(statement, 1);

                total += n;
                completed += (int)status >= 0 && step_status_is_final(status) ? n : 0;
                failed += status == STEP_FAILED ? n : 0;
        }
        if (code != SQLITE_DONE)
                return history_db_error(db, ret_error);
        jval_set_int(answer, "total", total);
        jval_set_int(answer, "completed", completed);
        jval_set_int(answer, "failed", failed);
        return 0;
}

int ask_run_page(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                 char **ret_error) {
        _cleanup_(run_record_freep) struct run_record *record = NULL;
        _cleanup_jval_ struct jval *answer = jval_object();
        struct jval *steps = jval_array(), *attempts = jval_array();
        int r = history_find_run(db, question->selector, NULL, &record, ret_error);

        jval_set(answer, "steps", steps);
        jval_set(answer, "attempts", attempts);
        if (r >= 0)
                r = list(db, PAGE(" a.started_at > 0"), question, record->run_id, attempt_json, attempts, ret_error);
        if (r >= 0)
                r = list(db, PAGE(IS_LAST " AND" IS_STEP), question, record->run_id, step_json, steps, ret_error);
        if (r >= 0)
                r = count(db, record->run_id, answer, ret_error);
        if (r >= 0 && question->offset == 0)
                r = history_add_children(db, record, answer, ret_error);
        if (r < 0)
                return r;
        jval_set(answer, "run", run_record_to_json(record));
        jval_set_int(answer, "last_seq", (int64_t)history_last_line(state_dir, record->run_id));
        *ret_answer = STEAL_PTR(answer);
        return 0;
}
