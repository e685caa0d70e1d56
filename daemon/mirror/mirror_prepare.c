/* What a new connection goes through before rows are sent: settings, migrations, and whether the database still knows
 * what it was sent. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "errortext.h"
#include "log.h"
#include "mirror_internal.h"
#include "strutil.h"
#include "xalloc.h"

#define QUERY_TIMEOUT (30 * USEC_PER_SEC)
#define MIGRATION_TIMEOUT (10 * USEC_PER_MINUTE)

/* The server gives up before we do, so that it never works on for a client that is gone; where it waits for rows that
 * do not come, which no timeout of its own ends, keepalives tell it within a minute instead of two hours. */
const char mirror_session_sql[] =
        "SET statement_timeout = '20s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s';"
        "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;"
        "SET tcp_user_timeout = '30s';"
        "SET standard_conforming_strings = on; SELECT to_regclass('batch_schema_migrations')";

static const char applied_sql[] = "SELECT version, name, checksum FROM batch_schema_migrations ORDER BY version";

/* The rows of a batch on their way: as the tables, without their generated columns' expressions and keys. */
static const char temporary_sql[] =
        "CREATE TEMPORARY TABLE mirror_runs (LIKE batch_runs) ON COMMIT DELETE ROWS;"
        "CREATE TEMPORARY TABLE mirror_steps (LIKE batch_execution_steps) ON COMMIT DELETE ROWS;"
        "CREATE TEMPORARY TABLE mirror_audit (LIKE batch_audit) ON COMMIT DELETE ROWS;"
        "CREATE TEMPORARY TABLE mirror_due (LIKE batch_due_times) ON COMMIT DELETE ROWS;";

static void ask(struct mirror *mirror, const char *sql, usec_t timeout, query_fn fn) {
        if (connection_query(mirror->connection, sql, NULL, 0, timeout, fn, mirror) < 0)
                mirror_down(mirror, false, "the connection was lost while it was being prepared");
}

static void fails(struct mirror *mirror, const char *doing, const struct query_result *result) {
        _cleanup_free_ char *text = xasprintf("cannot %s: %s (SQLSTATE %s)", doing, result->error, result->sqlstate);

        /* What is wrong with the schema or the rights stays wrong until somebody changes it: class 42 and the like. */
        mirror_down(mirror, strncmp(result->sqlstate, "08", 2) != 0 && strncmp(result->sqlstate, "57", 2) != 0, text);
}

/* 3: every row again, if the database knows less than it has acknowledged. */
static void forgotten(void *user) {
        struct mirror *mirror = mirror_link_take(user);

        if (mirror && mirror->connection)
                mirror_is_up(mirror);
}

static void replay_everything(struct mirror *mirror, int64_t local) {
        struct store_batch *batch = store_batch_new();
        char number[32];

        log_notice(
                "PostgreSQL knows %lld batches of rows of the %lld that it was sent (another database, or an older copy): all rows are "
                "sent again",
                (long long)mirror->remote_acknowledged, (long long)local);
        outbox_replay_all(batch);
        (void)snprintf(number, sizeof(number), "%lld", (long long)mirror->remote_acknowledged);
        store_batch_put_setting(batch, "mirror_acknowledged", number);
        struct mirror_link *link = mirror_link_ref(mirror);
        store_batch_on_release(batch, mirror_link_release);
        if (store_submit(mirror->store, batch, forgotten, link) < 0) {
                (void)store_batch_free(batch);
                mirror_down(mirror, false, "state.db is busy");
        }
}

static void local_state_known(int error, const char *error_text, struct outbox_rows *rows, void *user) {
        struct mirror *mirror = mirror_link_take(user);
        int64_t local = rows ? rows->acknowledged : 0;

        if (mirror && rows)
                replay_note_state(mirror, rows);
        (void)outbox_rows_free(rows);
        if (!mirror || !mirror->connection)
                return;
        if (error < 0)
                mirror_down(mirror, false, error_text ? error_text : strerror(-error));
        else if (mirror->remote_acknowledged < local)
                replay_everything(mirror, local);
        else
                mirror_is_up(mirror);
}

