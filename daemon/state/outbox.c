#include "outbox.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "errortext.h"
#include "history_internal.h"
#include "store_internal.h"
#include "strutil.h"
#include "xalloc.h"

#define TEXT_MAX ((size_t)4 * 1024 * 1024)
#define ROW_MAX ((size_t)8 * 1024 * 1024) /* of one row: text, and as much again of escapes */

const char outbox_run_columns[] =
        "run_id, run_number, job, batch_type, batch_mode, triggered_by, triggered_by_user, status, reason, created_at, started_at, "
        "completed_at, duration_seconds, error_message, parameters, metrics, warnings, notes, retry_of, parent_run_id, due_at, "
        "definition_hash, version, host, instance";
const char outbox_attempt_columns[] =
        "batch_run_id, step_name, item, attempt, step_order, status, reason, created_at, started_at, completed_at, updated_at, "
        "duration_seconds, records_processed, exit_status, signal_number, error_message, output_log, metrics, metadata, "
        "processes_ended, version";
const char outbox_audit_columns[] =
        "audit_id, at, uid, pid, user_name, on_behalf, method, params, outcome, run_id, host, instance";

const char outbox_due_columns[] =
        "job, due_at, due_until, due_count, outcome, reason, run_id, run_number, decided_at, version, host, instance";

#define WAITS(t) t ".version > " t ".mirrored AND " t ".version > " t ".parked"

/* How a column goes into the line. */
enum format { FORMAT_TEXT, FORMAT_INTEGER, FORMAT_TIME, FORMAT_DURATION, FORMAT_OPTIONAL, FORMAT_SIGNAL };

/* The query's first columns are rowid, version and label; those of the line follow. */
#define FIRST_COLUMN 3

/* Macros in SQL are beyond clang-format. */
/* clang-format off */
static const char runs_sql[] =
        "SELECT r.run_number, r.version, 'run ' || r.run_number || ' (' || r.job || ')', r.run_id, r.run_number, r.job, r.batch_type,"
        " r.batch_mode, r.triggered_by, r.triggered_by_user, r.status, r.reason, r.created_at, r.started_at, r.completed_at,"
        " r.duration_usec, r.error_message, r.parameters, r.metrics, r.warnings, r.notes, r.retry_of, r.parent_run_id, r.due_at,"
        " r.definition_hash, r.version, r.waiting_since FROM runs AS r WHERE " WAITS("r") " ORDER BY r.waiting_since LIMIT ?1";
static const char runs_formats[] = {FORMAT_TEXT, FORMAT_INTEGER, FORMAT_TEXT, FORMAT_TEXT, FORMAT_TEXT, FORMAT_TEXT,
                                    FORMAT_TEXT, FORMAT_TEXT,    FORMAT_TEXT, FORMAT_TIME, FORMAT_TIME, FORMAT_TIME,
                                    FORMAT_DURATION, FORMAT_TEXT, FORMAT_TEXT, FORMAT_TEXT, FORMAT_TEXT, FORMAT_TEXT,
                                    FORMAT_TEXT, FORMAT_TEXT,    FORMAT_TIME, FORMAT_TEXT, FORMAT_INTEGER};

/* Only of runs that are in PostgreSQL, or go there in the same transaction: those that began to wait before ?2. */
static const char attempts_sql[] =
        "SELECT a.rowid, a.version, 'step ' || a.step_name || iif(a.item = '', '', ' item ' || a.item) || ' of run ' || r.run_number"
        " || ' (attempt ' || a.attempt || ')', a.run_id, a.step_name, a.item, a.attempt, a.step_order, a.status, a.reason,"
        " a.created_at, a.started_at, a.completed_at, a.updated_at, a.duration_usec, a.records_processed, a.exit_status,"
        " a.signal_number, a.error_message, a.output_log, a.metrics, a.metadata, a.processes_ended, a.version"
        " FROM attempts AS a JOIN runs AS r ON r.run_id = a.run_id"
        " WHERE " WAITS("a") " AND (r.mirrored > 0 OR (r.waiting_since < ?2 AND r.version > r.parked))"
        " ORDER BY a.waiting_since LIMIT ?1";
