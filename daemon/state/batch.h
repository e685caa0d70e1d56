/* Inside of a batch: what the loop decided, as rows, and what the store's thread does with it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "due_row.h"
#include "outbox.h"
#include "rows.h"
#include "store.h"

enum op_kind {
        OP_RUN,
        OP_ATTEMPT,
        OP_REQUEST,
        OP_AUDIT,
        OP_SETTING,
        OP_DROP_SETTINGS,
        OP_DUE,
        OP_ACKNOWLEDGE,
        OP_REPLAY_ALL,
        OP_ENDED_RUN,
        OP_REMOVE_RUN,
        OP_PURGE
};

struct request_row {
        char *request_id, *answer;
        int64_t uid;
        usec_t at;
};

struct setting_row {
        char *key, *value; /* OP_DROP_SETTINGS: key is their prefix */
};

/* The mirror's word on one row: in PostgreSQL (error NULL), or refused there for its data. */
struct acknowledge_row {
        struct outbox_key key;
        char *error;
};

/* Of a run: what its files take, when it has ended; or that its rows go, if they still may. */
struct retention_row {
        int64_t run_number;
        int64_t bytes;
        bool mirrored;
};

struct purge_row {
        usec_t audit_before;
        uint64_t audit_rows;
        bool mirrored;
        char *definitions; /* JSON array of the hashes in force */
};

struct op {
        enum op_kind kind;
        union {
                struct run_row run;
                struct attempt_row attempt;
                struct request_row request;
                struct audit_row audit;
                struct setting_row setting;
                struct due_row due;
                struct acknowledge_row acknowledge;
                struct retention_row retention;
                struct purge_row purge;
        };
};

struct store_batch {
        struct op *ops;
        size_t n_ops, capacity;
        uint32_t *attempts; /* a hash table of the attempts' operations: index + 1, 0 is free */
        size_t n_attempts, n_slots;
        void (*done)(void *user);
        void (*release)(void *user); /* instead of done, when the store closes first; or NULL */
        void *user;
};
