/* Models from the lines before a week, tested and stored. */
#pragma once

#include "examples.h"
#include "store_model.h"
#include "worker.h"

/* Trains on the first n examples, and tests it on the last ten weeks of them, each foretold from those before it.
 * `week` is the one that they are before; it is named in an error. 0, or NFL_DATA: too few. Sets all but the version.
 */
int training_run(const struct examples *examples, size_t n, const struct week *week, struct stored_model *ret,
                 char **ret_error);
/* The newest model that knows no later week than those before `week`, as model_find; where there is none, one is
 * trained and stored if enough lines are. Within the caller's transaction. *ret_found false: there are too few. */
int training_ensure(struct worker *worker, const struct week *week, struct stored_model *ret, bool *ret_found,
                    char **ret_error);
/* One line about a model that was trained, one about its test. */
void training_say(const struct stored_model *model);
