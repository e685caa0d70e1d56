#include "run_tasks.h"

#include <stdlib.h>

#include "xalloc.h"

void push_effect(struct effects *effects, struct effect effect) {
        GROW(effects->items, effects->count, effects->capacity);
        effects->items[effects->count++] = effect;
}

static struct step_progress *step_of_task(struct run_machine *machine, size_t task) {
        return &machine->steps[machine->tasks[task].plan_index];
}

static void add_counts(struct task_counts *counts, const struct task *task, int by) {
        size_t n = (size_t)by; /* -1 wraps around, and back */

        counts->total += n;
        switch (task->state) {
        case TASK_ENDED:
                counts->completed += n;
                counts->failed += task->status == STEP_FAILED ? n : 0;
                counts->skipped += task->status == STEP_SKIPPED ? n : 0;
                break;
        case TASK_STARTING:
        case TASK_RUNNING:
        case TASK_WAITING:
        case TASK_CHECKING:
                counts->running += n;
                break;
        case TASK_PENDING:
                break;
        }
}

void count_task(struct run_machine *machine, size_t task, int by) {
        const struct task *state = &machine->tasks[task];

        if (state->state != TASK_ENDED)
                machine->n_open += (size_t)by;
        if (state->kind != TASK_STEP)
                return;
        add_counts(&machine->counts, state, by);
        add_counts(&step_of_task(machine, task)->counts, state, by);
}

void set_task_state(struct run_machine *machine, size_t task, enum task_state state, enum step_status status) {
        count_task(machine, task, -1);
        machine->tasks[task].state = state;
        machine->tasks[task].status = status;
        count_task(machine, task, 1);
}

uint32_t add_task(struct run_machine *machine, enum task_kind kind, size_t plan_index, const char *item) {
        size_t task = machine->n_tasks;

        GROW(machine->tasks, machine->n_tasks, machine->tasks_capacity);
        machine->tasks[machine->n_tasks++] = (struct task){
                .item = item,
                .kind = kind,
                .plan_index = (uint32_t)plan_index,
                .stands_for = TASK_NONE,
                .fallback = TASK_NONE,
                .next = TASK_NONE,
        };
        count_task(machine, task, 1);
        return (uint32_t)task;
}

void launch_attempt(struct run_machine *machine, size_t task, unsigned attempt, struct effects *effects) {
        set_task_state(machine, task, TASK_STARTING, machine->tasks[task].status);
        machine->tasks[task].attempt = attempt;
        push_effect(effects, (struct effect){.type = EFFECT_LAUNCH, .task = task, .attempt = attempt});
}

uint32_t launch_helper(struct run_machine *machine, enum task_kind kind, size_t plan_index, const char *item,
                       struct effects *effects) {
        uint32_t task = add_task(machine, kind, plan_index, item);

        launch_attempt(machine, task, 1, effects);
        return task;
}

/* The task that begins the time of ItemDelaySec ends without having begun: when nothing of it was attempted, there is
 * nothing to keep a distance from. */
static void end_pace(struct run_machine *machine, size_t task, struct effects *effects) {
        struct step_progress *step = step_of_task(machine, task);

        if (!step->is_pacing || step->paced_by != task)
                return;
        step->paced_by = TASK_NONE;
        if (machine->tasks[task].attempt == 0)
                step->is_pacing = false;
        else
                push_effect(effects, (struct effect){.type = EFFECT_PACE_TIMER,
                                                     .index = machine->tasks[task].plan_index,
                                                     .delay = run_machine_step(machine, task)->item_delay});
}

void end_task(struct run_machine *machine, size_t task, enum step_status status, enum reason reason,
              struct effects *effects) {
        set_task_state(machine, task, TASK_ENDED, status);
        machine->tasks[task].reason = reason;
        machine->tasks[task].held = false;
        push_effect(effects, (struct effect){.type = EFFECT_TASK_CHANGED,
                                             .task = task,
                                             .attempt = machine->tasks[task].attempt,
                                             .reason = reason});
        if (machine->tasks[task].kind == TASK_STEP)
                end_pace(machine, task, effects);
}

uint32_t task_of_item(const struct run_machine *machine, size_t plan_index, size_t index) {
        const struct step_progress *step = &machine->steps[plan_index];

        return index == 0 ? step->first : step->more + (uint32_t)index - 1;
}

size_t item_of_task(const struct run_machine *machine, size_t task) {
        const struct step_progress *step = &machine->steps[machine->tasks[task].plan_index];

        return task == step->first ? 0 : task - step->more + 1;
}

bool step_is_settled(const struct run_machine *machine, size_t plan_index) {
        return machine->steps[plan_index].n_settled == machine->steps[plan_index].counts.total;
}

uint32_t count_item_waits(const struct run_machine *machine, size_t plan_index) {
        const struct plan_step *entry = &machine->plan->steps[plan_index];
        uint32_t n = 0;

        for (size_t i = 0; i < entry->n_after; i++)
                n += plan_waits_by_item(machine->plan, plan_index, entry->after[i]);
        return n;
}

uint32_t count_step_waits(const struct run_machine *machine, size_t plan_index) {
        const struct plan_step *entry = &machine->plan->steps[plan_index];
        uint32_t n = 0;

        for (size_t i = 0; i < entry->n_after; i++)
                n += !plan_waits_by_item(machine->plan, plan_index, entry->after[i]) &&
                     !step_is_settled(machine, entry->after[i]);
        return n;
}

