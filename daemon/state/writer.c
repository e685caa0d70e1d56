#include "writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cri.h"
#include "errortext.h"
#include "macro.h"
#include "store.h"
#include "timeutil.h"
#include "writer_retention.h"
#include "xalloc.h"

#define OUTPUT_LOG_LINES 100
#define REQUEST_KEPT USEC_PER_DAY
#define PURGE_INTERVAL USEC_PER_HOUR
/* Pages of 4 KiB. A checkpoint reads and writes them all: not too small, and not on the way of a commit while more
 * wait. */
#define CHECKPOINT_PAGES 1000
#define CHECKPOINT_PAGES_BUSY 8000

enum statement_id {
        SQL_BEGIN,
        SQL_COMMIT,
        SQL_ROLLBACK,
        SQL_RUN,
        SQL_RUN_TYPE,
        SQL_ATTEMPT,
        SQL_ATTEMPT_TYPE,
        SQL_REQUEST,
        SQL_REQUEST_PURGE,
        SQL_AUDIT,
        SQL_SETTING,
        SQL_SETTING_REMOVE,
        SQL_DROP_SETTINGS,
        SQL_DUE,
        SQL_ACK_RUN,
        SQL_ACK_ATTEMPT,
        SQL_ACK_AUDIT,
        SQL_ACK_DUE,
        SQL_PARK_RUN,
        SQL_PARK_ATTEMPT,
        SQL_PARK_AUDIT,
        SQL_PARK_DUE,
        SQL_UNPARK_ATTEMPTS,
        _SQL_MAX,
};

/* An acknowledgement never goes back. Rows of one table are told by rowid; runs' is their number. */
static const char *const statement_texts[_SQL_MAX] = {
        [SQL_BEGIN] = "BEGIN IMMEDIATE",
        [SQL_COMMIT] = "COMMIT",
        [SQL_ROLLBACK] = "ROLLBACK",
        [SQL_RUN] = run_row_upsert,
        [SQL_RUN_TYPE] = "INSERT OR IGNORE INTO run_types (batch_type, run_number, created_at) VALUES (?1, ?2, ?3)",
        [SQL_ATTEMPT] = attempt_row_upsert,
        [SQL_ATTEMPT_TYPE] = "INSERT OR IGNORE INTO run_types (batch_type, run_number, created_at)"
                             " SELECT ?1, run_number, created_at FROM runs WHERE run_id = ?2",
        [SQL_REQUEST] = "INSERT INTO requests (request_id, uid, answer, created_at) VALUES (?1, ?2, ?3, ?4)"
                        " ON CONFLICT (request_id, uid) DO UPDATE SET answer = excluded.answer"
                        " WHERE answer = '" STORE_REQUEST_PENDING "'",
        [SQL_REQUEST_PURGE] = "DELETE FROM requests WHERE created_at < ?1",
        [SQL_AUDIT] = audit_row_insert,
        [SQL_SETTING] =
                "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [SQL_SETTING_REMOVE] = "DELETE FROM settings WHERE key = ?1",
        [SQL_DROP_SETTINGS] = "DELETE FROM settings WHERE key > ?1 AND key < ?1 || char(0x10FFFF)",
        [SQL_DUE] = due_row_upsert,
        [SQL_ACK_RUN] =
                "UPDATE runs SET mirrored = max(mirrored, ?2), parked = 0, park_error = NULL WHERE run_number = ?1",
        [SQL_ACK_ATTEMPT] =
                "UPDATE attempts SET mirrored = max(mirrored, ?2), parked = 0, park_error = NULL WHERE rowid = ?1",
        [SQL_ACK_AUDIT] =
                "UPDATE audit SET mirrored = max(mirrored, ?2), parked = 0, park_error = NULL WHERE audit_id = ?1",
        [SQL_ACK_DUE] =
                "UPDATE due_times SET mirrored = max(mirrored, ?2), parked = 0, park_error = NULL WHERE due_id = ?1",
        [SQL_PARK_RUN] = "UPDATE runs SET parked = max(parked, ?2), park_error = ?3 WHERE run_number = ?1",
        [SQL_PARK_ATTEMPT] = "UPDATE attempts SET parked = max(parked, ?2), park_error = ?3 WHERE rowid = ?1",
        [SQL_PARK_AUDIT] = "UPDATE audit SET parked = max(parked, ?2), park_error = ?3 WHERE audit_id = ?1",
        [SQL_PARK_DUE] = "UPDATE due_times SET parked = max(parked, ?2), park_error = ?3 WHERE due_id = ?1",
        /* Attempts that were refused because their run was missing get another try once it is there. */
        [SQL_UNPARK_ATTEMPTS] =
                "UPDATE attempts SET parked = 0, park_error = NULL WHERE parked > 0 AND version <= parked"
                " AND run_id = (SELECT run_id FROM runs WHERE run_number = ?1)",
};

