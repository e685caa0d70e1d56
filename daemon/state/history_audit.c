/* Who did what, on the reader's thread. */
#include <errno.h>
#include <string.h>

#include "history_internal.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

#define PARAMS_MAX ((size_t)16 * 1024)

static char *list_sql(const struct jval *asked, bool of_run) {
        struct buf sql = BUF_INIT(4096);

        (void)buf_append_str(
                &sql, "SELECT a.audit_id, a.at, a.uid, a.pid, a.user, a.on_behalf, a.method, a.params, a.outcome,"
                      " a.run_id, runs.run_number, runs.job FROM audit AS a"
                      " LEFT JOIN runs ON a.run_id <> '' AND runs.run_id = a.run_id WHERE 1");
        if (of_run)
                (void)buf_append_str(&sql, " AND a.run_id <> '' AND a.run_id = :run_id");
        if (jval_has(asked, "user"))
                (void)buf_append_str(&sql, " AND (a.user = :user OR a.on_behalf = :user)");
        if (jval_has(asked, "method"))
                (void)buf_append_str(&sql, " AND a.method = :method");
        if (jval_has(asked, "since"))
                (void)buf_append_str(&sql, " AND a.at >= :since");
        if (jval_has(asked, "until"))
                (void)buf_append_str(&sql, " AND a.at < :until");
        if (jval_has(asked, "before"))
                (void)buf_append_str(&sql, " AND a.audit_id < :before");
        (void)buf_append_str(&sql, " ORDER BY a.audit_id DESC LIMIT :limit");
        return buf_steal(&sql);
}

/* What the call was given, as JSON; longer ones are told by their beginning. */
static struct jval *params_of(const char *text) {
        struct jval *params = NULL;
        size_t len = text ? strlen(text) : 0;

        if (len > PARAMS_MAX)
                return jval_stringn(text, PARAMS_MAX);
        if (len == 0 || jval_parse(text, len, &params, NULL) < 0)
                return jval_null();
        return params;
}

static struct jval *entry_from_row(sqlite3_stmt *statement) {
        struct jval *entry = jval_object();

        jval_set_int(entry, "audit_id", sqlite3_column_int64(statement, 0));
        jval_set_time(entry, "at", (usec_t)sqlite3_column_int64(statement, 1));
        jval_set_str(entry, "user", history_text_at(statement, 4));
        jval_set_int(entry, "uid", sqlite3_column_int64(statement, 2));
        jval_set_int(entry, "pid", sqlite3_column_int64(statement, 3));
        jval_set_str(entry, "on_behalf", history_text_at(statement, 5));
        jval_set_str(entry, "method", history_text_at(statement, 6));
        jval_set(entry, "params", params_of(history_text_at(statement, 7)));
        jval_set_str(entry, "outcome", history_text_at(statement, 8));
        if (*str_or(history_text_at(statement, 9), ""))
                jval_set_str(entry, "run_id", history_text_at(statement, 9));
        if (sqlite3_column_int64(statement, 10) > 0)
                jval_set_int(entry, "run_number", sqlite3_column_int64(statement, 10));
        jval_set_str(entry, "job", history_text_at(statement, 11));
        return entry;
}

static void bind(sqlite3_stmt *statement, const struct jval *asked, const char *run_id, unsigned limit) {
        history_bind_text(statement, ":run_id", run_id);
        history_bind_text(statement, ":user", jval_get_str(asked, "user"));
        history_bind_text(statement, ":method", jval_get_str(asked, "method"));
        history_bind_int(statement, ":since", (int64_t)history_instant(asked, "since"));
        history_bind_int(statement, ":until", (int64_t)history_instant(asked, "until"));
        history_bind_int(statement, ":before", jval_get_int(asked, "before", 0));
        history_bind_int(statement, ":limit", (int64_t)limit + 1);
}

/* The rows of a page; *ret_next: the last one, where there are more. */
static int take_rows(sqlite3 *db, sqlite3_stmt *statement, unsigned limit, struct jval *entries, int64_t *ret_next,
                     char **ret_error) {
        int64_t last = 0;
        size_t total = 0;
        int code;

        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                if (jval_array_size(entries) == limit || total > HISTORY_LIST_BYTES) {
                        *ret_next = last;
                        return 0;
                }
                struct jval *entry = entry_from_row(statement);
                _cleanup_free_ char *text = jval_dump(entry);
                total += strlen(text);
                last = jval_get_int(entry, "audit_id", 0);
                jval_add(entries, entry);
        }
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

int ask_audit_list(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                   char **ret_error) {
        _cleanup_jval_ struct jval *asked = history_asked(question), *entries = jval_array();
        _cleanup_(run_record_freep) struct run_record *run = NULL;
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        unsigned limit = (unsigned)MIN(MAX(jval_get_int(asked, "limit", HISTORY_LIST_DEFAULT), 1), HISTORY_LIST_MAX);
        int64_t next = 0;
        int r = question->selector ? history_find_run(db, question->selector, NULL, &run, ret_error) : 0;

        if (r < 0)
                return r;
        _cleanup_free_ char *sql = list_sql(asked, run != NULL);
        r = history_prepare(db, sql, &statement, ret_error);
        if (r < 0)
                return r;
        bind(statement, asked, run ? run->run_id : NULL, limit);
        r = take_rows(db, statement, limit, entries, &next, ret_error);
        if (r < 0)
                return r;
        *ret_answer = jval_object();
        jval_set(*ret_answer, "entries", STEAL_PTR(entries));
        if (next > 0)
                jval_set_int(*ret_answer, "next", next);
        return 0;
}