static void instance_known(const struct query_result *result, void *user) {
        struct mirror *mirror = user;

        if (result->error || !result->tuples || PQntuples(result->tuples) != 1) {
                fails(mirror, "find this daemon's row in batch_instances", result);
                return;
        }
        (void)parse_int64(PQgetvalue(result->tuples, 0, 0), &mirror->remote_acknowledged);
        mirror->acknowledged = mirror->remote_acknowledged;
        struct mirror_link *link = mirror_link_ref(mirror);
        int r = outbox_read(mirror->store, mirror->host, 0, local_state_known, link);
        if (r < 0) {
                (void)mirror_link_take(link);
                mirror_down(mirror, false, "state.db is busy");
        }
}

/* 2: this daemon's row. */
static void find_instance(struct mirror *mirror) {
        _cleanup_free_ char *host = connection_quote(mirror->connection, mirror->host);
        _cleanup_free_ char *sql = xasprintf(
                "%s INSERT INTO batch_instances (instance, host, acknowledged) VALUES ('%s', %s, 0) ON CONFLICT (instance)"
                " DO UPDATE SET host = excluded.host, updated_at = now() RETURNING acknowledged",
                temporary_sql, store_instance(mirror->store), host);

        mirror->schema_version = migrations_version(&mirror->migrations);
        ask(mirror, sql, QUERY_TIMEOUT, instance_known);
}

/* 1: the schema. What is there is looked at without a lock first: mostly there is nothing to do, and no right to create
 * is needed then. */
static void migrated(const struct query_result *result, void *user) {
        struct mirror *mirror = user;

        if (result->error) {
                fails(mirror, "bring the database's schema up to date", result);
                return;
        }
        log_notice("PostgreSQL: the schema is now at version %d", migrations_version(&mirror->migrations));
        find_instance(mirror);
}

static bool compare(struct mirror *mirror, const struct query_result *result) {
        _cleanup_free_ char *error = NULL;

        if (migrations_compare(&mirror->migrations, result->tuples, &mirror->applied, &error) >= 0)
                return true;
        mirror_down(mirror, true, error);
        return false;
}

static void locked(const struct query_result *result, void *user) {
        struct mirror *mirror = user;

        if (result->error) {
                fails(mirror, "begin to migrate the database's schema", result);
                return;
        }
        if (!compare(mirror, result))
                return;
        _cleanup_free_ char *sql = migrations_apply_sql(&mirror->migrations, mirror->applied);
        ask(mirror, sql, MIGRATION_TIMEOUT, migrated);
}

static void applied_known(const struct query_result *result, void *user) {
        struct mirror *mirror = user;

        if (result->error) {
                fails(mirror, "read batch_schema_migrations", result);
                return;
        }
        if (!compare(mirror, result))
                return;
        if (mirror->applied == mirror->migrations.count)
                find_instance(mirror);
        else
                ask(mirror, migrations_begin_sql, MIGRATION_TIMEOUT, locked);
}

static void session_set(const struct query_result *result, void *user) {
        struct mirror *mirror = user;

        if (result->error)
                fails(mirror, "set up the session", result);
        else if (result->tuples && PQntuples(result->tuples) == 1 && !PQgetisnull(result->tuples, 0, 0))
                ask(mirror, applied_sql, QUERY_TIMEOUT, applied_known);
        else
                ask(mirror, migrations_begin_sql, MIGRATION_TIMEOUT, locked);
}

void mirror_prepare(struct mirror *mirror) {
        if (connection_server_version(mirror->connection) < 120000) {
                mirror_down(mirror, true, "the server is older than PostgreSQL 12, which has no generated columns");
                return;
        }
        ask(mirror, mirror_session_sql, QUERY_TIMEOUT, session_set);
}
