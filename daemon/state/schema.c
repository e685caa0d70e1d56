#include "schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "errortext.h"
#include "macro.h"
#include "rows.h"
#include "timeutil.h"
#include "uuid.h"
#include "xalloc.h"

/* Rows of run_parameters: a parameter that is open, or a list, is found by no value. */
#define PARAMETERS_OF(run, from)                                                                                       \
        " SELECT p.key, " INDEXED_VALUE("CAST(p.atom AS TEXT)") ", " run ".created_at, " run ".run_number " from       \
                                                                " json_each(" run                                      \
                                                                ".parameters) AS p WHERE p.atom IS NOT NULL"
#define PUT_PARAMETERS "  INSERT OR IGNORE INTO run_parameters" PARAMETERS_OF("new", "FROM") ";"
#define DROP_PARAMETERS                                                                                                \
        "  DELETE FROM run_parameters WHERE (name, value, created_at, run_number) IN"                                  \
        " (" PARAMETERS_OF("old", "FROM") ");"
#define END_OF_TRIGGER "  END;"

/* `version` grows with every change of a row. `mirrored` is the version that PostgreSQL has acknowledged, `parked` the
 * one that it refused for its data (park_error says why). A row with a version above both waits for the mirror, since
 * `waiting_since`. run_types holds the kinds of work that a run did: its own type, and those that its steps declared.
 * Lists are ordered by created_at: every filter has an index that also gives the order, or whose entries tell what does
 * not match. Each index is one more page in a commit. */
