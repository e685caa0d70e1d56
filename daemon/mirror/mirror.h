/* The mirror to PostgreSQL: rows, not events. Reads from state.db what changed since it was acknowledged, upserts the
 * current versions a transaction a batch (COPY into a temporary table, then one upsert guarded by version), and marks
 * them mirrored. Async libpq on the loop; names are resolved on a thread of their own, since PQconnectStart would
 * block. */
#pragma once

#include "jval.h"
#include "loop.h"

struct mirror;
struct store;

struct mirror_config {
        const char *conninfo; /* NULL or "": off */
        const char *host;     /* the `host` column */
        const char *sql_dir;  /* the numbered migrations */
};

int mirror_new(struct mirror **ret, struct loop *loop, struct store *store, const struct mirror_config *config,
               char **ret_error);
struct mirror *mirror_free(struct mirror *mirror);
/* Something changed and is durable in state.db. */
void mirror_poke(struct mirror *mirror);
/* {state: up|down|off, error, since, rows_waiting, oldest_waiting, parked, schema_version, server_version} */
struct jval *mirror_status(const struct mirror *mirror);
/* text: the first column of the first row, NULL when there is none; or error says why there is no answer. */
typedef void (*mirror_answer_fn)(const char *error, const char *text, void *user);
/* Asks the database something that changes nothing, between batches; fn is called from the loop, also when the
 * connection is lost meanwhile or the mirror freed. -ENOTCONN: PostgreSQL is away or off; -EAGAIN: too many questions
 * wait. */
int mirror_query(struct mirror *mirror, const char *sql, mirror_answer_fn fn, void *user);
