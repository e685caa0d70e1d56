/* Views of active runs as protocol objects; shared by queries and watches. */
#pragma once

#include "jval.h"
#include "record.h"

struct run;
struct task_run;

/* As it was before its end, while that is decided and not yet durable: run.show and run.why wait for it, all that is
 * told at once tells of a run that is not over. */
enum run_status run_told_status(const struct run *run);
/* Likewise, and as it was before its cancel while that is not durable. */
enum reason run_told_reason(const struct run *run);
/* run_id, run_number, job, status, reason */
struct jval *run_identity_json(const struct run *run);
struct jval *run_progress_json(const struct run *run);
struct jval *run_current_json(const struct run *run);
/* run.show's `steps` of an active run: `count` of them behind the first `after`; of items, those that run and those
 * that ended last. */
struct jval *run_steps_json(const struct run *run, size_t after, size_t count);
/* `items` of an active run: what each step with ForEach= has done of its items. */
struct jval *run_items_json(const struct run *run);
/* elapsed_seconds, current_step, current_item, step_done, step_total, status_text */
void run_set_position(struct jval *object, const struct run *run);
/* waits_for, where the run is queued. */
void run_set_wait(struct jval *object, const struct run *run);
double run_elapsed_seconds(const struct run *run);
/* The task that runs, or waits for its next attempt; NULL when there is none. */
const struct task_run *run_current_task(const struct run *run);
