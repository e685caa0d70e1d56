/* Questions about one run, on the reader's thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errortext.h"
#include "history_internal.h"
#include "macro.h"
#include "rows.h"
#include "strutil.h"
#include "xalloc.h"

/* The one row of a query, or NULL. */
static int one_run(sqlite3 *db, sqlite3_stmt *statement, struct run_record **ret, char **ret_error) {
        int code = sqlite3_step(statement);

        if (code == SQLITE_ROW)
                *ret = run_record_from_row(statement);
        else if (code == SQLITE_DONE)
                *ret = NULL;
        else
                return history_db_error(db, ret_error);
        return 0;
}

static int find_by_prefix(sqlite3 *db, const char *prefix, struct run_record **ret, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_free_ char *lower = xstrdup(prefix);
        int r;

        for (char *c = lower; *c; c++)
                *c = (char)(*c >= 'A' && *c <= 'F' ? *c - 'A' + 'a' : *c);
        r = history_prepare(
                db, "SELECT " RUN_COLUMNS " FROM runs WHERE run_id >= :prefix AND run_id < :prefix || 'g' LIMIT 2",
                &statement, ret_error);
        if (r < 0)
                return r;
        history_bind_text(statement, ":prefix", lower);
        _cleanup_(run_record_freep) struct run_record *record = NULL;
        r = one_run(db, statement, &record, ret_error);
        if (r < 0)
                return r;
        if (!record)
                return error_set(ret_error, -ENOENT, "see batchctl history: no run has an id that begins with %s",
                                 prefix);
        if (sqlite3_step(statement) == SQLITE_ROW)
                return error_set(ret_error, -EINVAL, "several runs have ids that begin with %s: give more of it",
                                 prefix);
        *ret = STEAL_PTR(record);
        return 0;
}

static bool is_id_prefix(const char *text) {
        size_t len = strlen(text);

        return len >= 8 && len < UUID_SIZE && strspn(text, "0123456789abcdefABCDEF-") == len;
}

static int find_one(sqlite3 *db, const char *sql, int64_t number, const char *job, struct run_record **ret,
                    char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = history_prepare(db, sql, &statement, ret_error);

        if (r < 0)
                return r;
        history_bind_int(statement, ":number", number);
        history_bind_text(statement, ":job", job);
        return one_run(db, statement, ret, ret_error);
}

static int find_latest(sqlite3 *db, const char *job, struct run_record **ret, char **ret_error) {
        int r = find_one(db,
                         job ? "SELECT " RUN_COLUMNS
                               " FROM runs WHERE job = :job ORDER BY created_at DESC, run_number DESC LIMIT 1"
                             : "SELECT " RUN_COLUMNS " FROM runs ORDER BY run_number DESC LIMIT 1",
                         0, job, ret, ret_error);

        if (r >= 0 && !*ret)
                return error_set(ret_error, -ENOENT, job ? "no run of job %s yet" : "no run yet", job);
        return r;
}

int history_find_run(sqlite3 *db, const char *selector, const char *job, struct run_record **ret, char **ret_error) {
        struct run_record *record = NULL;
        int64_t number;
        int r;

        if (!selector || !*selector) {
                r = find_latest(db, job, &record, ret_error);
                if (r >= 0)
                        *ret = record;
                return r;
        }
        /* Eight digits may be the number of a run or the beginning of an id: the number wins where there is such a run.
         */
        if (parse_int64(selector, &number) >= 0) {
                r = find_one(db, "SELECT " RUN_COLUMNS " FROM runs WHERE run_number = :number", number, NULL, &record,
                             ret_error);
                if (r < 0)
                        return r;
                if (record) {
                        *ret = record;
                        return 0;
                }
        }
        if (is_id_prefix(selector))
                return find_by_prefix(db, selector, ret, ret_error);
        return error_set(
                ret_error, -ENOENT,
                "give a run's number, its id, or the first 8 or more digits of it (see batchctl history): there is no run %s",
                selector);
}

int ask_run_show(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                 char **ret_error) {
        _cleanup_(run_record_freep) struct run_record *record = NULL;
        int r = history_find_run(db, question->selector, question->job, &record, ret_error);

        (void)state_dir;
        if (r < 0)
                return r;
        *ret_answer = jval_object();
        jval_set(*ret_answer, "run", run_record_to_json(record));
        return 0;
}

int ask_request(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = history_prepare(
                db, "SELECT answer FROM requests WHERE request_id = :id AND uid = :uid AND created_at >= :since",
                &statement, ret_error);

        if (r < 0)
                return r;
        history_bind_text(statement, ":id", question->request_id);
        history_bind_int(statement, ":uid", question->uid);
        history_bind_int(statement, ":since", (int64_t)(now_realtime() - USEC_PER_DAY));
        int code = sqlite3_step(statement);
        if (code == SQLITE_DONE)
                return -ENOENT;
        if (code != SQLITE_ROW)
                return history_db_error(db, ret_error);
        struct jval *answer = jval_object();
        jval_set_str(answer, "answer", (const char *)sqlite3_column_text(statement, 0));
        *ret_answer = answer;
        return 0;
}

/* From one job to the next through the index, instead of over all runs. */
int ask_last_runs(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                  char **ret_error) {
        static const char sql[] =
                "WITH RECURSIVE jobs (name) AS (SELECT min(job) FROM runs UNION ALL"
                " SELECT (SELECT min(job) FROM runs WHERE job > jobs.name) FROM jobs WHERE jobs.name IS NOT NULL)"
                " SELECT " RUN_COLUMNS " FROM runs WHERE run_number IN (SELECT (SELECT run_number FROM runs"
                " WHERE job = jobs.name ORDER BY created_at DESC, run_number DESC LIMIT 1) FROM jobs"
                " WHERE name IS NOT NULL)";
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_jval_ struct jval *answer = jval_object();
        int code, r;

        r = history_prepare(db, sql, &statement, ret_error);
        if (r < 0)
                return r;
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                _cleanup_(run_record_freep) struct run_record *record = run_record_from_row(statement);
                jval_set(answer, record->job, run_record_to_json(record));
        }
        if (code != SQLITE_DONE)
                return history_db_error(db, ret_error);
        *ret_answer = STEAL_PTR(answer);
        return 0;
}
