/* Questions about runs, on the reader's thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errortext.h"
#include "history_internal.h"
#include "macro.h"
#include "rows.h"
#include "strutil.h"
#include "xalloc.h"

#define LIST_DEFAULT 50
#define LIST_MAX 1000
/* An answer has to fit into a frame of 1 MiB: what a list may take of it. */
#define ANSWER_MAX ((size_t)600 * 1024)

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

static void add_condition(struct buf *sql, bool wanted, const char *condition) {
        if (wanted)
                (void)buf_append_str(sql, condition);
}

/* Newest first: by created_at, then by number. Each filter has an index that ends in created_at; run_types comes first
 * in a join, since it is the narrower one. */
static char *list_sql(const struct run_filter *filter, bool has_params) {
        struct buf sql = BUF_INIT(8192);
        const char *order = filter->type ? "t" : "runs";

        (void)buf_append_str(&sql, "SELECT " RUN_COLUMNS_OF("runs.") " FROM ");
        (void)buf_append_str(&sql, filter->type ? "run_types AS t CROSS JOIN runs ON runs.run_number = t.run_number"
                                                  " WHERE t.batch_type = :type"
                                                : "runs WHERE 1");
        add_condition(&sql, filter->job, " AND job = :job");
        add_condition(&sql, filter->mode, " AND batch_mode = :mode");
        add_condition(&sql, filter->status, " AND status = :status");
        add_condition(&sql, filter->triggered_by, " AND triggered_by = :triggered_by");
        if (filter->since > 0)
                (void)buf_appendf(&sql, " AND %s.created_at >= :since", order);
        if (filter->until > 0)
                (void)buf_appendf(&sql, " AND %s.created_at < :until", order);
        if (filter->before > 0)
                (void)buf_appendf(&sql, " AND (%s.created_at, %s.run_number) < (:before_at, :before)", order, order);
        /* A member given as text or as a number is the same parameter. */
        add_condition(&sql, has_params,
                      " AND NOT EXISTS (SELECT 1 FROM json_each(:params) AS wanted WHERE NOT EXISTS"
                      " (SELECT 1 FROM json_each(runs.parameters) AS own WHERE own.key = wanted.key"
                      " AND CAST(own.atom AS TEXT) = CAST(wanted.atom AS TEXT)))");
        (void)buf_appendf(&sql, " ORDER BY %s.created_at DESC, %s.run_number DESC LIMIT :limit", order, order);
        return buf_steal(&sql);
}

/* When the run `before` (or the one below that number) was created: the place in the order. */
static int find_place(sqlite3 *db, int64_t before, int64_t *ret_at, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = history_prepare(
                db, "SELECT created_at FROM runs WHERE run_number <= :before ORDER BY run_number DESC LIMIT 1",
                &statement, ret_error);

        if (r < 0)
                return r;
        history_bind_int(statement, ":before", before);
        *ret_at = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
        return 0;
}

static void bind_filter(sqlite3_stmt *statement, const struct question *question, int64_t before_at, unsigned limit) {
        const struct run_filter *filter = &question->filter;

        history_bind_text(statement, ":job", filter->job);
        history_bind_text(statement, ":type", filter->type);
        history_bind_text(statement, ":mode", filter->mode);
        history_bind_text(statement, ":status", filter->status);
        history_bind_text(statement, ":triggered_by", filter->triggered_by);
        history_bind_int(statement, ":since", (int64_t)filter->since);
        history_bind_int(statement, ":until", (int64_t)filter->until);
        history_bind_text(statement, ":params", question->params_text);
        history_bind_int(statement, ":before_at", before_at);
        history_bind_int(statement, ":before", filter->before);
        history_bind_int(statement, ":limit", (int64_t)limit + 1);
}

/* About what the run takes in the answer. */
static size_t weight(const struct jval *run) {
        _cleanup_free_ char *text = jval_dump(run);

        return strlen(text);
}

int ask_run_list(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                 char **ret_error) {
        unsigned limit = question->filter.limit ? MIN(question->filter.limit, (unsigned)LIST_MAX) : LIST_DEFAULT;
        _cleanup_free_ char *sql = list_sql(&question->filter, question->params_text != NULL);
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_jval_ struct jval *runs = jval_array();
        int64_t last = 0, next = 0, before_at = 0;
        size_t total = 0;
        int code, r = 0;

        if (question->filter.before > 0)
                r = find_place(db, question->filter.before, &before_at, ret_error);
        if (r >= 0)
                r = history_prepare(db, sql, &statement, ret_error);
        if (r < 0)
                return r;
        bind_filter(statement, question, before_at, limit);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                if (jval_array_size(runs) == limit || total > ANSWER_MAX) {
                        next = last;
                        break;
                }
                _cleanup_(run_record_freep) struct run_record *record = run_record_from_row(statement);
                struct jval *run = run_record_to_json(record);
                total += weight(run);
                jval_add(runs, run);
                last = record->run_number;
        }
        if (code != SQLITE_ROW && code != SQLITE_DONE)
                return history_db_error(db, ret_error);
        struct jval *answer = jval_object();
        jval_set(answer, "runs", STEAL_PTR(runs));
        if (next > 0)
                jval_set_int(answer, "next", next);
        *ret_answer = answer;
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
                return error_set(ret_error, -ENOENT, "no run has an id that begins with %s; see: batchctl history",
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
                "there is no run %s: give a run's number, its id, or the first 8 or more digits of it; see: batchctl history",
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