static const char replay_all[] =
        "UPDATE runs SET mirrored = 0, parked = 0, park_error = NULL; UPDATE attempts SET mirrored = 0, parked = 0, park_error = NULL;"
        "UPDATE audit SET mirrored = 0, parked = 0, park_error = NULL; UPDATE due_times SET mirrored = 0, parked = 0, park_error = NULL;";

struct writer {
        sqlite3 *db;
        sqlite3_stmt *statements[_SQL_MAX];
        int wal_pages;
        bool has_removed;  /* since the file was last looked at for free pages */
        usec_t next_purge; /* boot clock */
};

static int wal_grew(void *user, sqlite3 *db, const char *name, int pages) {
        struct writer *writer = user;

        writer->wal_pages = pages;
        return SQLITE_OK;
}

struct writer *writer_new(sqlite3 *db, char **ret_error) {
        struct writer *writer = NEW(struct writer);

        writer->db = db;
        for (int i = 0; i < _SQL_MAX; i++)
                if (sqlite3_prepare_v3(db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT, &writer->statements[i],
                                       NULL) != SQLITE_OK) {
                        (void)error_set(ret_error, -EPROTO, "the schema of state.db is not as it should be: %s",
                                        sqlite3_errmsg(db));
                        return writer_free(writer);
                }
        (void)sqlite3_wal_hook(db, wal_grew, writer);
        return writer;
}

struct writer *writer_free(struct writer *writer) {
        if (!writer)
                return NULL;
        for (int i = 0; i < _SQL_MAX; i++)
                (void)sqlite3_finalize(writer->statements[i]);
        (void)sqlite3_close(writer->db);
        free(writer);
        return NULL;
}

