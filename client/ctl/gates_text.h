/* Gates of steps as people read them. */
#pragma once

#include "jval.h"

/* "records>=5 band (warn) coverage>=90% breaker (3)" of a step of job.show; NULL when it has none. New string. */
char *text_gates(const struct jval *step);
/* "coverage, load/records": what a run skips; NULL when it skips none. New string. */
char *text_skipped_gates(const struct jval *run);
