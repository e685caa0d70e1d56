#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "strutil.h"
#include "xalloc.h"

struct store_batch *store_batch_new(void) {
        return NEW(struct store_batch);
}

static void op_done(struct op *op) {
        switch (op->kind) {
        case OP_RUN:
                run_row_done(&op->run);
                break;
        case OP_ATTEMPT:
                attempt_row_done(&op->attempt);
                break;
        case OP_REQUEST:
                free(op->request.request_id);
                free(op->request.answer);
                break;
        case OP_AUDIT:
                audit_row_done(&op->audit);
                break;
        case OP_SETTING:
        case OP_DROP_SETTINGS:
                free(op->setting.key);
                free(op->setting.value);
                break;
        case OP_DUE:
                due_row_done(&op->due);
                break;
        case OP_ACKNOWLEDGE:
                free(op->acknowledge.error);
                break;
        case OP_PURGE:
                free(op->purge.definitions);
                break;
        case OP_REPLAY_ALL:
        case OP_ENDED_RUN:
        case OP_REMOVE_RUN:
                break;
        }
}

struct store_batch *store_batch_free(struct store_batch *batch) {
        if (!batch)
                return NULL;
        if (batch->release)
                batch->release(batch->user);
        for (size_t i = 0; i < batch->n_ops; i++)
                op_done(&batch->ops[i]);
        free(batch->ops);
        free(batch->attempts);
        free(batch);
        return NULL;
}

bool store_batch_is_empty(const struct store_batch *batch) {
        return batch->n_ops == 0;
}

static struct op *add_op(struct store_batch *batch, enum op_kind kind) {
        GROW(batch->ops, batch->n_ops, batch->capacity);
        struct op *op = &batch->ops[batch->n_ops++];
        op->kind = kind;
        return op;
}

/* From the newest on: what changes twice in a pass does so in a row. */
static struct op *find_run(struct store_batch *batch, const struct run_record *record) {
        for (size_t i = batch->n_ops; i-- > 0;) {
                struct op *op = &batch->ops[i];
                if (op->kind == OP_RUN && op->run.run_number == record->run_number &&
                    streq(op->run.run_id, record->run_id))
                        return op;
        }
        return NULL;
}

static uint64_t hash_attempt(const char *run_id, const char *step_name, const char *item, int32_t attempt) {
        uint64_t hash = fnv64(FNV64_START, run_id, strlen(run_id));

        hash = fnv64(hash, step_name, strlen(step_name) + 1);
        hash = fnv64(hash, item, strlen(item) + 1);
        return fnv64(hash, &attempt, sizeof(attempt));
}

static bool is_attempt(const struct attempt_row *row, const char *run_id, const char *step_name, const char *item,
                       int32_t attempt) {
        return row->attempt == attempt && streq(row->run_id, run_id) && streq(row->item, item) &&
               streq(row->step_name, step_name);
}

/* The slot that leads to the attempt's operation, or the free one where it belongs. */
static uint32_t *find_slot(struct store_batch *batch, const char *run_id, const char *step_name, const char *item,
                           int32_t attempt) {
        size_t at = (size_t)hash_attempt(run_id, step_name, item, attempt) & (batch->n_slots - 1);

        while (batch->attempts[at] != 0 &&
               !is_attempt(&batch->ops[batch->attempts[at] - 1].attempt, run_id, step_name, item, attempt))
                at = (at + 1) & (batch->n_slots - 1);
        return &batch->attempts[at];
}

/* A pass may decide on very many attempts at once. */
static void grow_slots(struct store_batch *batch) {
        if (batch->n_attempts * 2 < batch->n_slots)
                return;
        free(batch->attempts);
        batch->n_slots = batch->n_slots ? batch->n_slots * 4 : 16;
        batch->attempts = xcalloc(batch->n_slots, sizeof(*batch->attempts));
        for (size_t i = 0; i < batch->n_ops; i++) {
                const struct attempt_row *row = &batch->ops[i].attempt;

                if (batch->ops[i].kind == OP_ATTEMPT)
                        *find_slot(batch, row->run_id, row->step_name, row->item, row->attempt) = (uint32_t)i + 1;
        }
}

