/* The tasks of a run machine: their states with what is counted of them, who waits for whom, whose turn it is. Internal
 * to run_machine.c and the files beside it. Nothing here looks at all tasks. */
#pragma once

#include "run_machine.h"

static inline bool task_is_active(const struct task *task) {
        return task->state == TASK_STARTING || task->state == TASK_RUNNING;
}

static inline bool may_start_attempts(const struct run_machine *machine) {
        return machine->status == RUN_RUNNING && !machine->failing && !machine->cancelling;
}

static inline bool is_item_of_list(const struct run_machine *machine, size_t plan_index) {
        size_t list = machine->plan->steps[plan_index].list;

        return list != PLAN_NONE && machine->lists[list].state == LIST_KNOWN;
}

void push_effect(struct effects *effects, struct effect effect);
/* A pending task; item is not copied. */
uint32_t add_task(struct run_machine *machine, enum task_kind kind, size_t plan_index, const char *item);
/* Every change of state goes through here: it keeps what is counted. */
void set_task_state(struct run_machine *machine, size_t task, enum task_state state, enum step_status status);
/* What the task is counted for: +1 or -1. */
void count_task(struct run_machine *machine, size_t task, int by);

/* Decided: goes out as an effect. */
void launch_attempt(struct run_machine *machine, size_t task, unsigned attempt, struct effects *effects);
/* A command beside the steps, decided at once. */
uint32_t launch_helper(struct run_machine *machine, enum task_kind kind, size_t plan_index, const char *item,
                       struct effects *effects);
/* The task has its final status, others do not know yet. */
void end_task(struct run_machine *machine, size_t task, enum step_status status, enum reason reason,
              struct effects *effects);
/* Those that waited for an ended task need not any more; its place is free. */
void settle_task(struct run_machine *machine, size_t task, struct effects *effects);

/* The task of item `index` of a step whose items are known. */
uint32_t task_of_item(const struct run_machine *machine, size_t plan_index, size_t index);
size_t item_of_task(const struct run_machine *machine, size_t task);
/* How many tasks of its own item a task of the step waits for. */
uint32_t count_item_waits(const struct run_machine *machine, size_t plan_index);
/* How many whole steps the step waits for. */
uint32_t count_step_waits(const struct run_machine *machine, size_t plan_index);
bool step_is_settled(const struct run_machine *machine, size_t plan_index);

/* It may begin as soon as it is its turn. */
void enqueue_task(struct run_machine *machine, size_t task);
/* The step waits for no other any more: its tasks may begin, or its items are looked for. */
void open_step(struct run_machine *machine, size_t plan_index, struct effects *effects);
/* Begins what MaxParallel and ItemDelaySec let begin. */
void pump_step(struct run_machine *machine, size_t plan_index, struct effects *effects);

/* run_items.c: what is left of the task's item will not run. */
void skip_rest_of_item(struct run_machine *machine, size_t task, struct effects *effects);
/* A new task of the fallback of the task's step; TASK_NONE when there is none. */
uint32_t add_fallback(struct run_machine *machine, size_t task);
/* Whether what is cancelled for this reason has failed: nobody wanted it to end. */
static inline bool is_failure(enum reason reason) {
        return reason == REASON_TIMEOUT || reason == REASON_LOST;
}

/* run_restore.c: what failed before counts as it did then. */
void note_earlier_failures(struct run_machine *machine, struct effects *effects);
void refresh_counts(struct run_machine *machine);
/* run_end.c: what follows from a task's end in failure (message: taken over, NULL: there is one already), and from any
 * other end. */
void fail_task(struct run_machine *machine, size_t task, char *message, struct effects *effects);
void pass_task(struct run_machine *machine, size_t task, struct effects *effects);
/* No more attempts, what has not begun ends. */
void fail_run(struct run_machine *machine, enum reason reason, char *message, struct effects *effects);
void end_unstarted(struct run_machine *machine, enum reason reason, struct effects *effects);
void end_cancelled(struct run_machine *machine, size_t task, struct effects *effects);
/* run_items.c: no items for the list: its first step fails, the others are left out. */
void fail_list(struct run_machine *machine, size_t list, enum reason reason, char *message, struct effects *effects);
/* run_machine.c */
void begin_run(struct run_machine *machine, struct effects *effects);
void open_steps(struct run_machine *machine, struct effects *effects);
/* The run ends with its last task. */
void finish_event(struct run_machine *machine, struct effects *effects);