static const char *const migrations[] = {
        /* 1 */
        "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE runs ("
        "  run_number INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, job TEXT NOT NULL, batch_type TEXT, batch_mode TEXT,"
        "  triggered_by TEXT, triggered_by_user TEXT, status TEXT NOT NULL, reason TEXT, created_at INTEGER NOT NULL,"
        "  started_at INTEGER NOT NULL, completed_at INTEGER NOT NULL, duration_usec INTEGER NOT NULL, error_message TEXT,"
        "  parameters TEXT, metrics TEXT, warnings TEXT, notes TEXT, retry_of TEXT, parent_run_id TEXT, due_at INTEGER NOT NULL,"
        "  definition_hash TEXT, version INTEGER NOT NULL, mirrored INTEGER NOT NULL DEFAULT 0, parked INTEGER NOT NULL DEFAULT 0,"
        "  park_error TEXT, waiting_since INTEGER NOT NULL);"
        "CREATE INDEX runs_job ON runs (job, created_at, status);"
        "CREATE INDEX runs_status ON runs (status, created_at);"
        "CREATE INDEX runs_created ON runs (created_at, triggered_by);"
        "CREATE INDEX runs_mode ON runs (batch_mode, created_at);"
        "CREATE INDEX runs_waiting ON runs (waiting_since) WHERE version > mirrored AND version > parked;"
        "CREATE INDEX runs_parked ON runs (run_number) WHERE version <= parked;"
        "CREATE TABLE run_types ("
        "  batch_type TEXT NOT NULL, created_at INTEGER NOT NULL, run_number INTEGER NOT NULL,"
        "  PRIMARY KEY (batch_type, created_at, run_number)) WITHOUT ROWID;"
        "CREATE TABLE attempts ("
        "  run_id TEXT NOT NULL, step_name TEXT NOT NULL, item TEXT NOT NULL, attempt INTEGER NOT NULL, step_order INTEGER NOT NULL,"
        "  ordinal INTEGER NOT NULL, number INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT, created_at INTEGER NOT NULL,"
        "  started_at INTEGER NOT NULL, completed_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, duration_usec INTEGER NOT NULL,"
        "  records_processed INTEGER NOT NULL, exit_status INTEGER NOT NULL, signal_number INTEGER NOT NULL, error_message TEXT,"
        "  output_log TEXT, metrics TEXT, metadata TEXT, log_path TEXT, processes_ended INTEGER NOT NULL, version INTEGER NOT NULL,"
        "  mirrored INTEGER NOT NULL DEFAULT 0, parked INTEGER NOT NULL DEFAULT 0, park_error TEXT, waiting_since INTEGER NOT NULL,"
        "  UNIQUE (run_id, step_name, item, attempt));"
        "CREATE INDEX attempts_waiting ON attempts (waiting_since) WHERE version > mirrored AND version > parked;"
        "CREATE INDEX attempts_parked ON attempts (run_id) WHERE version <= parked;"
        "CREATE TABLE requests ("
        "  request_id TEXT NOT NULL, uid INTEGER NOT NULL, answer TEXT NOT NULL, created_at INTEGER NOT NULL,"
        "  PRIMARY KEY (request_id, uid)) WITHOUT ROWID;"
        "CREATE INDEX requests_created ON requests (created_at);"
        "CREATE TABLE audit ("
        "  audit_id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, uid INTEGER NOT NULL, pid INTEGER NOT NULL, user TEXT,"
        "  on_behalf TEXT, method TEXT, params TEXT, outcome TEXT, run_id TEXT, version INTEGER NOT NULL DEFAULT 1,"
        "  mirrored INTEGER NOT NULL DEFAULT 0, parked INTEGER NOT NULL DEFAULT 0, park_error TEXT, waiting_since INTEGER NOT NULL);"
        "CREATE INDEX audit_waiting ON audit (waiting_since) WHERE version > mirrored AND version > parked;"
        "CREATE INDEX audit_parked ON audit (audit_id) WHERE version <= parked;",
        /* 2: what retention looks at, narrow enough to be read whole */
        "CREATE TABLE ended_runs ("
        "  run_number INTEGER PRIMARY KEY, job TEXT NOT NULL, completed_at INTEGER NOT NULL, bytes INTEGER NOT NULL);",
        /* 3 */
        "CREATE TABLE due_times ("
        "  due_id INTEGER PRIMARY KEY, job TEXT NOT NULL, due_at INTEGER NOT NULL, due_until INTEGER, due_count INTEGER,"
        "  outcome TEXT NOT NULL, reason TEXT, run_id TEXT, run_number INTEGER, decided_at INTEGER NOT NULL, version INTEGER NOT NULL,"
        "  mirrored INTEGER NOT NULL DEFAULT 0, parked INTEGER NOT NULL DEFAULT 0, park_error TEXT, waiting_since INTEGER NOT NULL,"
        "  UNIQUE (job, due_at));"
        "CREATE INDEX due_times_due ON due_times (due_at);"
        "CREATE INDEX due_times_waiting ON due_times (waiting_since) WHERE version > mirrored AND version > parked;"
        "CREATE INDEX due_times_parked ON due_times (due_id) WHERE version <= parked;",
        /* 4: the steps of all runs by name. Partial, so that only the end of an attempt touches it; the item is in it,
         * so that counts and what does not match cost no look at the row. */
        "CREATE INDEX attempts_ended ON attempts (step_name, status, completed_at, item) WHERE completed_at > 0;",
        /* 5: how a run was asked for, and the runs that another one has brought about */
        "ALTER TABLE runs ADD COLUMN options TEXT;"
        "CREATE INDEX runs_parent ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL;",
        /* 6: the few steps that were on no record at all */
        "CREATE INDEX attempts_zero ON attempts (run_id) WHERE records_processed = 0;",
        /* 7: what was done to a run */
        "CREATE INDEX audit_run ON audit (run_id) WHERE run_id <> '';",
        /* 8: runs by what started them, and by the values of their parameters, which the triggers keep */
        "DROP INDEX runs_created;"
        "CREATE INDEX runs_created ON runs (created_at);"
        "CREATE INDEX runs_trigger ON runs (triggered_by, created_at);"
        "CREATE TABLE run_parameters ("
        "  name TEXT NOT NULL, value TEXT NOT NULL, created_at INTEGER NOT NULL, run_number INTEGER NOT NULL,"
        "  PRIMARY KEY (name, value, created_at, run_number)) WITHOUT ROWID;"
        "INSERT OR IGNORE INTO run_parameters" PARAMETERS_OF(
                "runs",
                "FROM runs CROSS JOIN") ";"
                                        "CREATE TRIGGER run_parameters_insert AFTER INSERT ON runs BEGIN" PUT_PARAMETERS
                                                END_OF_TRIGGER
                                        "CREATE TRIGGER run_parameters_update AFTER UPDATE OF parameters, created_at ON runs"
                                        "  WHEN (old.parameters, old.created_at) IS NOT (new.parameters, new.created_at) BEGIN" DROP_PARAMETERS
                                                PUT_PARAMETERS END_OF_TRIGGER
                                        "CREATE TRIGGER run_parameters_delete AFTER DELETE ON runs BEGIN" DROP_PARAMETERS
                                                END_OF_TRIGGER,
};
#define SCHEMA_VERSION ((int)ELEMENTSOF(migrations))

