/* Players that the database does not know: skipped, counted, and named in one warning at the end of a step. */
#pragma once

#include <stddef.h>

#include "db.h"
#include "strv.h"

struct unknown {
        char **names; /* "Name (id)", each player once */
        size_t rows;  /* skipped because of them */
};

/* NFL_DATA when the table players is empty: then everything would be skipped, and games be marked as stored without a
 * line. */
int unknown_check(struct db *db, char **ret_error);
/* id, name: as the API gave them; name may be NULL. */
void unknown_add(struct unknown *unknown, const char *id, const char *name);
/* The warning, the log line and METRIC players_skipped; nothing when there was none. */
void unknown_report(const struct unknown *unknown);
void unknown_done(struct unknown *unknown);
