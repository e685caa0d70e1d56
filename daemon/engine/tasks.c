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

/* Ended items that stay in memory for those who watch. */
#define ENDED_KEPT 200

static void unlink_change(struct task_run *task) {
        struct run *run = task->run;

        if (task->changed_at == 0)
                return;
        *(task->older ? &task->older->newer : &run->oldest_change) = task->newer;
        *(task->newer ? &task->newer->older : &run->newest_change) = task->older;
        task->older = task->newer = NULL;
        task->changed_at = 0;
}

static void link_change(struct task_run *task) {
        struct run *run = task->run;

        unlink_change(task);
        task->changed_at = run->state_sequence;
        task->older = run->newest_change;
        *(task->older ? &task->older->newer : &run->oldest_change) = task;
        run->newest_change = task;
}

void task_set_alive(struct task_run *task, bool alive) {
        struct run *run = task->run;

        if (task->is_alive == alive)
                return;
        task->is_alive = alive;
        if (alive) {
                task->previous_alive = run->last_alive;
                *(task->previous_alive ? &task->previous_alive->next_alive : &run->alive) = task;
                run->last_alive = task;
                return;
        }
        *(task->previous_alive ? &task->previous_alive->next_alive : &run->alive) = task->next_alive;
        *(task->next_alive ? &task->next_alive->previous_alive : &run->last_alive) = task->previous_alive;
        task->previous_alive = task->next_alive = NULL;
}

static void task_free(struct task_run *task) {
        unlink_change(task);
        task_set_alive(task, false);
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

struct task_run *run_task(struct run *run, size_t index) {
        struct task_run *task = run->tasks[index];

        if (task)
                return task;
        task = run->tasks[index] = NEW(struct task_run);
        task->run = run;
        task->index = index;
        return task;
}

void run_add_tasks(struct run *run) {
        while (run->n_tasks < run->machine.n_tasks) {
                GROW(run->tasks, run->n_tasks, run->tasks_capacity);
                run->tasks[run->n_tasks++] = NULL;
                if (!run_machine_is_listed(&run->machine, run->n_tasks - 1))
                        (void)run_task(run, run->n_tasks - 1);
        }
}

void run_prepare_records(struct run *run) {
        for (size_t i = 0; i < run->n_tasks; i++) {
                if (!run->tasks[i])
                        continue;
                task_prepare_attempt(run->tasks[i], 1);
                task_mark(run->tasks[i]);
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
                if (run->tasks[i])
                        task_free(run->tasks[i]);
        free(run->tasks);
        run->tasks = NULL;
        run->n_tasks = run->tasks_capacity = 0;
}

void task_note_unwritten(struct task_run *task) {
        struct run *run = task->run;

        if (task->is_unwritten)
                return;
        task->is_unwritten = true;
        task->next_unwritten = NULL;
        *(run->unwritten ? &run->last_unwritten->next_unwritten : &run->unwritten) = task;
        run->last_unwritten = task;
}

static void note_change(struct task_run *task) {
        run_state_changed(task->run);
        link_change(task);
}

void task_mark(struct task_run *task) {
        task->dirty = task->run->has_dirty_task = true;
        task_note_unwritten(task);
        note_change(task);
}

void task_note_report(struct task_run *task) {
        task->has_reported = task->run->has_reported = true;
        task_note_unwritten(task);
        note_change(task);
}

void task_let_go(struct task_run *task) {
        task->run->tasks[task->index] = NULL;
        task_free(task);
}

/* Its end is durable. The last ones stay. */
static void end_is_durable(void *user) {
        struct task_run *task = user, *oldest;
        struct run *run = task->run;

        *(run->last_kept ? &run->last_kept->next_kept : &run->kept) = task;
        run->last_kept = task;
        if (++run->n_kept <= ENDED_KEPT)
                return;
        oldest = run->kept;
        run->kept = oldest->next_kept;
        run->n_kept--;
        task_let_go(oldest);
}

void task_settle(struct task_run *task) {
        struct run *run = task->run;

        task_set_alive(task, false);
        if (task->retry_timer)
                loop_timer_disarm(task->retry_timer);
        run_settle_metrics(task);
        if (run_machine_is_listed(&run->machine, task->index))
                decisions_after_commit(run->engine, end_is_durable, task);
}

const struct step *task_step(const struct task_run *task) {
        return run_machine_step(&task->run->machine, task->index);
}