/* One step of a statement whose values are bound: SQLITE_OK when it was done. */
static int run_statement(struct writer *writer, enum statement_id id) {
        sqlite3_stmt *statement = writer->statements[id];
        int code = sqlite3_step(statement);

        (void)sqlite3_reset(statement);
        return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

static int write_run(struct writer *writer, const struct run_row *row, usec_t now) {
        int code;

        run_row_bind(writer->statements[SQL_RUN], row, now);
        code = run_statement(writer, SQL_RUN);
        if (code != SQLITE_OK || !row->batch_type)
                return code;
        (void)sqlite3_bind_text(writer->statements[SQL_RUN_TYPE], 1, row->batch_type, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(writer->statements[SQL_RUN_TYPE], 2, row->run_number);
        (void)sqlite3_bind_int64(writer->statements[SQL_RUN_TYPE], 3, (int64_t)row->created_at);
        return run_statement(writer, SQL_RUN_TYPE);
}

static int write_attempt(struct writer *writer, const struct attempt_row *row, usec_t now) {
        int code;

        attempt_row_bind(writer->statements[SQL_ATTEMPT], row, now);
        code = run_statement(writer, SQL_ATTEMPT);
        if (code != SQLITE_OK || !row->batch_type)
                return code;
        (void)sqlite3_bind_text(writer->statements[SQL_ATTEMPT_TYPE], 1, row->batch_type, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(writer->statements[SQL_ATTEMPT_TYPE], 2, row->run_id, -1, SQLITE_STATIC);
        return run_statement(writer, SQL_ATTEMPT_TYPE);
}

static int write_request(struct writer *writer, const struct request_row *row) {
        sqlite3_stmt *statement = writer->statements[SQL_REQUEST];

        (void)sqlite3_bind_text(statement, 1, row->request_id, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 2, row->uid);
        (void)sqlite3_bind_text(statement, 3, row->answer, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 4, (int64_t)row->at);
        return run_statement(writer, SQL_REQUEST);
}

static int write_setting(struct writer *writer, const struct setting_row *row) {
        enum statement_id id = *row->value ? SQL_SETTING : SQL_SETTING_REMOVE;

        (void)sqlite3_bind_text(writer->statements[id], 1, row->key, -1, SQLITE_STATIC);
        if (*row->value)
                (void)sqlite3_bind_text(writer->statements[id], 2, row->value, -1, SQLITE_STATIC);
        return run_statement(writer, id);
}

static int write_acknowledge(struct writer *writer, const struct acknowledge_row *row) {
        static const enum statement_id acknowledge[_OUTBOX_MAX] = {SQL_ACK_RUN, SQL_ACK_ATTEMPT, SQL_ACK_AUDIT,
                                                                   SQL_ACK_DUE};
        static const enum statement_id park[_OUTBOX_MAX] = {SQL_PARK_RUN, SQL_PARK_ATTEMPT, SQL_PARK_AUDIT,
                                                            SQL_PARK_DUE};
        enum statement_id id = row->error ? park[row->key.table] : acknowledge[row->key.table];
        sqlite3_stmt *statement = writer->statements[id];

        (void)sqlite3_bind_int64(statement, 1, row->key.rowid);
        (void)sqlite3_bind_int64(statement, 2, row->key.version);
        if (row->error)
                (void)sqlite3_bind_text(statement, 3, row->error, -1, SQLITE_STATIC);
        int code = run_statement(writer, id);
        if (code != SQLITE_OK || id != SQL_ACK_RUN)
                return code;
        (void)sqlite3_bind_int64(writer->statements[SQL_UNPARK_ATTEMPTS], 1, row->key.rowid);
        return run_statement(writer, SQL_UNPARK_ATTEMPTS);
}

static int write_op(struct writer *writer, const struct op *op, usec_t now) {
        switch (op->kind) {
        case OP_RUN:
                return write_run(writer, &op->run, now);
        case OP_ATTEMPT:
                return write_attempt(writer, &op->attempt, now);
        case OP_REQUEST:
                return write_request(writer, &op->request);
        case OP_AUDIT:
                audit_row_bind(writer->statements[SQL_AUDIT], &op->audit);
                return run_statement(writer, SQL_AUDIT);
        case OP_SETTING:
                return write_setting(writer, &op->setting);
        case OP_DROP_SETTINGS:
                (void)sqlite3_bind_text(writer->statements[SQL_DROP_SETTINGS], 1, op->setting.key, -1, SQLITE_STATIC);
                return run_statement(writer, SQL_DROP_SETTINGS);
        case OP_DUE:
                due_row_bind(writer->statements[SQL_DUE], &op->due, now);
                return run_statement(writer, SQL_DUE);
        case OP_ACKNOWLEDGE:
                return write_acknowledge(writer, &op->acknowledge);
        case OP_ENDED_RUN:
                return writer_put_ended_run(writer->db, &op->retention);
        case OP_REMOVE_RUN:
                writer->has_removed = true;
                return writer_remove_run(writer->db, &op->retention);
        case OP_PURGE:
                writer->has_removed = true;
                return writer_purge(writer->db, &op->purge);
        case OP_REPLAY_ALL:
                return sqlite3_exec(writer->db, replay_all, NULL, NULL, NULL);
        }
        return SQLITE_INTERNAL;
}

static int purge_requests(struct writer *writer) {
        usec_t now = now_boottime();

        if (now < writer->next_purge)
                return SQLITE_OK;
        writer->next_purge = now + PURGE_INTERVAL;
        (void)sqlite3_bind_int64(writer->statements[SQL_REQUEST_PURGE], 1, (int64_t)(now_realtime() - REQUEST_KEPT));
        return run_statement(writer, SQL_REQUEST_PURGE);
}

void writer_prepare(struct store_batch *batch) {
        for (size_t i = 0; i < batch->n_ops; i++) {
                struct op *op = &batch->ops[i];
                char *text;
                if (op->kind != OP_ATTEMPT || !op->attempt.tail_path)
                        continue;
                if (cri_tail_text(op->attempt.tail_path, OUTPUT_LOG_LINES, &text) >= 0) {
                        free(op->attempt.output_log);
                        op->attempt.output_log = text;
                }
        }
}

static int write_all_batches(struct writer *writer, struct store_batch *const *batches, size_t n) {
        usec_t now = now_realtime();
        int code = purge_requests(writer);

        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; code == SQLITE_OK && k < batches[i]->n_ops; k++)
                        code = write_op(writer, &batches[i]->ops[k], now);
        return code;
}

int writer_commit(struct writer *writer, struct store_batch *const *batches, size_t n, char **ret_error) {
        int code = run_statement(writer, SQL_BEGIN);

        if (code == SQLITE_OK)
                code = write_all_batches(writer, batches, n);
        if (code == SQLITE_OK)
                code = run_statement(writer, SQL_COMMIT);
        if (code == SQLITE_OK)
                return 0;
        (void)error_set(ret_error, -EIO, "cannot write %s: %s", sqlite3_db_filename(writer->db, "main"),
                        (code & 0xFF) == SQLITE_FULL ? "the disk is full" : sqlite3_errmsg(writer->db));
        if (!sqlite3_get_autocommit(writer->db))
                (void)run_statement(writer, SQL_ROLLBACK);
        return -EIO;
}

void writer_checkpoint(struct writer *writer, bool idle) {
        if (idle && writer->has_removed) {
                writer->has_removed = false;
                writer_shrink(writer->db);
        }
        if (writer->wal_pages < (idle ? CHECKPOINT_PAGES : CHECKPOINT_PAGES_BUSY))
                return;
        /* When it fails (a full disk), the next commit tells. */
        (void)sqlite3_wal_checkpoint_v2(writer->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        writer->wal_pages = 0;
}
