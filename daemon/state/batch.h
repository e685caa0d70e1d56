/* Inside of a batch: what the loop decided, as rows, and what the store's thread does with it. */
#pragma once

#include <stddef.h>

#include "outbox.h"
#include "rows.h"
#include "store.h"

enum op_kind { OP_RUN, OP_ATTEMPT, OP_REQUEST, OP_AUDIT, OP_SETTING, OP_ACKNOWLEDGE, OP_REPLAY_ALL };

struct request_row {
        char *request_id, *answer;
        int64_t uid;
        usec_t at;
};

struct setting_row {
        char *key, *value;
};

/* The mirror's word on one row: in PostgreSQL (error NULL), or refused there for its data. */
struct acknowledge_row {
        struct outbox_key key;
        char *error;
};

struct op {
        enum op_kind kind;
        union {
                struct run_row run;
                struct attempt_row attempt;
                struct request_row request;
                struct audit_row audit;
                struct setting_row setting;
                struct acknowledge_row acknowledge;
        };
};

struct store_batch {
        struct op *ops;
        size_t n_ops, capacity;
        void (*done)(void *user);
        void (*release)(void *user); /* instead of done, when the store closes first; or NULL */
        void *user;
};