static const char attempts_formats[] = {FORMAT_TEXT,     FORMAT_TEXT,     FORMAT_TEXT,     FORMAT_INTEGER, FORMAT_INTEGER,
                                        FORMAT_TEXT,     FORMAT_TEXT,     FORMAT_TIME,     FORMAT_TIME,    FORMAT_TIME,
                                        FORMAT_TIME,     FORMAT_DURATION, FORMAT_OPTIONAL, FORMAT_OPTIONAL, FORMAT_SIGNAL,
                                        FORMAT_TEXT,     FORMAT_TEXT,     FORMAT_TEXT,     FORMAT_TEXT,    FORMAT_INTEGER,
                                        FORMAT_INTEGER};

static const char audit_sql[] =
        "SELECT t.audit_id, t.version, 'audit entry ' || t.audit_id, t.audit_id, t.at, t.uid, t.pid, t.user, t.on_behalf, t.method,"
        " t.params, t.outcome, t.run_id FROM audit AS t WHERE " WAITS("t") " ORDER BY t.waiting_since LIMIT ?1";
static const char audit_formats[] = {FORMAT_INTEGER, FORMAT_TIME, FORMAT_INTEGER, FORMAT_INTEGER, FORMAT_TEXT,
                                     FORMAT_TEXT,    FORMAT_TEXT, FORMAT_TEXT,    FORMAT_TEXT,    FORMAT_TEXT};

static const char due_sql[] =
        "SELECT d.due_id, d.version, 'due time ' || d.due_id || ' of ' || d.job, d.job, d.due_at, d.due_until, d.due_count, d.outcome,"
        " d.reason, d.run_id, d.run_number, d.decided_at, d.version FROM due_times AS d WHERE " WAITS(
                "d") " ORDER BY d.waiting_since LIMIT ?1";
static const char due_formats[] = {FORMAT_TEXT, FORMAT_TIME, FORMAT_TIME,    FORMAT_INTEGER, FORMAT_TEXT,
                                   FORMAT_TEXT, FORMAT_TEXT, FORMAT_INTEGER, FORMAT_TIME,    FORMAT_INTEGER};

static const struct source {
        enum outbox_table table;
        const char *sql;
        const char *formats;
        size_t n_formats;
        int waiting_since; /* column of it, or 0 */
        bool has_origin;   /* host and instance follow */
} sources[_OUTBOX_MAX] = {
        {OUTBOX_RUNS, runs_sql, runs_formats, sizeof(runs_formats), FIRST_COLUMN + (int)sizeof(runs_formats), true},
        {OUTBOX_ATTEMPTS, attempts_sql, attempts_formats, sizeof(attempts_formats), 0, false},
        {OUTBOX_AUDIT, audit_sql, audit_formats, sizeof(audit_formats), 0, true},
        {OUTBOX_DUE, due_sql, due_formats, sizeof(due_formats), 0, true},
};

static const char state_sql[] =
        "SELECT (SELECT count(*) FROM runs AS r WHERE " WAITS("r") ") + (SELECT count(*) FROM attempts AS a WHERE " WAITS("a") ")"
        " + (SELECT count(*) FROM audit AS t WHERE " WAITS("t") ") + (SELECT count(*) FROM due_times AS d WHERE " WAITS("d") "),"
        " (SELECT count(*) FROM runs WHERE version <= parked) + (SELECT count(*) FROM attempts WHERE version <= parked)"
        " + (SELECT count(*) FROM audit WHERE version <= parked)"
        " + (SELECT count(*) FROM due_times WHERE version <= parked),"
        " (SELECT min(since) FROM (SELECT min(waiting_since) AS since FROM runs AS r WHERE " WAITS("r")
        "  UNION ALL SELECT min(waiting_since) FROM attempts AS a WHERE " WAITS("a")
        "  UNION ALL SELECT min(waiting_since) FROM audit AS t WHERE " WAITS("t")
        "  UNION ALL SELECT min(waiting_since) FROM due_times AS d WHERE " WAITS("d") ")),"
        " (SELECT CAST(value AS INTEGER) FROM settings WHERE key = 'mirror_acknowledged'),"
        " coalesce((SELECT park_error FROM runs WHERE version <= parked ORDER BY run_number DESC LIMIT 1),"
        "  (SELECT park_error FROM attempts WHERE version <= parked LIMIT 1),"
        "  (SELECT park_error FROM audit WHERE version <= parked ORDER BY audit_id DESC LIMIT 1),"
        "  (SELECT park_error FROM due_times WHERE version <= parked ORDER BY due_id DESC LIMIT 1))";