/* How long the check at start may take: a large file must not keep the daemon away. */
#define CHECK_BUDGET (50 * USEC_PER_MSEC)

static int sqlite_to_errno(int code) {
        switch (code & 0xFF) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EBADMSG;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
                return -EACCES;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        default:
                return -EIO;
        }
}

static int fail(sqlite3 *db, int code, const char *path, char **ret_error) {
        int r = sqlite_to_errno(code);
        const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);

        if (r == -EBADMSG)
                return error_set(
                        ret_error, r,
                        "%s is damaged (%s) and is left as it is: move it and the files %s-wal and %s-shm beside it away (a new, "
                        "empty one is then made), or put a copy from a backup in its place",
                        path, text, path, path);
        return error_set(ret_error, r, "cannot open %s: %s", path, text);
}

static int read_integer(sqlite3 *db, const char *sql, int64_t *ret) {
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

        if (code == SQLITE_OK) {
                code = sqlite3_step(statement);
                if (code == SQLITE_ROW)
                        *ret = sqlite3_column_int64(statement, 0);
        }
        (void)sqlite3_finalize(statement);
        return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int over_budget(void *user) {
        const usec_t *deadline = user;

        return now_boottime() > *deadline;
}

/* As much of quick_check as fits into the budget: SQLite finds further damage when it meets it. */
static int check(sqlite3 *db, const char *path, char **ret_error) {
        usec_t deadline = now_boottime() + CHECK_BUDGET;
        sqlite3_stmt *statement = NULL;
        int r = 0;

        sqlite3_progress_handler(db, 10000, over_budget, &deadline);
        int code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
                const char *text = (const char *)sqlite3_column_text(statement, 0);
                if (!text || strcmp(text, "ok") != 0)
                        r = error_set(
                                ret_error, -EBADMSG,
                                "%s is damaged (%s) and is left as it is: move it and the files %s-wal and %s-shm beside it away (a "
                                "new, empty one is then made), or put a copy from a backup in its place",
                                path, text ? text : "no memory", path, path);
        } else if (code != SQLITE_DONE && code != SQLITE_INTERRUPT)
                r = fail(db, code, path, ret_error);
        (void)sqlite3_finalize(statement);
        sqlite3_progress_handler(db, 0, NULL, NULL);
        return r;
}

static int configure(sqlite3 *db, bool writer) {
        int code;

        sqlite3_extended_result_codes(db, 1);
        /* Readers and the writer never wait for each other in WAL; the timeout covers recovery and checkpoints of
         * another process. */
        (void)sqlite3_busy_timeout(db, writer ? 1000 : 5000);
        code = sqlite3_exec(db, "PRAGMA cache_size=-512; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;", NULL, NULL,
                            NULL);
        if (code == SQLITE_OK && writer)
                code = sqlite3_exec(db,
                                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                                    "PRAGMA journal_size_limit=4194304; PRAGMA foreign_keys=OFF;",
                                    NULL, NULL, NULL);
        else if (code == SQLITE_OK)
                code = sqlite3_exec(db, "PRAGMA query_only=1;", NULL, NULL, NULL);
        return code;
}

