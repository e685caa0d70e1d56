/* The writing connection and what is done with it on the store's thread: groups of batches into transactions,
 * checkpoints. */
#pragma once

#include <sqlite3.h>

#include "batch.h"

struct writer;

/* Takes over db. NULL with an error text when a statement cannot be prepared. */
struct writer *writer_new(sqlite3 *db, char **ret_error);
struct writer *writer_free(struct writer *writer);
/* Reads what the batch takes from files (log tails). Once a batch, before the first writer_commit. */
void writer_prepare(struct store_batch *batch);
/* All batches in one transaction: 0 once it is durable; else nothing is written and *ret_error says why. */
int writer_commit(struct writer *writer, struct store_batch *const *batches, size_t n, char **ret_error);
/* Moves the WAL into the database when it has grown enough (or is `idle` and has grown a little). */
void writer_checkpoint(struct writer *writer, bool idle);
