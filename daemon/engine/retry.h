/* Of a run that goes on where another ended: which items of its steps that leaves. */
#pragma once

#include <stdbool.h>

#include "run_machine.h"
#include "start.h"

struct jval;

/* Whether what became of a step or item (its member of history_run_outcome) needs not run again. */
bool retry_is_done(const struct jval *step);
/* Gives steps with ForEach= the items that did not come through all of them; of those, what a step has done already is
 * recorded as done in this run too, and does not run. */
void retry_items(struct run *run, const struct start_origin *origin, struct effects *effects);
