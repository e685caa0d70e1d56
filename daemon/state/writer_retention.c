#include "writer_retention.h"

#include "macro.h"

/* Free pages stay for the rows to come until there are this many, and a quarter of the file; then they go in steps, so
 * that no commit waits long. */
#define FREE_PAGES_MIN 256
#define SHRINK_PAGES 1024

/* Of one purge: what is more goes with the next one. */
#define PURGE_ROWS "1000"

static int run_bound(sqlite3 *db, const char *sql, const int64_t *values, size_t n, const char *text) {
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

        if (code != SQLITE_OK)
                return code;
        for (size_t i = 0; i < n; i++)
                (void)sqlite3_bind_int64(statement, (int)i + 1, values[i]);
        if (text)
                (void)sqlite3_bind_text(statement, (int)n + 1, text, -1, SQLITE_STATIC);
        code = sqlite3_step(statement);
        (void)sqlite3_finalize(statement);
        return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

int writer_put_ended_run(sqlite3 *db, const struct retention_row *row) {
        return run_bound(db,
                         "INSERT OR REPLACE INTO ended_runs (run_number, job, completed_at, bytes) SELECT run_number, "
                         "job, completed_at, ?2"
                         " FROM runs WHERE run_number = ?1 AND status NOT IN ('queued', 'running')",
                         (const int64_t[]){row->run_number, row->bytes}, 2, NULL);
}

/* Whether the run may go is asked again here, where nothing can come between. Types are found by a walk over their few
 * names: the table's key begins with them. */
int writer_remove_run(sqlite3 *db, const struct retention_row *row) {
        static const char goes[] = "UPDATE runs SET waiting_since = -1 WHERE run_number = ?1 AND status NOT IN "
                                   "('queued', 'running') AND (?2 = 0 OR"
                                   " (version <= mirrored AND NOT EXISTS (SELECT 1 FROM attempts AS a WHERE a.run_id = "
                                   "runs.run_id AND a.version > a.mirrored)))";
        static const char *const steps[] = {
                "DELETE FROM attempts WHERE run_id = (SELECT run_id FROM runs WHERE run_number = ?1)",
                "WITH RECURSIVE types (t) AS (SELECT min(batch_type) FROM run_types UNION ALL"
                " SELECT (SELECT min(batch_type) FROM run_types WHERE batch_type > t) FROM types WHERE t IS NOT NULL)"
                " DELETE FROM run_types WHERE batch_type IN (SELECT t FROM types WHERE t IS NOT NULL)"
                " AND created_at = (SELECT created_at FROM runs WHERE run_number = ?1) AND run_number = ?1",
                "DELETE FROM ended_runs WHERE run_number = ?1",
                "DELETE FROM runs WHERE run_number = ?1",
        };
        int code = run_bound(db, goes, (const int64_t[]){row->run_number, row->mirrored}, 2, NULL);

        if (code != SQLITE_OK || sqlite3_changes(db) == 0)
                return code;
        for (size_t i = 0; code == SQLITE_OK && i < ELEMENTSOF(steps); i++)
                code = run_bound(db, steps[i], &row->run_number, 1, NULL);
        return code;
}

int writer_purge(sqlite3 *db, const struct purge_row *row) {
        const int64_t rows = row->audit_rows > INT64_MAX ? INT64_MAX : (int64_t)row->audit_rows;
        int code = run_bound(
                db,
                "DELETE FROM audit WHERE audit_id IN (SELECT audit_id FROM audit ORDER BY audit_id LIMIT " PURGE_ROWS
                ")"
                " AND (at < ?1 OR audit_id <= (SELECT max(audit_id) FROM audit) - ?2) AND (?3 = 0 OR version <= "
                "mirrored)",
                (const int64_t[]){(int64_t)row->audit_before, rows, row->mirrored}, 3, NULL);

        /* A job's last due time says where its schedule stands. */
        if (code == SQLITE_OK)
                code = run_bound(
                        db,
                        "DELETE FROM due_times WHERE due_id IN (SELECT due_id FROM due_times ORDER BY due_id LIMIT " PURGE_ROWS
                        ") AND (decided_at < ?1 OR due_id <= (SELECT max(due_id) FROM due_times) - ?2)"
                        " AND (?3 = 0 OR version <= mirrored)"
                        " AND due_at < (SELECT max(n.due_at) FROM due_times AS n WHERE n.job = due_times.job)",
                        (const int64_t[]){(int64_t)row->audit_before, rows, row->mirrored}, 3, NULL);
        if (code != SQLITE_OK)
                return code;
        /* Definitions are for taking up active runs after a restart, and for telling what has changed since a job last
         * did its work: those of its latest run and of the latest that did. */
        return run_bound(
                db,
                "DELETE FROM settings WHERE key GLOB 'definition/*' AND substr(key, 12) NOT IN (SELECT value FROM "
                "json_each(?1))"
                " AND substr(key, 12) NOT IN (SELECT definition_hash FROM runs WHERE status IN ('queued', 'running')"
                " AND definition_hash IS NOT NULL)"
                " AND substr(key, 12) NOT IN (WITH RECURSIVE jobs (name) AS (SELECT min(job) FROM runs UNION ALL"
                " SELECT (SELECT min(job) FROM runs WHERE job > jobs.name) FROM jobs WHERE jobs.name IS NOT NULL)"
                " SELECT hash FROM (SELECT (SELECT definition_hash FROM runs WHERE job = jobs.name"
                " AND status IN ('success', 'partial') ORDER BY created_at DESC LIMIT 1) AS hash FROM jobs UNION"
                " SELECT (SELECT definition_hash FROM runs WHERE job = jobs.name ORDER BY created_at DESC LIMIT 1)"
                " FROM jobs) WHERE hash IS NOT NULL)",
                NULL, 0, row->definitions);
}

static int64_t pragma_integer(sqlite3 *db, const char *sql) {
        sqlite3_stmt *statement = NULL;
        int64_t value = 0;

        if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
                value = sqlite3_column_int64(statement, 0);
        (void)sqlite3_finalize(statement);
        return value;
}

void writer_shrink(sqlite3 *db) {
        int64_t free_pages = pragma_integer(db, "PRAGMA freelist_count");
        char sql[64];

        if (free_pages < FREE_PAGES_MIN || free_pages < pragma_integer(db, "PRAGMA page_count") / 4)
                return;
        /* Files that were made without auto_vacuum keep their free pages for new rows. */
        (void)sqlite3_snprintf((int)sizeof(sql), sql, "PRAGMA incremental_vacuum(%d)", SHRINK_PAGES);
        (void)sqlite3_exec(db, sql, NULL, NULL, NULL);
}
