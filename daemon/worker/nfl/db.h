/* The worker's connection to PostgreSQL: blocking (db_script.h is not), one at a time, one transaction for what belongs
 * together. */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cleanup.h"

struct db;

/* conninfo: libpq's, NULL for libpq's own environment. Checks that the football tables are there. 0, NFL_LATER (away,
 * starting) or NFL_CONFIG (rights, database or tables missing). */
int db_open(const char *conninfo, struct db **ret, char **ret_error);
struct db *db_close(struct db *db);
DEFINE_CLEANUP(struct db, db_close);
#define _cleanup_db_ _cleanup_(db_closep)

/* A command without rows. All functions below: 0, or NFL_LATER, NFL_DATA, NFL_CONFIG by SQLSTATE. After a failure
 * within a transaction only db_rollback helps. */
int db_run(struct db *db, const char *sql, char **ret_error);
/* Rows as text. parameters: n texts, NULL for SQL NULL. *ret is to be given to PQclear. */
int db_query(struct db *db, const char *sql, const char *const *parameters, int n, PGresult **ret, char **ret_error);
int db_begin(struct db *db, char **ret_error);
int db_commit(struct db *db, char **ret_error);
void db_rollback(struct db *db);
/* Sends rows in COPY's text format to `copy`, "COPY table (columns) FROM STDIN". */
int db_copy(struct db *db, const char *copy, const struct buf *rows, char **ret_error);

/* For db_script.c. rows: sent to a COPY that has begun, and its end. */
PGconn *db_connection(struct db *db);
int db_explain(struct db *db, const PGresult *result, char **ret_error);
int db_send_rows(struct db *db, const struct buf *rows);

static inline void pq_clearp(PGresult **result) {
        PQclear(*result);
}
#define _cleanup_result_ _cleanup_(pq_clearp)

/* COPY's text format, a field at a time; fields are separated by row_next and a row ended by row_end. The buffer's cap
 * is the greatest batch: appends fail with -E2BIG. */
#define ROWS_MAX ((size_t)64 << 20)
int row_text(struct buf *rows, const char *text); /* NULL: SQL NULL */
int row_int(struct buf *rows, int64_t value);
int row_next(struct buf *rows);
int row_end(struct buf *rows);

int64_t result_int(const PGresult *result, int row, int column);
