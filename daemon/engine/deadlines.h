/* Deadline=: instants by which a job must have succeeded since the one before; when it has not, alerts tell, also when
 * nothing ran at all, and when the daemon was away at that instant. */
#pragma once

#include "timeutil.h"

struct engine;
struct deadlines;

/* Takes up where an earlier daemon left (state.db): a deadline is judged once. */
int deadlines_new(struct deadlines **ret, struct engine *engine, char **ret_error);
struct deadlines *deadlines_free(struct deadlines *deadlines);
/* The job files were read anew. */
void deadlines_take_jobs(struct deadlines *deadlines);
/* The next deadline of the job; 0: none. */
usec_t deadlines_next(const struct deadlines *deadlines, const char *job);
