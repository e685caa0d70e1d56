/* What a job file rules beyond the plain order of steps, in words. */
#pragma once

#include "context.h"
#include "jval.h"

/* "for each line of ..., 4 at once; a heartbeat each 1min, else it is warned of"; "" when there is nothing. New string.
 */
char *step_rules(const struct jval *step);
/* Labelled lines for those that are set. */
void append_job_rules(const struct context *context, const struct jval *job, struct buf *out);
