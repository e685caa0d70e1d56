/* What a starting daemon takes from state.db, with a connection of its own: the loop does not run yet. */
#include <errno.h>

#include "cleanup.h"
#include "errortext.h"
#include "rows.h"
#include "schema.h"
#include "store.h"
#include "strutil.h"
#include "xalloc.h"

static const char active_runs[] =
        "SELECT " RUN_COLUMNS " FROM runs WHERE status IN ('queued', 'running') ORDER BY run_number";
static const char active_attempts[] =
        "SELECT " ATTEMPT_COLUMNS
        " FROM attempts WHERE run_id IN (SELECT run_id FROM runs WHERE status IN ('queued', 'running'))"
        " ORDER BY run_id, ordinal";

static int broken(sqlite3 *db, const struct store *store, char **ret_error) {
        return error_set(ret_error, -EIO, "cannot read %s: %s", store_path(store), sqlite3_errmsg(db));
}

static int load_runs(sqlite3 *db, void (*run)(const struct run_record *record, void *user), void *user) {
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(db, active_runs, -1, &statement, NULL);

        while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
                _cleanup_(run_record_freep) struct run_record *record = run_record_from_row(statement);
                run(record, user);
                code = SQLITE_OK;
        }
        (void)sqlite3_finalize(statement);
        return code;
}

static int load_attempts(sqlite3 *db, void (*attempt)(const struct attempt_record *record, void *user), void *user) {
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(db, active_attempts, -1, &statement, NULL);

        while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
                _cleanup_(attempt_record_freep) struct attempt_record *record = attempt_record_from_row(statement);
                attempt(record, user);
                code = SQLITE_OK;
        }
        (void)sqlite3_finalize(statement);
        return code;
}

int store_load_active(struct store *store, void (*run)(const struct run_record *record, void *user),
                      void (*attempt)(const struct attempt_record *record, void *user), void *user, char **ret_error) {
        sqlite3 *db;
        int r = schema_open_reader(&db, store_path(store), ret_error);

        if (r < 0)
                return r;
        if (load_runs(db, run, user) != SQLITE_DONE || load_attempts(db, attempt, user) != SQLITE_DONE)
                r = broken(db, store, ret_error);
        (void)sqlite3_close(db);
        return r;
}

int store_load_children(struct store *store, const char *parent_run_id,
                        void (*child)(const struct run_record *record, void *user), void *user) {
        static const char sql[] = "SELECT " RUN_COLUMNS " FROM runs WHERE parent_run_id = ? ORDER BY run_number";
        sqlite3_stmt *statement = NULL;
        sqlite3 *db;
        int code, r = schema_open_reader(&db, store_path(store), NULL);

        if (r < 0)
                return r;
        code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_bind_text(statement, 1, parent_run_id, -1, SQLITE_STATIC);
        while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
                _cleanup_(run_record_freep) struct run_record *record = run_record_from_row(statement);
                child(record, user);
                code = SQLITE_OK;
        }
        (void)sqlite3_finalize(statement);
        (void)sqlite3_close(db);
        return code == SQLITE_DONE ? 0 : -EIO;
}

/* Attempts get their numbers in the order in which they are first written, but for those of one pass: the newest rows
 * hold the greatest. */
int store_load_counters(struct store *store, int64_t *ret_next_run_number, int64_t *ret_next_attempt_number) {
        static const char sql[] =
                "SELECT (SELECT coalesce(max(run_number), 0) FROM runs) + 1,"
                " (SELECT coalesce(max(number), 0) FROM (SELECT number FROM attempts ORDER BY rowid DESC LIMIT 10000)) + 1";
        sqlite3_stmt *statement = NULL;
        sqlite3 *db;
        int r = schema_open_reader(&db, store_path(store), NULL);

        if (r < 0)
                return r;
        if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
                *ret_next_run_number = sqlite3_column_int64(statement, 0);
                *ret_next_attempt_number = sqlite3_column_int64(statement, 1);
        } else
                r = -EIO;
        (void)sqlite3_finalize(statement);
        (void)sqlite3_close(db);
        return r;
}

int store_load_settings(struct store *store, const char *prefix, usec_t until,
                        void (*setting)(const char *name, const char *value, usec_t last_due, void *user), void *user) {
        static const char sql[] =
                "SELECT substr(key, length(?1) + 1) AS name, value, (SELECT max(coalesce(due_until, due_at), due_at) FROM"
                " due_times WHERE job = substr(key, length(?1) + 1) AND due_at <= ?2 ORDER BY due_at DESC LIMIT 1)"
                " FROM settings WHERE key > ?1 AND key < ?1 || char(0x10FFFF) ORDER BY key";
        sqlite3_stmt *statement = NULL;
        sqlite3 *db;
        int code, r = schema_open_reader(&db, store_path(store), NULL);

        if (r < 0)
                return r;
        code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_bind_text(statement, 1, prefix, -1, SQLITE_STATIC);
        if (code == SQLITE_OK)
                code = sqlite3_bind_int64(statement, 2, (int64_t)until);
        while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
                setting(str_or((const char *)sqlite3_column_text(statement, 0), ""),
                        str_or((const char *)sqlite3_column_text(statement, 1), ""),
                        (usec_t)sqlite3_column_int64(statement, 2), user);
                code = SQLITE_OK;
        }
        (void)sqlite3_finalize(statement);
        (void)sqlite3_close(db);
        return code == SQLITE_DONE ? 0 : -EIO;
}

int store_load_setting(struct store *store, const char *key, char **ret) {
        sqlite3_stmt *statement = NULL;
        sqlite3 *db;
        int r = schema_open_reader(&db, store_path(store), NULL);

        if (r < 0)
                return r;
        r = -ENOENT;
        if (sqlite3_prepare_v2(db, "SELECT value FROM settings WHERE key = ?", -1, &statement, NULL) != SQLITE_OK ||
            sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC) != SQLITE_OK)
                r = -EIO;
        else if (sqlite3_step(statement) == SQLITE_ROW) {
                *ret = xstrdup(str_or((const char *)sqlite3_column_text(statement, 0), ""));
                r = 0;
        }
        (void)sqlite3_finalize(statement);
        (void)sqlite3_close(db);
        return r;
}

int store_load_times_lost(struct store *store, const char *run_id, unsigned *ret) {
        static const char sql[] =
                "WITH RECURSIVE lost (run_id, retry_of) AS ("
                " SELECT run_id, retry_of FROM runs WHERE run_id = ?1 AND reason = 'lost' UNION"
                " SELECT runs.run_id, runs.retry_of FROM runs JOIN lost ON runs.run_id = lost.retry_of"
                " WHERE runs.reason = 'lost') SELECT count(*) FROM lost";
        sqlite3_stmt *statement = NULL;
        sqlite3 *db;
        int r;

        *ret = 0;
        if (!run_id)
                return 0;
        r = schema_open_reader(&db, store_path(store), NULL);
        if (r < 0)
                return r;
        r = -EIO;
        if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
            sqlite3_bind_text(statement, 1, run_id, -1, SQLITE_STATIC) == SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_ROW) {
                *ret = (unsigned)sqlite3_column_int(statement, 0);
                r = 0;
        }
        (void)sqlite3_finalize(statement);
        (void)sqlite3_close(db);
        return r;
}
