/* state.db: what must survive, written on a thread of its own (WAL, synchronous=FULL). A batch is what one pass of the
 * loop decided: one transaction; its effects may be acted on when it is durable. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "record.h"

struct store;
struct store_batch;

/* Creates the folder and the file where missing, takes the folder's lock (-EBUSY; the error names the holder), migrates
 * the schema (an unknown newer schema is refused, -EPROTO, untouched), starts the thread. */
int store_open(struct store **ret, struct loop *loop, const char *state_dir, char **ret_error);
/* Finishes what is queued, then closes. */
struct store *store_close(struct store *store);
/* The uuid made when state.db was created. */
const char *store_instance(const struct store *store);
const char *store_path(const struct store *store);

struct store_batch *store_batch_new(void);
struct store_batch *store_batch_free(struct store_batch *batch);
bool store_batch_is_empty(const struct store_batch *batch);
/* Copies the record. A later put of the same key in one batch replaces the earlier one. */
void store_batch_put_run(struct store_batch *batch, const struct run_record *record);
/* tail_path: absolute path of a log file whose last 100 lines become output_log (read on the store's thread), or NULL.
 */
void store_batch_put_attempt(struct store_batch *batch, const struct attempt_record *record, const char *tail_path);
/* The first answer to a request stays. STORE_REQUEST_PENDING in its place says that it is being worked on, and gives
 * way to the answer. */
#define STORE_REQUEST_PENDING "{\"pending\":true}"
void store_batch_put_request(struct store_batch *batch, const char *request_id, int64_t uid, const char *answer);
void store_batch_put_audit(struct store_batch *batch, const struct audit_record *record);
/* "" removes the setting. */
void store_batch_put_setting(struct store_batch *batch, const char *key, const char *value);
/* Every setting whose key begins with prefix goes. */
void store_batch_drop_settings(struct store_batch *batch, const char *prefix);
/* Replaces an earlier record of the same job and due time. */
void store_batch_put_due(struct store_batch *batch, const struct due_record *record);

/* Retention. The run has ended and its files take so much: now it can be let go (history_superfluous). */
void store_batch_put_ended_run(struct store_batch *batch, int64_t run_number, int64_t bytes);
/* Its rows and those of its attempts go; unless it is active, or (mirrored) PostgreSQL does not have all of them. */
void store_batch_remove_run(struct store_batch *batch, int64_t run_number, bool mirrored);
/* Entries of the audit from before that instant (0: none) or beyond so many go, and definitions of jobs that are
 * neither in force (an array of hashes) nor an active run's. */
void store_batch_purge(struct store_batch *batch, usec_t audit_before, uint64_t audit_rows, bool mirrored,
                       const struct jval *definitions);

/* Takes the batch over. done(user) is called on the loop once it is durable, in order of submission. When the disk is
 * full or fails, batches wait and are tried again each second: done comes late, never with an error. -EAGAIN when too
 * many wait already (the batch stays the caller's). */
int store_submit(struct store *store, struct store_batch *batch, void (*done)(void *user), void *user);
/* release(user) is called instead of the batch's done when the batch is freed before (the store closes, or the caller
 * frees it). */
void store_batch_on_release(struct store_batch *batch, void (*release)(void *user));
/* NULL when writing works; else why it does not, which may be that the disk does not answer (valid until the next
 * call). */
const char *store_trouble(struct store *store);
/* For how long nothing was heard of the thread that writes, while something waits for it; 0: nothing waits. */
usec_t store_silence(const struct store *store);
/* Whether that thread waits within the kernel for the disk: a new process would wait as well. */
bool store_waits_for_disk(const struct store *store);
/* Batches not yet durable. */
size_t store_backlog(const struct store *store);

/* At start, before the loop runs; blocking. Active runs (queued, running) with all their attempts, oldest first. */
int store_load_active(struct store *store, void (*run)(const struct run_record *record, void *user),
                      void (*attempt)(const struct attempt_record *record, void *user), void *user, char **ret_error);
/* The runs that have this parent, oldest first. Blocking, for the start. 0 or -EIO. */
int store_load_children(struct store *store, const char *parent_run_id,
                        void (*child)(const struct run_record *record, void *user), void *user);
/* The next free numbers. */
int store_load_counters(struct store *store, int64_t *ret_next_run_number, int64_t *ret_next_attempt_number);
/* How many runs in a row were lost, from that one on backwards over retry_of. run_id NULL: none. Blocking, for the
 * start. 0 or negative errno. */
int store_load_times_lost(struct store *store, const char *run_id, unsigned *ret);
/* The value kept under key (store_batch_put_setting), in new memory. Blocking, for the start. 0, -ENOENT or -EIO. */
int store_load_setting(struct store *store, const char *key, char **ret);
/* Every setting whose key begins with prefix, in the order of keys; name: what is behind the prefix. last_due: of the
 * due times that are recorded of the job with that name the last one up to `until` (0: none). Blocking, for the start.
 * 0 or -EIO. */
int store_load_settings(struct store *store, const char *prefix, usec_t until,
                        void (*setting)(const char *name, const char *value, usec_t last_due, void *user), void *user);
