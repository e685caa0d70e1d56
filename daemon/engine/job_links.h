/* What job files say of each other (AfterJob=), looked at when all have been read. */
#pragma once

#include "job_registry.h"

/* Every job that is named exists, gives what is required, and none follows itself round a circle. A job whose file is
 * wrong here falls back to its version in `before`. */
void job_links_check(struct job_registry *registry, const struct job_registry *before, struct diagnostics *diagnostics);
