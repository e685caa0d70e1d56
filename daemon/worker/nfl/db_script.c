#include <errno.h>
#include <stdlib.h>

#include "db_script.h"
#include "errorclass.h"
#include "errortext.h"
#include "macro.h"
#include "strutil.h"

int db_script_start(struct db *db, struct db_script *script, const char *sql, char **ret_error) {
        script->db = db;
        if (!PQsendQuery(db_connection(db), sql))
                return db_explain(db, NULL, ret_error);
        script->running = true;
        return 0;
}

static void fail(struct db_script *script, const PGresult *result) {
        if (script->failure == 0)
                script->failure = db_explain(script->db, result, &script->error);
}

static void send_rows(struct db_script *script) {
        if (script->copied == script->n_copies)
                abort();
        if (db_send_rows(script->db, script->copies[script->copied++]) < 0)
                fail(script, NULL);
}

/* A COPY that could not be sent is asked about for ever: then the connection is gone. */
static bool take_result(struct db_script *script) {
        PGresult *result = PQgetResult(db_connection(script->db));
        if (!result || (script->failure < 0 && PQresultStatus(result) == PGRES_COPY_IN)) {
                script->running = false;
        } else if (PQresultStatus(result) == PGRES_COPY_IN) {
                send_rows(script);
        } else if (PQresultStatus(result) == PGRES_TUPLES_OK) {
                if (script->n_rows == DB_SCRIPT_MAX)
                        abort();
                script->rows[script->n_rows++] = result;
                result = NULL;
        } else if (PQresultStatus(result) != PGRES_COMMAND_OK) {
                fail(script, result);
        }
        PQclear(result);
        return script->running;
}

int db_script_poll(struct db_script *script, bool wait, char **ret_error) {
        PGconn *connection = db_connection(script->db);
        if (script->running && !wait && !PQconsumeInput(connection)) {
                fail(script, NULL);
                script->running = false;
        }
        while (script->running && (wait || !PQisBusy(connection)))
                if (!take_result(script))
                        break;
        if (script->running)
                return 0;
        if (script->failure < 0)
                return error_set(ret_error, script->failure, "%s", str_or(script->error, "failed"));
        return 1;
}

void db_script_done(struct db_script *script) {
        for (size_t i = 0; i < script->n_rows; i++)
                PQclear(script->rows[i]);
        free(script->error);
        *script = (struct db_script){0};
}