void enqueue_task(struct run_machine *machine, size_t task) {
        struct step_progress *step = step_of_task(machine, task);

        machine->tasks[task].next = TASK_NONE;
        if (step->queue_head == TASK_NONE)
                step->queue_head = (uint32_t)task;
        else
                machine->tasks[step->queue_tail].next = (uint32_t)task;
        step->queue_tail = (uint32_t)task;
}

/* The oldest in line that is still to begin. */
static uint32_t dequeue_task(struct run_machine *machine, struct step_progress *step) {
        while (step->queue_head != TASK_NONE) {
                uint32_t task = step->queue_head;

                step->queue_head = machine->tasks[task].next;
                if (machine->tasks[task].state == TASK_PENDING)
                        return task;
        }
        return TASK_NONE;
}

static void begin_task(struct run_machine *machine, uint32_t task, struct effects *effects) {
        const struct plan_step *entry = &machine->plan->steps[machine->tasks[task].plan_index];
        struct step_progress *step = step_of_task(machine, task);
        uint32_t condition;

        machine->tasks[task].has_place = true;
        step->n_places++;
        if (entry->step->item_delay > 0 && is_item_of_list(machine, machine->tasks[task].plan_index)) {
                step->is_pacing = true;
                step->paced_by = task;
        }
        if (!entry->condition) {
                launch_attempt(machine, task, 1, effects);
                return;
        }
        condition = launch_helper(machine, TASK_CONDITION, machine->tasks[task].plan_index, machine->tasks[task].item,
                                  effects);
        machine->tasks[condition].stands_for = task;
        set_task_state(machine, task, TASK_CHECKING, STEP_PENDING);
}

void pump_step(struct run_machine *machine, size_t plan_index, struct effects *effects) {
        struct step_progress *step = &machine->steps[plan_index];
        unsigned places = machine->plan->steps[plan_index].step->max_parallel;

        while (may_start_attempts(machine) && step->is_open && !step->is_pacing && step->n_places < places) {
                uint32_t task = dequeue_task(machine, step);

                if (task == TASK_NONE)
                        return;
                begin_task(machine, task, effects);
        }
}

/* The first step of a list that may begin wants its items: not one that waits for another of the list. */
static void want_items(struct run_machine *machine, size_t plan_index, struct effects *effects) {
        size_t list = machine->plan->steps[plan_index].list;
        const struct plan_list *entry = &machine->plan->lists[list];

        if (machine->lists[list].state != LIST_UNKNOWN || count_item_waits(machine, plan_index) > 0 ||
            !may_start_attempts(machine))
                return;
        machine->lists[list].state = LIST_WANTED;
        if (entry->lister)
                (void)launch_helper(machine, TASK_LISTER, entry->members[0], "", effects);
        else
                push_effect(effects, (struct effect){.type = EFFECT_FIND_ITEMS, .index = list});
}

void open_step(struct run_machine *machine, size_t plan_index, struct effects *effects) {
        struct step_progress *step = &machine->steps[plan_index];
        size_t list = machine->plan->steps[plan_index].list;

        if (step->is_open || step->waits > 0 || !machine->may_open)
                return;
        step->is_open = true;
        if (step_is_settled(machine, plan_index))
                return;
        if (list != PLAN_NONE && machine->lists[list].state != LIST_KNOWN) {
                want_items(machine, plan_index, effects);
                return;
        }
        for (size_t i = 0; i < step->counts.total; i++) {
                uint32_t task = task_of_item(machine, plan_index, i);

                if (machine->tasks[task].state == TASK_PENDING && machine->tasks[task].waits == 0)
                        enqueue_task(machine, task);
        }
        pump_step(machine, plan_index, effects);
}

static void settle_item(struct run_machine *machine, size_t step, size_t index, struct effects *effects) {
        uint32_t task = task_of_item(machine, step, index);
        struct task *state = &machine->tasks[task];

        if (state->waits > 0 && --state->waits == 0 && state->state == TASK_PENDING && machine->steps[step].is_open) {
                enqueue_task(machine, task);
                pump_step(machine, step, effects);
        }
}

static void settle_dependents(struct run_machine *machine, size_t task, struct effects *effects) {
        size_t plan_index = machine->tasks[task].plan_index;
        const struct plan_step *entry = &machine->plan->steps[plan_index];
        bool whole = step_is_settled(machine, plan_index), listed = is_item_of_list(machine, plan_index);
        size_t item = listed ? item_of_task(machine, task) : 0;

        for (size_t i = 0; i < entry->n_before; i++) {
                size_t other = entry->before[i];

                if (plan_waits_by_item(machine->plan, other, plan_index)) {
                        if (listed)
                                settle_item(machine, other, item, effects);
                } else if (whole && machine->steps[other].waits > 0 && --machine->steps[other].waits == 0) {
                        open_step(machine, other, effects);
                }
        }
}

void settle_task(struct run_machine *machine, size_t task, struct effects *effects) {
        struct step_progress *step = step_of_task(machine, task);

        if (machine->tasks[task].has_place) {
                machine->tasks[task].has_place = false;
                step->n_places--;
        }
        step->n_settled++;
        settle_dependents(machine, task, effects);
        pump_step(machine, machine->tasks[task].plan_index, effects);
}
