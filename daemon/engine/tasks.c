/* The engine's side of a run's tasks: one beside each of the state machine's. Timers and callbacks hold pointers to
 * them, so they stay where they are while their number grows. */
#include <stdlib.h>

#include "engine_internal.h"
#include "gates.h"
#include "nested_steps.h"
#include "xalloc.h"

static void retry_due(void *user) {
        struct task_run *task = user;
        struct effects effects = {0};

        (void)run_machine_retry_due(&task->run->machine, task->index, &effects);
        run_apply(task->run, &effects);
}

static void task_free(struct task_run *task) {
        attempt_record_done(&task->record);
        task->retry_timer = loop_timer_free(task->retry_timer);
        free(task->status_text);
        free(task->item_text);
        if (task->earlier_metrics)
                jval_unref(task->earlier_metrics);
        if (task->set_metrics)
                jval_unref(task->set_metrics);
        gates_forget(task);
        nested_forget(task);
        free(task);
}

void run_add_tasks(struct run *run) {
        while (run->n_tasks < run->machine.n_tasks) {
                struct task_run *task = NEW(struct task_run);

                task->run = run;
                task->index = run->n_tasks;
                GROW(run->tasks, run->n_tasks, run->tasks_capacity);
                run->tasks[run->n_tasks++] = task;
        }
}

void task_arm_retry(struct task_run *task, usec_t delay) {
        struct engine *engine = task->run->engine;

        if (!task->retry_timer && loop_timer_new(engine->loop, &task->retry_timer, retry_due, task) < 0)
                decisions_after_commit(engine, retry_due, task); /* rather too early than never */
        else
                loop_timer_arm(task->retry_timer, delay);
}

void run_free_tasks(struct run *run) {
        for (size_t i = 0; i < run->n_tasks; i++)
                task_free(run->tasks[i]);
        free(run->tasks);
        run->tasks = NULL;
        run->n_tasks = run->tasks_capacity = 0;
}

void task_mark(struct task_run *task) {
        task->dirty = true;
        run_state_changed(task->run);
}

const struct step *task_step(const struct task_run *task) {
        return run_machine_step(&task->run->machine, task->index);
}
