#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "db.h"
#include "errorclass.h"
#include "errortext.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

#define COPY_CHUNK ((size_t)256 << 10)
#define SCHEMA_VERSION 1

struct db {
        PGconn *connection;
        bool in_transaction;
};

/* The first line of libpq's message without the newline. New string. */
static char *message_line(const char *message) {
        size_t length = strcspn(message, "\n");
        return length ? xstrndup(message, length) : xstrdup("no explanation");
}

/* SQLSTATE classes (PostgreSQL manual, appendix A) by what a repeat would change. */
static int class_of(const char *state) {
        static const struct {
                const char *prefix;
                int class;
        } rows[] = {
                {"08", NFL_LATER},    /* connection */
                {"25006", NFL_LATER}, /* read-only transaction: a standby or an administrator's measure */
                {"40", NFL_LATER},    /* deadlock, serialization */
                {"53", NFL_LATER},    /* no resources */
                {"55", NFL_LATER},    /* locked, in use */
                {"57", NFL_LATER},    /* shut down, cancelled */
                {"58", NFL_LATER},    /* system error */
                {"21", NFL_DATA},     {"22", NFL_DATA}, {"23", NFL_DATA},
        };
        for (size_t i = 0; state && i < ELEMENTSOF(rows); i++)
                if (startswith(state, rows[i].prefix))
                        return rows[i].class;
        return state && *state ? NFL_CONFIG : NFL_LATER;
}

int db_explain(struct db *db, const PGresult *result, char **ret_error) {
        const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
        _cleanup_free_ char *text =
                message_line(result ? PQresultErrorMessage(result) : PQerrorMessage(db->connection));
        if (PQstatus(db->connection) == CONNECTION_BAD)
                return error_set(ret_error, NFL_LATER, "the connection to PostgreSQL is lost: %s", text);
        if (state && (streq(state, "42P01") || streq(state, "42703") || streq(state, "42883")))
                /* A first run may come before the daemon has reached the database: that passes. */
                return error_set(ret_error, NFL_LATER,
                                 "the football tables are missing or older than this program (%s); batchd makes them "
                                 "(sql/) as soon as it reaches the database of its Database=, which has to be this one",
                                 text);
        if (state && streq(state, "42501"))
                return error_set(ret_error, NFL_CONFIG, "the database user lacks a right: %s", text);
        return error_set(ret_error, class_of(state), "PostgreSQL: %s (SQLSTATE %s)", text, state ? state : "unknown");
}

/* libpq 15 gives no SQLSTATE for a refused connection: what only a person can change is told by the server's words. */
static int explain_refusal(PGconn *connection, char **ret_error) {
        static const char *const lasting[] = {
                "authentication failed", "does not exist",       "pg_hba.conf",
                "permission denied",     "no password supplied", "invalid connection option",
        };
        _cleanup_free_ char *text = message_line(PQerrorMessage(connection));
        int class = NFL_LATER;
        for (size_t i = 0; i < ELEMENTSOF(lasting); i++)
                if (strstr(text, lasting[i]))
                        class = NFL_CONFIG;
        return error_set(ret_error, class, "PostgreSQL cannot be reached: %s", text);
}

/* Migrations that change what this program relies on raise the number that the function returns (sql/). */
static int check_schema(struct db *db, char **ret_error) {
        _cleanup_result_ PGresult *result = NULL;
        int r = db_query(db, "SELECT football_schema_version()", NULL, 0, &result, ret_error);
        if (r < 0)
                return r;
        if (result_int(result, 0, 0) <= SCHEMA_VERSION)
                return 0;
        return error_set(
                ret_error, NFL_CONFIG,
                "the database's football tables have version %s, this program knows those up to %d: install the newer batch-nfl, "
                "or name another database",
                PQgetvalue(result, 0, 0), SCHEMA_VERSION);
}

int db_open(const char *conninfo, struct db **ret, char **ret_error) {
        const char *const names[] = {"connect_timeout", "application_name", "dbname", "client_encoding", NULL};
        const char *const values[] = {"10", "batch-nfl", conninfo ? conninfo : "", "UTF8", NULL};
        _cleanup_db_ struct db *db = NEW(struct db);
        db->connection = PQconnectdbParams(names, values, 1);
        if (!db->connection)
                abort();
        if (PQstatus(db->connection) != CONNECTION_OK)
                return explain_refusal(db->connection, ret_error);
        int r = db_run(db,
                       "SET timezone = 'UTC'; SET lock_timeout = '60s'; SET client_min_messages = error; "
                       "SET datestyle = 'ISO, YMD'; SET extra_float_digits = 1",
                       ret_error);
        if (r == 0)
                r = check_schema(db, ret_error);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(db);
        return 0;
}

