/* Questions of others to the database, on the mirror's connection: one at a time, between batches. */
#include <errno.h>
#include <stdlib.h>

#include "mirror_internal.h"
#include "strutil.h"
#include "xalloc.h"

#define QUERIES_MAX 16
#define QUERY_TIMEOUT (10 * USEC_PER_SEC)

struct mirror_query {
        struct mirror_query *next;
        char *sql;
        mirror_answer_fn fn;
        void *user;
};

static struct mirror_query *take_first(struct mirror *mirror) {
        struct mirror_query *query = mirror->queries;

        mirror->queries = query->next;
        return query;
}

static void finish(struct mirror_query *query, const char *error, const PGresult *tuples) {
        const char *text = tuples && PQntuples(tuples) > 0 && PQnfields(tuples) > 0 && !PQgetisnull(tuples, 0, 0)
                                   ? PQgetvalue(tuples, 0, 0)
                                   : NULL;

        query->fn(error, text, query->user);
        free(query->sql);
        free(query);
}

static void query_done(const struct query_result *result, void *user) {
        struct mirror *mirror = user;

        mirror->asking = false;
        finish(take_first(mirror), result->error, result->tuples);
        replay_resume(mirror);
}

bool mirror_query_continue(struct mirror *mirror) {
        if (mirror->asking)
                return true;
        if (!mirror->up || mirror->batch_under_way || !mirror->queries)
                return false;
        mirror->asking = true;
        if (connection_query(mirror->connection, mirror->queries->sql, NULL, 0, QUERY_TIMEOUT, query_done, mirror) < 0)
                mirror_down(mirror, false, "the connection was lost");
        return true;
}

void mirror_query_abandon(struct mirror *mirror, const char *error) {
        mirror->asking = false;
        while (mirror->queries)
                finish(take_first(mirror), error, NULL);
}

int mirror_query(struct mirror *mirror, const char *sql, mirror_answer_fn fn, void *user) {
        struct mirror_query **link = &mirror->queries;
        size_t waiting = 0;

        if (mirror->off || !mirror->up)
                return -ENOTCONN;
        for (; *link; link = &(*link)->next)
                waiting++;
        if (waiting >= QUERIES_MAX)
                return -EAGAIN;
        *link = NEW(struct mirror_query);
        **link = (struct mirror_query){.sql = xstrdup(sql), .fn = fn, .user = user};
        (void)mirror_query_continue(mirror);
        return 0;
}