void store_batch_put_run(struct store_batch *batch, const struct run_record *record) {
        struct op *op = find_run(batch, record);

        if (op)
                run_row_done(&op->run);
        else
                op = add_op(batch, OP_RUN);
        run_row_fill(&op->run, record);
}

/* What changes twice in a pass does so in a row. */
void store_batch_put_attempt(struct store_batch *batch, const struct attempt_record *record, const char *tail_path) {
        char *earlier_tail = NULL;
        uint32_t *slot;
        struct op *op;

        grow_slots(batch);
        slot = find_slot(batch, record->run_id, record->step_name, str_or(record->item, ""), record->attempt);
        if (*slot != 0) {
                op = &batch->ops[*slot - 1];
                earlier_tail = STEAL_PTR(op->attempt.tail_path);
                attempt_row_done(&op->attempt);
        } else {
                op = add_op(batch, OP_ATTEMPT);
                *slot = (uint32_t)batch->n_ops;
                batch->n_attempts++;
        }
        attempt_row_fill(&op->attempt, record, tail_path ? tail_path : earlier_tail);
        free(earlier_tail);
}

void store_batch_put_request(struct store_batch *batch, const char *request_id, int64_t uid, const char *answer) {
        struct op *op = add_op(batch, OP_REQUEST);

        op->request = (struct request_row){
                .request_id = xstrdup(request_id), .uid = uid, .answer = xstrdup(answer), .at = now_realtime()};
}

void store_batch_put_audit(struct store_batch *batch, const struct audit_record *record) {
        audit_row_fill(&add_op(batch, OP_AUDIT)->audit, record);
}

void store_batch_put_setting(struct store_batch *batch, const char *key, const char *value) {
        struct op *op = add_op(batch, OP_SETTING);

        op->setting = (struct setting_row){.key = xstrdup(key), .value = xstrdup(value)};
}

void store_batch_drop_settings(struct store_batch *batch, const char *prefix) {
        add_op(batch, OP_DROP_SETTINGS)->setting = (struct setting_row){.key = xstrdup(prefix)};
}

void store_batch_put_due(struct store_batch *batch, const struct due_record *record) {
        due_row_fill(&add_op(batch, OP_DUE)->due, record);
}

void store_batch_put_ended_run(struct store_batch *batch, int64_t run_number, int64_t bytes) {
        add_op(batch, OP_ENDED_RUN)->retention = (struct retention_row){.run_number = run_number, .bytes = bytes};
}

void store_batch_remove_run(struct store_batch *batch, int64_t run_number, bool mirrored) {
        add_op(batch, OP_REMOVE_RUN)->retention =
                (struct retention_row){.run_number = run_number, .mirrored = mirrored};
}

void store_batch_purge(struct store_batch *batch, usec_t audit_before, uint64_t audit_rows, bool mirrored,
                       const struct jval *definitions) {
        add_op(batch, OP_PURGE)->purge = (struct purge_row){.audit_before = audit_before,
                                                            .audit_rows = audit_rows,
                                                            .mirrored = mirrored,
                                                            .definitions = jval_dump(definitions)};
}

void outbox_acknowledge(struct store_batch *batch, const struct outbox_key *key, const char *error) {
        struct op *op = add_op(batch, OP_ACKNOWLEDGE);

        op->acknowledge = (struct acknowledge_row){.key = *key, .error = xstrdup_or_null(error)};
}

void outbox_replay_all(struct store_batch *batch) {
        (void)add_op(batch, OP_REPLAY_ALL);
}

void store_batch_on_release(struct store_batch *batch, void (*release)(void *user)) {
        batch->release = release;
}
