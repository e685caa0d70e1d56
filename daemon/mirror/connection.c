#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "errortext.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

#define CONNECT_TIMEOUT (15 * USEC_PER_SEC)
#define COPY_SLICE ((size_t)64 * 1024)
#define ERROR_MAX 600

struct connection {
        struct loop *loop;
        PGconn *pg;
        /* A duplicate of libpq's descriptor, which libpq closes as soon as it finds the server gone, in the middle of
         * any call and often without an error: the number could be another thread's before the loop lets go of it. */
        int fd;
        struct loop_io *io;
        struct loop_timer *deadline;
        const struct connection_events *events;
        void *user;
        bool is_open;
        /* The query that runs */
        query_fn fn;
        void *fn_user;
        const struct copy_data *copies;
        size_t n_copies, copy, copied; /* which one, and how much of it is sent */
        bool copying;
        PGresult *tuples;
        char sqlstate[6];
        char *error;
};

/* libpq's texts end in a newline and may have several lines. */
static char *one_line(const char *text) {
        char *line = xstrndup(text, ERROR_MAX);
        size_t len = strlen(line);

        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == ' '))
                line[--len] = '\0';
        for (char *c = line; *c; c++)
                if (*c == '\n' || *c == '\t')
                        *c = ' ';
        return line;
}

static void forget_query(struct connection *connection) {
        PQclear(connection->tuples);
        connection->tuples = NULL;
        free(connection->error);
        connection->error = NULL;
        connection->sqlstate[0] = '\0';
        connection->fn = NULL;
        connection->copying = false;
}

static void unwatch(struct connection *connection) {
        connection->io = loop_io_free(connection->io);
        if (connection->fd >= 0)
                (void)close(steal_fd(&connection->fd));
}

static void breaks(struct connection *connection, const char *text) {
        _cleanup_free_ char *line = one_line(*text ? text : "the connection was lost");

        unwatch(connection);
        loop_timer_disarm(connection->deadline);
        connection->events->broken(line, connection->user);
}

static void deadline_passed(void *user) {
        struct connection *connection = user;

        if (PQstatus(connection->pg) == CONNECTION_BAD)
                breaks(connection, PQerrorMessage(connection->pg));
        else
                breaks(connection, connection->is_open ? "the server did not answer in time"
                                                       : "the server did not accept the connection in time");
}

static void ready(int fd, unsigned events, void *user);

/* While libpq connects it may go from one descriptor to the next. */
static int watch(struct connection *connection, unsigned interest) {
        unwatch(connection);
        connection->fd = fcntl(PQsocket(connection->pg), F_DUPFD_CLOEXEC, 0);
        if (connection->fd < 0)
                return -errno;
        return loop_io_new(connection->loop, &connection->io, connection->fd, interest, ready, connection);
}

static void continue_connecting(struct connection *connection) {
        unwatch(connection);
        PostgresPollingStatusType status = PQconnectPoll(connection->pg);
        int r = 0;

        if (status == PGRES_POLLING_READING)
                r = watch(connection, LOOP_READ);
        else if (status == PGRES_POLLING_WRITING)
                r = watch(connection, LOOP_WRITE);
        else if (status == PGRES_POLLING_OK && PQsetnonblocking(connection->pg, 1) == 0) {
                r = watch(connection, LOOP_READ);
                if (r >= 0) {
                        connection->is_open = true;
                        loop_timer_disarm(connection->deadline);
                        connection->events->opened(connection->user);
                        return;
                }
        } else {
                breaks(connection, PQerrorMessage(connection->pg));
                return;
        }
        if (r < 0)
                breaks(connection, strerror(-r));
}

/* 1: all is sent; 0: the socket takes no more now; negative: broken. Where the server has gone libpq closes its
 * descriptor and may still return without an error, to tell it with the result. */
static int flush(struct connection *connection) {
        int r = PQflush(connection->pg);

        if (r < 0 || PQsocket(connection->pg) < 0)
                return -EPIPE;
        loop_io_set_interest(connection->io, r > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ);
        return r == 0;
}

/* As much of the COPY's data as the socket takes; 1 when its end is sent too. */
static int continue_copying(struct connection *connection) {
        static const struct copy_data nothing = {"", 0};
        const struct copy_data *copy =
                connection->copy < connection->n_copies ? &connection->copies[connection->copy] : &nothing;
        int r;

        while (connection->copied < copy->len) {
                size_t slice = MIN(COPY_SLICE, copy->len - connection->copied);
                r = PQputCopyData(connection->pg, copy->data + connection->copied, (int)slice);
                if (r < 0)
                        return -EPIPE;
                if (r > 0)
                        connection->copied += slice;
                r = flush(connection);
                if (r <= 0)
                        return r;
        }
        r = PQputCopyEnd(connection->pg, NULL);
        if (r < 0 || PQsocket(connection->pg) < 0)
                return -EPIPE;
        if (r == 0) {
                loop_io_set_interest(connection->io, LOOP_READ | LOOP_WRITE);
                return 0;
        }
        connection->copying = false;
        connection->copy++;
        connection->copied = 0;
        r = flush(connection);
        return r < 0 ? r : 1;
}

