/* What runs now, as protocol objects. */
#include <inttypes.h>
#include <stdlib.h>

#include "backfill.h"
#include "engine_internal.h"
#include "limits.h"
#include "nested_steps.h"
#include "strutil.h"
#include "view.h"
#include "xalloc.h"

const struct task_run *run_current_task(const struct run *run) {
        for (const struct task_run *task = run->alive; task; task = task->next_alive)
                if (run->machine.tasks[task->index].state != TASK_WAITING)
                        return task;
        /* Between two attempts the step that waits is the current one. */
        return run->alive;
}

static struct run_progress progress_of(const struct run *run) {
        double own = 0;

        if (run->backfill)
                return backfill_progress(run);

        for (const struct task_run *task = run->alive; task; task = task->next_alive)
                if (run->machine.tasks[task->index].kind == TASK_STEP)
                        own += own_progress_of(task->own_progress);
        return run_machine_progress(&run->machine, own);
}

enum run_status run_told_status(const struct run *run) {
        return run->ended ? run->told_status : run->record.status;
}

enum reason run_told_reason(const struct run *run) {
        return run->ended || run->cancel_held ? run->told_reason : run->record.reason;
}

struct jval *run_identity_json(const struct run *run) {
        struct jval *params = jval_object();

        jval_set_str(params, "run_id", run->record.run_id);
        jval_set_int(params, "run_number", run->record.run_number);
        jval_set_str(params, "job", run->record.job);
        jval_set_str(params, "status", run_status_to_string(run_told_status(run)));
        jval_set_str(params, "reason", reason_to_string(run_told_reason(run)));
        return params;
}

struct jval *run_progress_json(const struct run *run) {
        struct run_progress progress = progress_of(run);
        struct jval *object = jval_object();

        jval_set_int(object, "total", (int64_t)progress.total);
        jval_set_int(object, "completed", (int64_t)progress.completed);
        jval_set_int(object, "failed", (int64_t)progress.failed);
        jval_set_int(object, "running", (int64_t)progress.running);
        jval_set_real(object, "percent", progress.percent);
        return object;
}

static void set_wait(struct jval *object, struct jval *wait) {
        if (wait)
                jval_set(object, "waits_for", wait);
}

void run_set_wait(struct jval *object, const struct run *run) {
        set_wait(object, run_waits_for(run));
}

double run_elapsed_seconds(const struct run *run) {
        return run->record.started_at ? (double)(now_boottime() - run->started_boottime) / 1e6 : 0;
}

/* The members that tell where a run is: of run.current, run.show and run.state alike. */
void run_set_position(struct jval *object, const struct run *run) {
        const struct task_run *task = run_current_task(run);

        jval_set_real(object, "elapsed_seconds", run_elapsed_seconds(run));
        if (run->backfill) {
                _cleanup_free_ char *current = backfill_current(run);

                jval_set_str(object, "current_step", current ? "backfill" : NULL);
                jval_set_str(object, "current_item", current);
                return;
        }
        if (!task)
                return;
        jval_set_str(object, "current_step", nested_current_name(task));
        jval_set_str(object, "current_item",
                     task->item_text        ? task->item_text
                     : task->record.item[0] ? task->record.item
                                            : NULL);
        if (task->total > 0) {
                jval_set_int(object, "step_done", task->done);
                jval_set_int(object, "step_total", task->total);
        }
        if (task->status_text)
                jval_set_str(object, "status_text", task->status_text);
}

struct jval *run_current_json(const struct run *run) {
        struct run_progress progress = progress_of(run);
        struct jval *object = jval_object();