struct db *db_close(struct db *db) {
        if (db) {
                PQfinish(db->connection);
                free(db);
        }
        return NULL;
}

int db_run(struct db *db, const char *sql, char **ret_error) {
        _cleanup_result_ PGresult *result = PQexec(db->connection, sql);
        ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
                return db_explain(db, result, ret_error);
        return 0;
}

int db_query(struct db *db, const char *sql, const char *const *parameters, int n, PGresult **ret, char **ret_error) {
        _cleanup_result_ PGresult *result = PQexecParams(db->connection, sql, n, NULL, parameters, NULL, NULL, 0);
        ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
                return db_explain(db, result, ret_error);
        *ret = STEAL_PTR(result);
        return 0;
}

int db_begin(struct db *db, char **ret_error) {
        int r = db_run(db, "BEGIN", ret_error);
        db->in_transaction = r == 0;
        return r;
}

int db_commit(struct db *db, char **ret_error) {
        /* COMMIT of a failed transaction is answered with success and the word ROLLBACK. */
        _cleanup_result_ PGresult *result = PQexec(db->connection, "COMMIT");
        db->in_transaction = false;
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
                return db_explain(db, result, ret_error);
        if (!streq(PQcmdStatus(result), "COMMIT"))
                return error_set(ret_error, NFL_LATER, "PostgreSQL rolled the transaction back");
        return 0;
}

void db_rollback(struct db *db) {
        if (db->in_transaction)
                PQclear(PQexec(db->connection, "ROLLBACK"));
        db->in_transaction = false;
}

PGconn *db_connection(struct db *db) {
        return db->connection;
}

int db_send_rows(struct db *db, const struct buf *rows) {
        const char *data = buf_data(rows);
        for (size_t sent = 0; sent < rows->len; sent += MIN(COPY_CHUNK, rows->len - sent))
                if (PQputCopyData(db->connection, data + sent, (int)MIN(COPY_CHUNK, rows->len - sent)) < 0)
                        return -EPIPE;
        return PQputCopyEnd(db->connection, NULL) < 0 ? -EPIPE : 0;
}

int db_copy(struct db *db, const char *copy, const struct buf *rows, char **ret_error) {
        _cleanup_result_ PGresult *start = PQexec(db->connection, copy);
        if (PQresultStatus(start) != PGRES_COPY_IN)
                return db_explain(db, start, ret_error);
        if (db_send_rows(db, rows) < 0)
                return db_explain(db, NULL, ret_error);
        int r = 0;
        for (PGresult *result; (result = PQgetResult(db->connection)); PQclear(result))
                if (r == 0 && PQresultStatus(result) != PGRES_COMMAND_OK)
                        r = db_explain(db, result, ret_error);
        return r;
}

/* COPY's escapes (PostgreSQL manual, COPY, "Text Format"). */
static char copy_escape(char c) {
        return c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c;
}

int row_text(struct buf *rows, const char *text) {
        if (!text)
                return buf_append(rows, "\\N", 2);
        for (;;) {
                size_t plain = strcspn(text, "\\\t\n\r");
                int r = buf_append(rows, text, plain);
                if (r < 0 || !text[plain])
                        return r;
                const char escaped[] = {'\\', copy_escape(text[plain])};
                r = buf_append(rows, escaped, sizeof(escaped));
                if (r < 0)
                        return r;
                text += plain + 1;
        }
}

int row_int(struct buf *rows, int64_t value) {
        char digits[24], *at = digits + sizeof(digits);
        uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        do {
                *--at = (char)('0' + rest % 10);
                rest /= 10;
        } while (rest);
        if (value < 0)
                *--at = '-';
        return buf_append(rows, at, (size_t)(digits + sizeof(digits) - at));
}

int row_next(struct buf *rows) {
        return buf_append_char(rows, '\t');
}

int row_end(struct buf *rows) {
        return buf_append_char(rows, '\n');
}

int64_t result_int(const PGresult *result, int row, int column) {
        int64_t value = 0;
        (void)parse_int64(PQgetvalue(result, row, column), &value);
        return value;
}
