/* The circuit breakers of all steps: what they have counted is in state.db with the end of the step that they counted,
 * so that a daemon that was killed counts nothing twice and forgets nothing. */
#pragma once

#include "engine.h"

struct task_run;

/* At start, blocking. */
int breakers_load(struct engine *engine);
/* When the runs of an earlier daemon are there: a probe that none of them holds was lost. */
void breakers_recovered(struct engine *engine);

/* An attempt of the task wants to begin. False: its step's breaker refuses; the task ends in a later pass, which has
 * been arranged for. */
bool breaker_lets_through(struct task_run *task);
/* The task has ended, whatever became of it. */
void breaker_note_end(struct task_run *task);

/* {state, failures, opened_at, until, error, run_number, probe} of the step's breaker; NULL while it is closed and
 * counts nothing. New reference. */
struct jval *breaker_json(const struct engine *engine, const char *job, const char *step);
/* Those that are open or half open: an array of the same, with job and step. */
struct jval *breakers_open_json(const struct engine *engine);
