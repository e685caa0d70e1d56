/* What differs between two versions of a job's files. */
#pragma once

#include "job_file.h"

/* "[Step odds] Exec=", ... in the order of the file: keys whose values are not the same in both, sections that only one
 * of them has. NULL when they say the same (in comments and order they may differ). New memory. */
char **job_changes(const struct source_text *before, size_t n_before, const struct source_text *now, size_t n_now);
