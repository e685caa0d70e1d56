/* What the files of the mirror share. One connection, and on it one thing after the other: connect, prepare, then
 * batches. */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>

#include "connection.h"
#include "migrations.h"
#include "mirror.h"
#include "outbox.h"
#include "resolver.h"

/* Callbacks of the store and the reader may come after the mirror is gone: they hold this. */
struct mirror_link {
        unsigned references;
        struct mirror *mirror; /* NULL once it is gone */
};

/* Rows from..to-1 of the batch, to be tried in one transaction. */
struct range {
        size_t from, to;
};

struct mirror {
        struct loop *loop;
        struct store *store;
        struct mirror_link *link;
        bool off;
        char *host;
        PQconninfoOption *options; /* conninfo over the environment and the defaults */
        struct migrations migrations;

        /* Reaching the server */
        struct resolution *resolution;
        struct connection *connection;
        struct loop_timer *retry;
        usec_t backoff;
        bool up; /* prepared: batches may go */
        char *error;
        usec_t since; /* of being up, or down */
        int schema_version;
        char *server_version;
        size_t applied; /* migrations, while it prepares */
        int64_t remote_acknowledged;

        /* Replaying */
        struct loop_timer *pause; /* collects what comes close together */
        bool wanted;              /* something changed since the outbox was read */
        bool reading, sending, acknowledging;
        struct outbox_rows *rows;
        struct range *ranges; /* a stack: the next one is the last */
        size_t n_ranges, capacity_ranges;
        char *sql;
        struct copy_data copies[_OUTBOX_MAX];
        struct store_batch *acks; /* to be submitted */
        size_t n_acks, n_parks;
        int64_t acknowledged; /* transactions */

        bool batch_under_way;         /* the connection has one of its ranges */
        struct mirror_query *queries; /* what others ask; the first is under way while `asking` */
        bool asking;

        /* How things stand */
        int64_t waiting, parked;
        usec_t oldest;
        char *parked_error;
};

/* mirror.c */
struct mirror *
mirror_link_take(struct mirror_link *link); /* for a callback: gives the reference back; NULL when the mirror is gone */
struct mirror_link *mirror_link_ref(struct mirror *mirror);
void mirror_link_release(void *link);
/* Closes the connection and tries again after a while; refused: what will not pass by itself. */
void mirror_down(struct mirror *mirror, bool refused, const char *text);
void mirror_is_up(struct mirror *mirror);

/* mirror_prepare.c: from an open connection to mirror_is_up, or mirror_down. */
void mirror_prepare(struct mirror *mirror);
extern const char mirror_session_sql[];

/* mirror_replay.c */
/* Looks what is to be done next, and does it. */
void replay_continue(struct mirror *mirror);
/* The connection is gone: what was under way is read and sent again later. */
void replay_abandon(struct mirror *mirror);
/* The connection is free again after a question. */
void replay_resume(struct mirror *mirror);
void replay_note_state(struct mirror *mirror, struct outbox_rows *rows);
/* While a batch is under way: how much waits now. */
void replay_count(struct mirror *mirror);

/* mirror_query.c */
/* Sends the next question when the connection is free; true: it has one, a batch must wait. */
bool mirror_query_continue(struct mirror *mirror);
/* The connection is gone: all that wait are answered with the error. */
void mirror_query_abandon(struct mirror *mirror, const char *error);