/* clang-format on */

struct outbox_task {
        struct reader_task task;
        const char *host, *instance;
        unsigned limit;
        outbox_fn fn;
        void *user;
        int error;
        char *error_text;
        struct outbox_rows *rows;
};

struct outbox_rows *outbox_rows_free(struct outbox_rows *rows) {
        if (!rows)
                return NULL;
        for (size_t i = 0; i < rows->count; i++)
                free(rows->rows[i].label);
        free(rows->rows);
        free(rows->parked_error);
        buf_done(&rows->text);
        free(rows);
        return NULL;
}

/* As COPY's text format wants it (PostgreSQL manual, COPY, "Text Format"). */
static int append_escaped(struct buf *buf, const char *text, size_t len) {
        char *out = buf_reserve(buf, 2 * len);
        size_t n = 0;

        if (!out)
                return -E2BIG;
        for (size_t i = 0; i < len; i++) {
                char c = text[i], escape = 0;
                if (c == '\\')
                        escape = '\\';
                else if (c == '\n')
                        escape = 'n';
                else if (c == '\r')
                        escape = 'r';
                else if (c == '\t')
                        escape = 't';
                if (escape) {
                        out[n++] = '\\';
                        c = escape;
                }
                out[n++] = c;
        }
        buf_commit(buf, n);
        return 0;
}

static int append_column(struct buf *buf, sqlite3_stmt *statement, int column, enum format format) {
        char stamp[RFC3339_SIZE];
        int64_t number;

        if (sqlite3_column_type(statement, column) == SQLITE_NULL)
                return buf_append_str(buf, "\\N");
        switch (format) {
        case FORMAT_TEXT:
                return append_escaped(buf, (const char *)sqlite3_column_text(statement, column),
                                      (size_t)sqlite3_column_bytes(statement, column));
        case FORMAT_INTEGER:
                return buf_appendf(buf, "%lld", (long long)sqlite3_column_int64(statement, column));
        case FORMAT_TIME:
                number = sqlite3_column_int64(statement, column);
                return buf_append_str(buf, number > 0 ? format_rfc3339(stamp, (usec_t)number) : "\\N");
        case FORMAT_DURATION:
                number = sqlite3_column_int64(statement, column);
                if (number < 0)
                        return buf_append_str(buf, "\\N");
                return buf_appendf(buf, "%lld.%06lld", (long long)(number / 1000000), (long long)(number % 1000000));
        case FORMAT_OPTIONAL:
                number = sqlite3_column_int64(statement, column);
                return number < 0 ? buf_append_str(buf, "\\N") : buf_appendf(buf, "%lld", (long long)number);
        case FORMAT_SIGNAL:
                number = sqlite3_column_int64(statement, column);
                return number == 0 ? buf_append_str(buf, "\\N") : buf_appendf(buf, "%lld", (long long)number);
        }
        return -EINVAL;
}

static int append_line(struct buf *buf, sqlite3_stmt *statement, const struct source *source,
                       const struct outbox_task *task) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < source->n_formats; i++) {
                if (i > 0)
                        r = buf_append_char(buf, '\t');
                if (r >= 0)
                        r = append_column(buf, statement, FIRST_COLUMN + (int)i, (enum format)source->formats[i]);
        }
        if (r >= 0 && source->has_origin) {
                r = buf_append_char(buf, '\t');
                if (r >= 0)
                        r = append_escaped(buf, task->host, strlen(task->host));
                if (r >= 0)
                        r = buf_appendf(buf, "\t%s", task->instance);
        }
        return r < 0 ? r : buf_append_char(buf, '\n');
}

