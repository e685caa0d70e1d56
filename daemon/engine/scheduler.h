/* The scheduler: starts the jobs whose time has come, by the same path as run.start, and records what became of each
 * due time. One timer, armed for the first of all; nothing wakes up in between. */
#pragma once

#include <stdbool.h>

#include "timeutil.h"

struct engine;
struct scheduler;
struct schedule_set;

/* Takes up the schedules of engine->jobs where an earlier daemon left them (state.db). What is due fires once the loop
 * runs. */
int scheduler_new(struct scheduler **ret, struct engine *engine, char **ret_error);
struct scheduler *scheduler_free(struct scheduler *scheduler);
/* The job files were read anew. */
void scheduler_take_jobs(struct scheduler *scheduler);
/* A run of the job has ended: what waited for it may start. */
void scheduler_run_ended(struct scheduler *scheduler, const char *job);
/* Due times are there that have not been decided yet. */
bool scheduler_is_behind(const struct scheduler *scheduler);
/* The next due time of the job; 0: none. */
usec_t scheduler_next_due(const struct scheduler *scheduler, const char *job);
/* The schedules themselves, to be looked at. */
const struct schedule_set *scheduler_set(const struct scheduler *scheduler);
/* For a status line: "; next due weekly_update at 2026-11-24 12:00:00", or "". New string. */
char *scheduler_status(const struct scheduler *scheduler);
