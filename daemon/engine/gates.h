/* The gates of steps, at the end of an attempt that would be a success: RecordsMin=, RecordsBand=, CoverageMin=. */
#pragma once

#include "engine_internal.h"
#include "gate.h"

/* What stands at the gates of a task. */
struct task_gates;

/* Asks the history for what the judgement needs. True: it was asked, and settle(task, result) is called again when it
 * has answered. False: go on. */
bool gates_wait(struct task_run *task, const struct attempt_result *result, const struct attempt_end *end,
                void (*settle)(struct task_run *task, const struct attempt_result *result));
/* Judges: a failure becomes end->verdict with its words in end->error_message (the task's own, until it begins anew),
 * what is only strange a warning. */
void gates_judge(struct task_run *task, struct attempt_end *end);
/* Before the next attempt, or at the end of the run. */
void gates_forget(struct task_run *task);
/* Whether whoever started the run said that this gate is to be skipped. */
bool gates_skipped(const struct task_run *task, enum gate gate);
