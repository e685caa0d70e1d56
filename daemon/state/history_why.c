/* What the record tells of why a run ended as it did, and of what became of a job's due times; on the reader's thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history_failures.h"
#include "history_internal.h"
#include "macro.h"
#include "rollup.h"
#include "rows.h"
#include "strutil.h"
#include "why_record.h"
#include "xalloc.h"

#define CHILDREN_SHOWN 5
#define DUE_TIMES_SHOWN 5
/* The run to compare with is looked for among so many before it, who ended a run among so many entries of the audit. */
#define COMPARED_AMONG 500
#define AUDIT_AMONG 2000

/* The latest run before this one, of its job and mode, that did all of its work; where this one did not even do a part
 * of it, one that did so will do. *ret NULL: none. */
static int find_success(sqlite3 *db, const struct run_record *run, struct run_record **ret, char **ret_error) {
        static const char sql[] =
                "SELECT " RUN_COLUMNS
                " FROM runs WHERE run_number = (SELECT run_number FROM (SELECT run_number, status,"
                " batch_mode, created_at, options FROM runs WHERE job = :job AND created_at < :created ORDER BY created_at DESC"
                " LIMIT :among) WHERE (status = 'success' OR (:partial AND status = 'partial')) AND batch_mode IS :mode"
                " AND NOT " RUN_IS_BACKFILL " ORDER BY created_at DESC LIMIT 1)";
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code, r = history_prepare(db, sql, &statement, ret_error);

        if (r < 0)
                return r;
        history_bind_text(statement, ":job", run->job);
        history_bind_text(statement, ":mode", run->batch_mode);
        history_bind_int(statement, ":created", (int64_t)run->created_at);
        history_bind_int(statement, ":among", COMPARED_AMONG);
        history_bind_int(statement, ":partial", run->status != RUN_PARTIAL);
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
                *ret = run_record_from_row(statement);
        return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

/* NULL: they are not kept any more. */
static char *sources_of(sqlite3 *db, const struct run_record *run) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;

        if (!run->definition_hash ||
            history_prepare(db, "SELECT value FROM settings WHERE key = 'definition/' || :hash", &statement, NULL) < 0)
                return NULL;
        history_bind_text(statement, ":hash", run->definition_hash);
        return sqlite3_step(statement) == SQLITE_ROW ? xstrdup_or_null(history_text_at(statement, 0)) : NULL;
}

static void set_comparison(struct jval *answer, const struct run_record *success, struct jval *changes) {
        struct jval *last = jval_object();

        jval_set_int(last, "run_number", success->run_number);
        jval_set_str(last, "run_id", success->run_id);
        jval_set_str(last, "status", run_status_to_string(success->status));
        jval_set_time(last, "completed_at", success->completed_at);
        jval_set(answer, "last_success", last);
        jval_set(answer, "changes", changes);
}

static int compare(sqlite3 *db, const struct run_record *run, const struct run_look *look, struct jval *answer,
                   char **ret_error) {
        _cleanup_(run_record_freep) struct run_record *success = NULL;
        _cleanup_(run_look_done) struct run_look before = {0};
        _cleanup_free_ char *sources = NULL, *sources_before = NULL;
        int r = find_success(db, run, &success, ret_error);

        jval_set(answer, "last_success", jval_null());
        jval_set(answer, "changes", jval_array());
        if (r < 0 || !success)
                return r;
        r = run_look_at(db, success->run_id, &before, ret_error);
        if (r < 0)
                return r;
        sources = sources_of(db, run);
        sources_before = sources_of(db, success);
        set_comparison(answer, success,
                       why_changes(&(struct why_run){run, &look->rollup, sources},
                                   &(struct why_run){success, &before.rollup, sources_before}));
        return 0;
}

/* {at, user, on_behalf, reason}: who asked for the end of the run; null when that is not known. */
static int set_ended_by(sqlite3 *db, const struct run_record *run, struct jval *answer, char **ret_error) {
        static const char sql[] = "SELECT at, user, on_behalf, json_extract(params, '$.reason') FROM audit"
                                  " WHERE audit_id > (SELECT max(audit_id) FROM audit) - :among AND run_id = :run_id"
                                  " AND method = 'run.cancel' ORDER BY audit_id DESC LIMIT 1";
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        struct jval *by;
        int code, r;

        jval_set(answer, "ended_by", jval_null());
        if (run->reason != REASON_REQUEST)
                return 0;
        r = history_prepare(db, sql, &statement, ret_error);
        if (r < 0)
                return r;
        history_bind_int(statement, ":among", AUDIT_AMONG);
        history_bind_text(statement, ":run_id", run->run_id);
        code = sqlite3_step(statement);
        if (code != SQLITE_ROW)
                return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
        by = jval_object();
        jval_set_time(by, "at", (usec_t)sqlite3_column_int64(statement, 0));
        jval_set_str(by, "user", history_text_at(statement, 1));
        jval_set_str(by, "on_behalf", history_text_at(statement, 2));
        jval_set_str(by, "reason", history_text_at(statement, 3));
        jval_set(answer, "ended_by", by);
        return 0;
}

