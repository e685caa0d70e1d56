/* Steps that a program reports from inside its work (STEP=, STEP_RESULT=): rows of their own below the step's,
 * OUTER/INNER with the item and the attempt of the outer one, "#2" behind the name of one that begins again. */
#pragma once

#include "engine.h"

struct task_run;
struct run;

/* A run keeps no more of them: what comes later is told of in a warning. */
#define NESTED_STEPS_MAX 500

/* One report (supervise.h): number from 1. */
void nested_report(struct task_run *task, const char *number, const char *value);
/* The attempt has ended, as its record says: what is open is closed with the attempt's outcome. One that failed
 * although the whole succeeded is a warning. */
void nested_close(struct task_run *task);
/* Into the batch of this pass: those that changed. */
void nested_put(struct task_run *task);
/* Before the next attempt, or at the end of the run. */
void nested_forget(struct task_run *task);
/* Recovery: a record of the task's latest attempt, in the order of ordinals; copied. */
void nested_restore(struct task_run *task, const struct attempt_record *record);
/* Those of the latest attempt, in the order in which they began; NULL behind the last one. */
const struct attempt_record *nested_at(const struct task_run *task, size_t index);
/* Of the one that goes on, the latest of several; else the step's own name. */
const char *nested_current_name(const struct task_run *task);
