/* The schema of state.db, its migrations, and how a connection to it is opened. */
#pragma once

#include <stdbool.h>

#include <sqlite3.h>

/* The writing connection: opens or creates the file, checks it, migrates it to the schema that this program knows.
 * -EPROTO: a newer schema, left untouched; -EBADMSG: damaged, left untouched; other negative errno. */
int schema_open_writer(sqlite3 **ret, const char *path, char **ret_error);
/* A connection that only reads. The file exists and has been migrated. */
int schema_open_reader(sqlite3 **ret, const char *path, char **ret_error);
