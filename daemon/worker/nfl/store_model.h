/* Trained models in the database. */
#pragma once

#include <stddef.h>

#include "db.h"
#include "measure.h"
#include "regression.h"
#include "worker_settings.h"

struct stored_model {
        char version[64];        /* set by the database */
        struct week first, last; /* the weeks of the lines that trained it */
        size_t lines, scored;
        struct measure test; /* n 0: it was not tested */
        struct regression regression;
};

/* Sets version. */
int model_insert(struct db *db, struct stored_model *model, usec_t now, char **ret_error);
/* The one that was trained with the latest weeks before `week`, the newest of these; of this program's features. Sets
 * version, last and regression. *ret_found false: there is none. */
int model_find(struct db *db, const struct week *week, struct stored_model *ret, bool *ret_found, char **ret_error);