        jval_set_int(object, "run_number", run->record.run_number);
        jval_set_str(object, "run_id", run->record.run_id);
        jval_set_str(object, "job", run->record.job);
        jval_set_str(object, "batch_type", run->record.batch_type);
        jval_set_str(object, "batch_mode", run->record.batch_mode);
        jval_set_str(object, "status", run_status_to_string(run_told_status(run)));
        jval_set_str(object, "reason", reason_to_string(run_told_reason(run)));
        jval_set_str(object, "triggered_by", trigger_to_string(run->record.triggered_by));
        jval_set_str(object, "triggered_by_user", run->record.triggered_by_user);
        jval_set_time(object, "created_at", run->record.created_at);
        jval_set_time(object, "started_at", run->record.started_at);
        run_set_wait(object, run);
        jval_set_int(object, "total", (int64_t)progress.total);
        jval_set_int(object, "completed", (int64_t)progress.completed);
        jval_set_int(object, "failed", (int64_t)progress.failed);
        jval_set_int(object, "running", (int64_t)progress.running);
        jval_set_real(object, "progress_percent", progress.percent);
        run_set_position(object, run);
        return object;
}

/* An attempt as part of run.show: what it printed stays on disk. */
static void set_live_members(struct jval *step, const struct task_run *task, enum task_state state) {
        if (state == TASK_PENDING) {
                jval_set_int(step, "attempt", 0);
                return;
        }
        if (step_status_is_final(task->record.status))
                return;
        if (task->record.started_at)
                jval_set_real(step, "elapsed_seconds", (double)(now_realtime() - task->record.started_at) / 1e6);
        if (task->total > 0) {
                struct jval *progress = jval_object();

                jval_set_int(progress, "done", task->done);
                jval_set_int(progress, "total", task->total);
                jval_set(step, "progress", progress);
        }
        if (task->status_text)
                jval_set_str(step, "status_text", task->status_text);
}

static struct jval *task_json(const struct run *run, size_t i) {
        struct jval *step = attempt_record_to_json(&run->tasks[i]->record);

        jval_remove(step, "output_log");
        jval_set_int(step, "attempts", run->machine.tasks[i].attempt);
        set_wait(step, limits_task_waits_for(run->tasks[i]));
        set_live_members(step, run->tasks[i], run->machine.tasks[i].state);
        return step;
}

static struct jval *nested_json(const struct attempt_record *record) {
        struct jval *step = attempt_record_to_json(record);

        jval_remove(step, "output_log");
        jval_set_int(step, "attempts", record->attempt);
        if (!step_status_is_final(record->status))
                jval_set_real(step, "elapsed_seconds", (double)(now_realtime() - record->started_at) / 1e6);
        return step;
}

struct jval *run_steps_json(const struct run *run, size_t after, size_t count) {
        struct jval *steps = jval_array();
        size_t row = 0;

        for (size_t i = 0; i < run->n_tasks && row < after + count; i++) {
                const struct attempt_record *nested;

                if (!run->tasks[i] || !run->tasks[i]->record.step_name || run->machine.tasks[i].kind != TASK_STEP)
                        continue;
                if (row++ >= after)
                        jval_add(steps, task_json(run, i));
                for (size_t k = 0; row < after + count && (nested = nested_at(run->tasks[i], k)); k++)
                        if (row++ >= after)
                                jval_add(steps, nested_json(nested));
        }
        return steps;
}

struct jval *run_items_json(const struct run *run) {
        struct jval *lists = jval_array();

        for (size_t i = 0; i < run->plan.n_steps; i++) {
                const struct task_counts *counts = &run->machine.steps[i].counts;
                struct jval *step;

                if (run->plan.steps[i].list == PLAN_NONE)
                        continue;
                step = jval_object();
                jval_set_str(step, "step_name", run->plan.steps[i].step->name);
                jval_set_bool(step, "known", run->machine.lists[run->plan.steps[i].list].state == LIST_KNOWN);
                jval_set_int(step, "total", (int64_t)counts->total);
                jval_set_int(step, "completed", (int64_t)counts->completed);
                jval_set_int(step, "failed", (int64_t)counts->failed);
                jval_set_int(step, "skipped", (int64_t)counts->skipped);
                jval_set_int(step, "running", (int64_t)counts->running);
                jval_add(lists, step);
        }
        return lists;
}