static void take_error(struct connection *connection, const PGresult *result) {
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

        if (connection->error) /* the first one counts */
                return;
        _cleanup_free_ char *text = primary ? xasprintf("%s%s%s", primary, detail ? ": " : "", str_or(detail, ""))
                                            : xstrdup(PQresultErrorMessage(result));
        connection->error = one_line(text);
        /* libpq's own errors have no state: as a lost connection's. */
        memcpy(connection->sqlstate, state && strlen(state) == 5 ? state : "08000", sizeof(connection->sqlstate));
}

static void query_ended(struct connection *connection) {
        query_fn fn = connection->fn;
        _cleanup_free_ char *error = STEAL_PTR(connection->error);
        PGresult *tuples = STEAL_PTR(connection->tuples);
        struct query_result result = {.error = error, .tuples = error ? NULL : tuples};

        loop_timer_disarm(connection->deadline);
        if (PQstatus(connection->pg) == CONNECTION_BAD) {
                unwatch(connection);
                loop_timer_arm(connection->deadline, 0);
        }
        memcpy(result.sqlstate, connection->sqlstate, sizeof(result.sqlstate));
        forget_query(connection);
        fn(&result, connection->fn_user); /* may close the connection */
        PQclear(tuples);
}

/* Takes the results that are there. 1: the query has ended (and the connection may be gone); 0: more will come. */
static int take_results(struct connection *connection) {
        while (!PQisBusy(connection->pg)) {
                PGresult *result = PQgetResult(connection->pg);
                if (!result) {
                        if (!connection->fn)
                                return 0;
                        query_ended(connection);
                        return 1;
                }
                ExecStatusType status = PQresultStatus(result);
                if (status == PGRES_COPY_IN) {
                        PQclear(result);
                        connection->copying = true;
                        int r = continue_copying(connection);
                        if (r <= 0)
                                return r;
                        continue;
                }
                if (status == PGRES_TUPLES_OK) {
                        PQclear(connection->tuples);
                        connection->tuples = result;
                        continue;
                }
                if (status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY)
                        take_error(connection, result);
                PQclear(result);
        }
        return 0;
}

static void ready(int fd, unsigned events, void *user) {
        struct connection *connection = user;
        int r = 0;

        if (!connection->is_open) {
                continue_connecting(connection);
                return;
        }
        if (events & LOOP_READ && PQconsumeInput(connection->pg) == 0)
                r = -EPIPE;
        if (r >= 0)
                r = connection->copying && !PQisBusy(connection->pg) ? continue_copying(connection) : flush(connection);
        if (r >= 0)
                r = take_results(connection);
        if (r > 0)
                return;
        /* A server that goes away says so in a result (57P01) before it closes. */
        if (r < 0 || PQstatus(connection->pg) == CONNECTION_BAD)
                breaks(connection, connection->error ? connection->error : PQerrorMessage(connection->pg));
}

static void drop_notice(void *user, const PGresult *result) {
}

int connection_open(struct connection **ret, struct loop *loop, const char *const *keywords, const char *const *values,
                    const struct connection_events *events, void *user, char **ret_error) {
        struct connection *connection = NEW(struct connection);
        int r;

        *connection = (struct connection){.loop = loop, .fd = -1, .events = events, .user = user};
        r = loop_timer_new(loop, &connection->deadline, deadline_passed, connection);
        if (r >= 0)
                connection->pg = PQconnectStartParams(keywords, values, 0);
        if (r >= 0 && (PQstatus(connection->pg) == CONNECTION_BAD || PQsocket(connection->pg) < 0)) {
                _cleanup_free_ char *line = one_line(PQerrorMessage(connection->pg));
                r = error_set(ret_error, -ECONNREFUSED, "%s", line);
        } else if (r >= 0) {
                (void)PQsetNoticeReceiver(connection->pg, drop_notice, NULL);
                r = watch(connection, LOOP_WRITE);
        }
        if (r < 0) {
                (void)connection_close(connection);
                return r;
        }
        loop_timer_arm(connection->deadline, CONNECT_TIMEOUT);
        *ret = connection;
        return 0;
}

struct connection *connection_close(struct connection *connection) {
        if (!connection)
                return NULL;
        unwatch(connection);
        connection->deadline = loop_timer_free(connection->deadline);
        forget_query(connection);
        PQfinish(connection->pg);
        connection->pg = NULL;
        free(connection);
        return NULL;
}

int connection_query(struct connection *connection, const char *sql, const struct copy_data *copies, size_t n_copies,
                     usec_t timeout, query_fn fn, void *user) {
        if (connection->fn)
                return -EBUSY;
        if (PQsendQuery(connection->pg, sql) == 0)
                return -EPIPE;
        connection->fn = fn;
        connection->fn_user = user;
        connection->copies = copies;
        connection->n_copies = n_copies;
        connection->copy = connection->copied = 0;
        loop_timer_arm(connection->deadline, timeout);
        int r = flush(connection);
        return r < 0 ? r : 0;
}

int connection_server_version(const struct connection *connection) {
        return PQserverVersion(connection->pg);
}

const char *connection_server_version_text(const struct connection *connection) {
        const char *text = PQparameterStatus(connection->pg, "server_version");

        return text ? text : "unknown";
}

char *connection_quote(const struct connection *connection, const char *text) {
        char *quoted = PQescapeLiteral(connection->pg, text, strlen(text));
        char *copy = xstrdup(quoted ? quoted : "''");

        PQfreemem(quoted);
        return copy;
}