/* One transaction for all steps that are missing, so that a power cut leaves the old or the new schema. */
static int migrate(sqlite3 *db, int64_t from) {
        char instance[UUID_SIZE], sql[256];
        int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

        for (int64_t i = from; code == SQLITE_OK && i < SCHEMA_VERSION; i++)
                code = sqlite3_exec(db, migrations[i], NULL, NULL, NULL);
        if (code == SQLITE_OK && from == 0) {
                uuid_generate_text(instance);
                (void)snprintf(sql, sizeof(sql), "INSERT INTO settings (key, value) VALUES ('instance', '%s')",
                               instance);
                code = sqlite3_exec(db, sql, NULL, NULL, NULL);
        }
        if (code == SQLITE_OK) {
                (void)snprintf(sql, sizeof(sql), "PRAGMA user_version=%d; COMMIT", SCHEMA_VERSION);
                code = sqlite3_exec(db, sql, NULL, NULL, NULL);
        }
        if (code != SQLITE_OK && !sqlite3_get_autocommit(db))
                (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return code;
}

/* Looks before anything is written, so that a file of a newer program, or one that is no database, stays as it is. */
static int inspect(sqlite3 *db, const char *path, int64_t *ret_version, char **ret_error) {
        int64_t version = 0, tables = 0;
        int code = read_integer(db, "PRAGMA user_version", &version);

        if (code == SQLITE_OK)
                code = read_integer(db, "SELECT count(*) FROM sqlite_schema", &tables);
        if (code != SQLITE_OK)
                return fail(db, code, path, ret_error);
        if (version > SCHEMA_VERSION || version < 0)
                return error_set(
                        ret_error, -EPROTO,
                        "%s has schema version %lld, this program knows versions up to %d: it was written by a newer batchd; start "
                        "that version, or move the file away to begin with an empty one",
                        path, (long long)version, SCHEMA_VERSION);
        if (version == 0 && tables > 0)
                return error_set(
                        ret_error, -EPROTO,
                        "%s is a database of another program (it has tables but no schema version): move it away",
                        path);
        *ret_version = version;
        return 0;
}

int schema_open_writer(sqlite3 **ret, const char *path, char **ret_error) {
        sqlite3 *db = NULL;
        int64_t version = 0;
        mode_t before = umask(0027);
        int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
        int r = code == SQLITE_OK ? inspect(db, path, &version, ret_error) : fail(db, code, path, ret_error);

        (void)umask(before);
        if (r >= 0 && version > 0)
                r = check(db, path, ret_error);
        /* Has to be said before the first page is written. */
        if (r >= 0 && version == 0)
                (void)sqlite3_exec(db, "PRAGMA auto_vacuum=INCREMENTAL", NULL, NULL, NULL);
        if (r >= 0) {
                code = configure(db, true);
                if (code == SQLITE_OK && version < SCHEMA_VERSION)
                        code = migrate(db, version);
                if (code != SQLITE_OK)
                        r = fail(db, code, path, ret_error);
        }
        if (r < 0) {
                (void)sqlite3_close(db);
                return r;
        }
        *ret = db;
        return 0;
}

int schema_open_reader(sqlite3 **ret, const char *path, char **ret_error) {
        sqlite3 *db = NULL;
        int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

        if (code == SQLITE_OK)
                code = configure(db, false);
        if (code != SQLITE_OK) {
                int r = fail(db, code, path, ret_error);
                (void)sqlite3_close(db);
                return r;
        }
        *ret = db;
        return 0;
}