/* The rows of one table. *newest_run: the attempts of runs that began to wait before it may go along. */
static int read_source(const struct source *source, sqlite3 *db, struct outbox_task *task, int64_t *newest_run,
                       char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        struct outbox_rows *rows = task->rows;
        int64_t room = (int64_t)task->limit - (int64_t)rows->count;
        int64_t last_since = 0, boundary = INT64_MAX;
        int code, r;

        r = history_prepare(db, source->sql, &statement, ret_error);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(statement, 1, MAX(room, (int64_t)0) + 1); /* one more, to know whether there is more */
        if (source->table == OUTBOX_ATTEMPTS)
                (void)sqlite3_bind_int64(statement, 2, *newest_run);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                if (source->waiting_since > 0)
                        last_since = sqlite3_column_int64(statement, source->waiting_since);
                if (rows->count >= task->limit || rows->text.len > TEXT_MAX) {
                        rows->more = true;
                        boundary = last_since;
                        break;
                }
                size_t offset = rows->text.len;
                r = append_line(&rows->text, statement, source, task);
                if (r < 0)
                        return error_set(ret_error, r, "a row of %s is too large", sqlite3_db_filename(db, "main"));
                GROW(rows->rows, rows->count, rows->capacity);
                rows->rows[rows->count++] = (struct outbox_row){
                        .key = {source->table, sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1)},
                        .label = xstrdup(str_or((const char *)sqlite3_column_text(statement, 2), "row")),
                        .offset = offset,
                        .len = rows->text.len - offset,
                };
        }
        if (source->table == OUTBOX_RUNS)
                *newest_run = boundary;
        return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

static int read_state(sqlite3 *db, struct outbox_rows *rows, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = history_prepare(db, state_sql, &statement, ret_error);

        if (r < 0)
                return r;
        if (sqlite3_step(statement) != SQLITE_ROW)
                return history_db_error(db, ret_error);
        rows->waiting = sqlite3_column_int64(statement, 0);
        rows->parked = sqlite3_column_int64(statement, 1);
        rows->oldest = (usec_t)sqlite3_column_int64(statement, 2);
        rows->acknowledged = sqlite3_column_int64(statement, 3);
        rows->parked_error = xstrdup_or_null((const char *)sqlite3_column_text(statement, 4));
        return 0;
}

static int read_all(sqlite3 *db, struct outbox_task *task, char **ret_error) {
        int64_t newest_run = INT64_MAX;
        int r = read_state(db, task->rows, ret_error);

        for (size_t i = 0; r >= 0 && task->limit > 0 && i < ELEMENTSOF(sources); i++)
                r = read_source(&sources[i], db, task, &newest_run, ret_error);
        return r;
}

/* One snapshot for all of it: an attempt never shows up without the run that it belongs to. */
static bool outbox_work(struct reader_task *reader_task, sqlite3 *db, const char *state_dir) {
        struct outbox_task *task = CONTAINER_OF(reader_task, struct outbox_task, task);

        task->rows = NEW(struct outbox_rows);
        task->rows->text = BUF_INIT(TEXT_MAX + ROW_MAX);
        if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
                task->error = history_db_error(db, &task->error_text);
        else {
                task->error = read_all(db, task, &task->error_text);
                (void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
        }
        if (task->error < 0)
                task->rows = outbox_rows_free(task->rows);
        return true;
}

static void outbox_task_free(struct reader_task *reader_task) {
        struct outbox_task *task = CONTAINER_OF(reader_task, struct outbox_task, task);

        task->rows = outbox_rows_free(task->rows);
        free(task->error_text);
        free(task);
}

static void outbox_release(struct reader_task *reader_task) {
        struct outbox_task *task = CONTAINER_OF(reader_task, struct outbox_task, task);

        task->fn(-ECANCELED, NULL, NULL, task->user);
        outbox_task_free(reader_task);
}

static void outbox_answered(struct reader_task *reader_task) {
        struct outbox_task *task = CONTAINER_OF(reader_task, struct outbox_task, task);

        task->fn(task->error, task->error_text, STEAL_PTR(task->rows), task->user);
        outbox_task_free(reader_task);
}

int outbox_read(struct store *store, const char *host, unsigned limit, outbox_fn fn, void *user) {
        struct outbox_task *task = NEW(struct outbox_task);

        *task = (struct outbox_task){
                .task = {.work = outbox_work, .done = outbox_answered, .release = outbox_release},
                .host = host,
                .instance = store_instance(store),
                .limit = limit,
                .fn = fn,
                .user = user,
        };
        int r = reader_submit(store_reader(store), &task->task);
        if (r < 0)
                outbox_task_free(&task->task);
        return r;
}