/* What the job's Condition= said last, of a run that it skipped. */
static int set_condition(sqlite3 *db, const struct run_record *run, struct jval *answer, char **ret_error) {
        struct attempt_record condition = {.step_name = xstrdup(":condition"), .item = xstrdup(""), .attempt = 1};
        struct jval *told = NULL, *lines;
        int r = 0;

        memcpy(condition.run_id, run->run_id, sizeof(condition.run_id));
        jval_set(answer, "condition_said", jval_null());
        if (run->status == RUN_SKIPPED && run->reason == REASON_CONDITION)
                r = run_look_read_output(db, &condition, ret_error);
        if (condition.output_log) {
                told = why_failure(&condition);
                lines = jval_get(told, "lines");
                if (jval_array_size(lines) > 0)
                        jval_set(answer, "condition_said", jval_ref(jval_at(lines, jval_array_size(lines) - 1)));
        }
        (void)jval_unref(told);
        attempt_record_done(&condition);
        return r;
}

/* The runs of a backfill that did not succeed. */
static int set_children(sqlite3 *db, const struct run_record *run, struct jval *answer, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        struct jval *children = jval_array();
        int code, r;

        jval_set(answer, "children", children);
        r = history_prepare(db,
                            "SELECT " RUN_COLUMNS " FROM runs WHERE parent_run_id = :run_id"
                            " AND status IN ('failed', 'partial', 'cancelled') ORDER BY run_number LIMIT :limit",
                            &statement, ret_error);
        if (r < 0)
                return r;
        history_bind_text(statement, ":run_id", run->run_id);
        history_bind_int(statement, ":limit", CHILDREN_SHOWN);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                _cleanup_(run_record_freep) struct run_record *child = run_record_from_row(statement);

                jval_add(children, run_record_to_json(child));
        }
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

/* The latest records of due times of the job, the latest first. */
static int set_due_times(sqlite3 *db, const char *job, struct jval *answer, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        struct jval *list = jval_array();
        int code, r;

        jval_set(answer, "due_times", list);
        r = history_prepare(db,
                            "SELECT due_at, outcome, reason, run_number FROM due_times WHERE job = :job"
                            " ORDER BY due_at DESC LIMIT :limit",
                            &statement, ret_error);
        if (r < 0)
                return r;
        history_bind_text(statement, ":job", job);
        history_bind_int(statement, ":limit", DUE_TIMES_SHOWN);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                struct jval *due = jval_object();

                jval_set_time(due, "due_at", (usec_t)sqlite3_column_int64(statement, 0));
                jval_set_str(due, "outcome", history_text_at(statement, 1));
                jval_set_str(due, "reason", history_text_at(statement, 2));
                if (sqlite3_column_type(statement, 3) != SQLITE_NULL)
                        jval_set_int(due, "run_number", sqlite3_column_int64(statement, 3));
                jval_add(list, due);
        }
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

static int tell_run(sqlite3 *db, const struct run_record *run, struct jval *answer, char **ret_error) {
        _cleanup_(run_look_done) struct run_look look = {0};
        int r = run_look_at(db, run->run_id, &look, ret_error);

        if (r >= 0)
                r = run_look_tell(db, &look, answer, ret_error);
        if (r >= 0)
                r = compare(db, run, &look, answer, ret_error);
        if (r >= 0)
                r = set_ended_by(db, run, answer, ret_error);
        if (r >= 0)
                r = set_condition(db, run, answer, ret_error);
        if (r >= 0)
                r = set_children(db, run, answer, ret_error);
        jval_set(answer, "run", run_record_to_json(run));
        return r;
}

int ask_run_why(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                char **ret_error) {
        _cleanup_(run_record_freep) struct run_record *run = NULL;
        _cleanup_jval_ struct jval *answer = jval_object();
        _cleanup_free_ char *no_run = NULL;
        int r = history_find_run(db, question->selector, question->job, &run, &no_run);

        (void)state_dir;
        /* Of a job that never ran there is something to be told, too. */
        if (r == -ENOENT && question->job && !question->selector)
                r = 0;
        else if (r < 0)
                *ret_error = STEAL_PTR(no_run);
        if (r >= 0 && run)
                r = tell_run(db, run, answer, ret_error);
        if (r >= 0)
                r = set_due_times(db, run ? run->job : question->job, answer, ret_error);
        if (r < 0)
                return r;
        *ret_answer = STEAL_PTR(answer);
        return 0;
}
