/* Letting go of rows, inside the writer's transaction, and giving their pages back afterwards. All functions: an SQLite
 * code. */
#pragma once

#include <sqlite3.h>

#include "batch.h"

int writer_put_ended_run(sqlite3 *db, const struct retention_row *row);
int writer_remove_run(sqlite3 *db, const struct retention_row *row);
int writer_purge(sqlite3 *db, const struct purge_row *row);
/* Outside of a transaction: when much of the file is free pages, some of them are given back to the file system. */
void writer_shrink(sqlite3 *db);
