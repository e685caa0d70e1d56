/* One asynchronous connection to PostgreSQL: one thing at a time, each with a deadline. All callbacks come from the
 * loop, never from within a call. */
#pragma once

#include <stddef.h>

#include <libpq-fe.h>

#include "loop.h"

struct connection;

struct connection_events {
        void (*opened)(void *user);
        /* It is of no use any more: close it. text is what libpq or the deadline says, in one line. */
        void (*broken)(const char *text, void *user);
};

/* keywords and values as PQconnectdbParams takes them; host names must have been resolved (hostaddr). When it cannot
 * even begin the error text says why (-ECONNREFUSED and the like), and there is no connection. */
int connection_open(struct connection **ret, struct loop *loop, const char *const *keywords, const char *const *values,
                    const struct connection_events *events, void *user, char **ret_error);
struct connection *connection_close(struct connection *connection);

/* What came of a query string: sqlstate is "" when all its statements were done. */
struct query_result {
        char sqlstate[6];
        const char *error;      /* one line, or NULL */
        const PGresult *tuples; /* of the last statement that returned rows, or NULL */
};
typedef void (*query_fn)(const struct query_result *result, void *user);

/* Data for a COPY ... FROM STDIN of the query string, borrowed until fn is called. */
struct copy_data {
        const char *data;
        size_t len;
};

/* One or several statements (without BEGIN they are one transaction); each COPY in it takes the next of copies. Errors
 * that leave the connection whole come to fn, others to broken. */
int connection_query(struct connection *connection, const char *sql, const struct copy_data *copies, size_t n_copies,
                     usec_t timeout, query_fn fn, void *user);
int connection_server_version(const struct connection *connection); /* 150020 */
const char *connection_server_version_text(const struct connection *connection);
/* Text as a literal, with quotes; new memory. */
char *connection_quote(const struct connection *connection, const char *text);
