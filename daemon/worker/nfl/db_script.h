/* A transaction that the server works on while its caller does other things.
 *
 * It is one simple query of several statements, COPY among them: PostgreSQL makes one transaction of it, which fails as
 * a whole. Nothing else may be asked of the connection until it has ended. */
#pragma once

#include "db.h"

#define DB_SCRIPT_MAX 4

struct db_script {
        struct db *db;
        /* What the statements COPY ... FROM STDIN get, one after the other; borrowed until the end. */
        const struct buf *copies[DB_SCRIPT_MAX];
        size_t n_copies, copied;
        PGresult *rows[DB_SCRIPT_MAX]; /* of the statements that give rows, in their order */
        size_t n_rows;
        bool running;
        int failure;
        char *error; /* of the failure */
};

/* script: copies and n_copies set, the rest zero. Statements that give rows: up to DB_SCRIPT_MAX. 0, or as db_run. */
int db_script_start(struct db *db, struct db_script *script, const char *sql, char **ret_error);
/* 1: all is committed, and rows are there. 0: not yet (never with `wait`). Negative, as db_run: nothing has changed. */
int db_script_poll(struct db_script *script, bool wait, char **ret_error);
/* Frees what it holds; a script that still runs ends with its connection. */
void db_script_done(struct db_script *script);
