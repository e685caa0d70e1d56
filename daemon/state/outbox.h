/* What PostgreSQL does not have yet: the rows of state.db whose version is above the mirrored one, handed to the mirror
 * as lines of COPY's text format, formatted on the reader's thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "store.h"

enum outbox_table { OUTBOX_RUNS, OUTBOX_ATTEMPTS, OUTBOX_AUDIT, OUTBOX_DUE, _OUTBOX_MAX };

/* Which version of which row. */
struct outbox_key {
        enum outbox_table table;
        int64_t rowid;
        int64_t version;
};

struct outbox_row {
        struct outbox_key key;
        char *label;        /* for people: "run 12", "step game_logs of run 12 (attempt 1)" */
        size_t offset, len; /* the line in outbox_rows.text, its newline included */
};

/* In the order in which they have to be written: runs, attempts, audit, due times. */
struct outbox_rows {
        struct buf text;
        struct outbox_row *rows;
        size_t count, capacity;
        bool more; /* others wait */
        /* How things stood when they were read */
        int64_t waiting, parked;
        usec_t oldest;        /* since when the oldest waits; 0: none */
        int64_t acknowledged; /* the setting mirror_acknowledged */
        char *parked_error;   /* of the row parked last, or NULL */
};
struct outbox_rows *outbox_rows_free(struct outbox_rows *rows);

/* Columns of the lines, as COPY wants them listed. */
extern const char outbox_run_columns[];
extern const char outbox_attempt_columns[];
extern const char outbox_audit_columns[];
extern const char outbox_due_columns[];

/* error 0: rows is the callee's to free. limit: rows at most (0: only how things stand); bytes are capped at 4 MiB.
 * host is borrowed until fn. Returns 0, or -EAGAIN when too many questions wait. fn is called exactly once: with
 * -ECANCELED when the store closes first. */
typedef void (*outbox_fn)(int error, const char *error_text, struct outbox_rows *rows, void *user);
int outbox_read(struct store *store, const char *host, unsigned limit, outbox_fn fn, void *user);

/* Into a batch: the row is in PostgreSQL (error NULL), or was refused there for its data and waits no longer until it
 * changes. */
void outbox_acknowledge(struct store_batch *batch, const struct outbox_key *key, const char *error);
/* Into a batch: every row waits again (the database on the other side is another one, or an older copy). */
void outbox_replay_all(struct store_batch *batch);
