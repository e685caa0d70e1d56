#include "run_machine.h"

#include <stdlib.h>

#include "run_message.h"
#include "run_tasks.h"
#include "xalloc.h"

void effects_done(struct effects *effects) {
        free(effects->items);
        *effects = (struct effects){0};
}

void run_machine_init(struct run_machine *machine, const struct run_plan *plan) {
        *machine = (struct run_machine){
                .plan = plan,
                .status = RUN_QUEUED,
                .steps = xcalloc(plan->n_steps + 1, sizeof(struct step_progress)),
                .lists = xcalloc(plan->n_lists + 1, sizeof(struct machine_list)),
                .ready_task = TASK_NONE,
                .condition_task = TASK_NONE,
        };
        for (size_t i = 0; i < plan->n_steps; i++) {
                bool needed = plan->steps[i].fallback_of == PLAN_NONE;

                machine->steps[i] =
                        (struct step_progress){.queue_head = TASK_NONE, .paced_by = TASK_NONE, .is_open = !needed};
                machine->steps[i].first = needed ? add_task(machine, TASK_STEP, i, "") : TASK_NONE;
        }
        for (size_t i = 0; i < plan->n_steps; i++) {
                machine->steps[i].waits = count_step_waits(machine, i);
                if (machine->steps[i].first != TASK_NONE)
                        machine->tasks[machine->steps[i].first].waits = count_item_waits(machine, i);
        }
}

void run_machine_done(struct run_machine *machine) {
        for (size_t i = 0; machine->plan && i < machine->plan->n_lists; i++) {
                item_list_done(&machine->lists[i].items);
                free(machine->lists[i].sorted);
        }
        free(machine->lists);
        free(machine->steps);
        free(machine->tasks);
        free(machine->error_message);
        *machine = (struct run_machine){0};
}

const struct step *run_machine_step(const struct run_machine *machine, size_t task) {
        const struct task *state = &machine->tasks[task];
        const struct plan_step *entry = &machine->plan->steps[state->plan_index];

        switch (state->kind) {
        case TASK_STEP:
                return entry->step;
        case TASK_LISTER:
                return machine->plan->lists[entry->list].lister;
        case TASK_CONDITION:
                return entry->condition;
        case TASK_RUN_CONDITION:
                return machine->plan->condition;
        case TASK_READY:
                return machine->plan->ready;
        }
        return entry->step;
}

static void set_run_status(struct run_machine *machine, enum run_status status, enum reason reason,
                           struct effects *effects) {
        machine->status = status;
        machine->reason = reason;
        push_effect(effects, (struct effect){.type = EFFECT_RUN_CHANGED, .reason = reason});
}

static bool any_task_was_lost(const struct run_machine *machine) {
        for (size_t i = 0; i < machine->n_tasks; i++)
                if (machine->tasks[i].reason == REASON_LOST)
                        return true;
        return false;
}

/* The first cause counts: a run that had failed before it was cancelled has failed. */
static void end_run(struct run_machine *machine, struct effects *effects) {
        if (machine->cancelling && machine->cancel_reason == REASON_LOST && !any_task_was_lost(machine)) {
                /* The machine went down when all was done, and only that was not recorded yet. */
                machine->cancelling = false;
                free(machine->error_message);
                machine->error_message = NULL;
                note_earlier_failures(machine, effects);
        }
        if (machine->failing)
                set_run_status(machine, RUN_FAILED, machine->reason, effects);
        else if (machine->cancelling && is_failure(machine->cancel_reason))
                set_run_status(machine, RUN_FAILED, machine->cancel_reason, effects);
        else if (machine->cancelling)
                set_run_status(machine, RUN_CANCELLED, machine->cancel_reason, effects);
        else if (machine->is_skipped)
                set_run_status(machine, RUN_SKIPPED, REASON_CONDITION, effects);
        else if (machine->counts.failed > 0 || machine->had_warnings)
                set_run_status(machine, RUN_PARTIAL, REASON_NONE, effects);
        else
                set_run_status(machine, RUN_SUCCESS, REASON_NONE, effects);
        if (machine->status == RUN_PARTIAL && machine->counts.failed > 1 && machine->error_message)
                machine->error_message = run_message_more(machine->error_message, machine->counts.failed - 1);
        push_effect(effects, (struct effect){.type = EFFECT_RUN_ENDED, .reason = machine->reason});
}

void finish_event(struct run_machine *machine, struct effects *effects) {
        if (run_status_is_final(machine->status) || machine->n_open > 0)
                return;
        if (machine->status == RUN_RUNNING || machine->cancelling || machine->failing)
                end_run(machine, effects);
}

void open_steps(struct run_machine *machine, struct effects *effects) {
        machine->may_open = true;
        for (size_t i = 0; i < machine->plan->n_steps; i++)
                open_step(machine, i, effects);
}

void begin_run(struct run_machine *machine, struct effects *effects) {
        set_run_status(machine, RUN_RUNNING, REASON_NONE, effects);
        if (machine->plan->condition)
                machine->condition_task = launch_helper(machine, TASK_RUN_CONDITION, 0, "", effects);
        else
                open_steps(machine, effects);
}

bool run_machine_has_begun(const struct run_machine *machine) {
        return machine->status != RUN_QUEUED || machine->ready_task != TASK_NONE;
}

bool run_machine_start(struct run_machine *machine, struct effects *effects) {
        refresh_counts(machine);
        if (machine->status != RUN_QUEUED || machine->ready_task != TASK_NONE)
                return false;
        if (machine->plan->ready) {
                set_run_status(machine, RUN_QUEUED, REASON_NOT_READY, effects);
                machine->ready_task = launch_helper(machine, TASK_READY, 0, "", effects);
        } else {
                begin_run(machine, effects);
        }
        finish_event(machine, effects);
        return true;
}

/* Attempts go on in a run that runs, and in one that asks whether it may. */
static bool has_attempts(const struct run_machine *machine) {
        return machine->status == RUN_RUNNING || (machine->status == RUN_QUEUED && machine->ready_task != TASK_NONE);
}

bool run_machine_attempt_started(struct run_machine *machine, size_t task, struct effects *effects) {
        struct step_progress *step;
        struct task *state;

        refresh_counts(machine);
        if (!has_attempts(machine) || task >= machine->n_tasks || machine->tasks[task].state != TASK_STARTING)
                return false;
        state = &machine->tasks[task];
        step = &machine->steps[state->plan_index];
        state->reason = REASON_NONE;
        if (state->status != STEP_RUNNING)
                push_effect(effects,
                            (struct effect){.type = EFFECT_TASK_CHANGED, .task = task, .attempt = state->attempt});
        set_task_state(machine, task, TASK_RUNNING, STEP_RUNNING);
        if (state->kind == TASK_STEP && step->is_pacing && step->paced_by == task) {
                step->paced_by = TASK_NONE;
                push_effect(effects, (struct effect){.type = EFFECT_PACE_TIMER,
                                                     .index = state->plan_index,
                                                     .delay = run_machine_step(machine, task)->item_delay});
        }
        return true;
}

bool run_machine_retry_due(struct run_machine *machine, size_t task, struct effects *effects) {
        refresh_counts(machine);
        if (!has_attempts(machine) || machine->failing || machine->cancelling || task >= machine->n_tasks ||
            machine->tasks[task].state != TASK_WAITING || machine->tasks[task].held)
                return false;
        launch_attempt(machine, task, machine->tasks[task].attempt + 1, effects);
        return true;
}

bool run_machine_hold(struct run_machine *machine, size_t task) {
        struct task *state = &machine->tasks[task];

        if (task >= machine->n_tasks || state->state != TASK_STARTING)
                return false;
        set_task_state(machine, task, state->attempt > 1 ? TASK_WAITING : TASK_PENDING, state->status);
        state->attempt--;
        state->held = true;
        return true;
}

bool run_machine_release(struct run_machine *machine, size_t task, struct effects *effects) {
        if (!may_start_attempts(machine) || task >= machine->n_tasks || !machine->tasks[task].held)
                return false;
        machine->tasks[task].held = false;
        launch_attempt(machine, task, machine->tasks[task].attempt + 1, effects);
        return true;
}

bool run_machine_pace_due(struct run_machine *machine, size_t plan_index, struct effects *effects) {
        refresh_counts(machine);
        if (plan_index >= machine->plan->n_steps || !machine->steps[plan_index].is_pacing ||
            machine->steps[plan_index].paced_by != TASK_NONE)
                return false;
        machine->steps[plan_index].is_pacing = false;
        pump_step(machine, plan_index, effects);
        return true;
}

static bool is_cancel_reason(enum reason reason) {
        return reason == REASON_REQUEST || reason == REASON_STOPPED || reason == REASON_REPLACED ||
               reason == REASON_TIMEOUT || reason == REASON_LOST;
}

bool run_machine_cancel(struct run_machine *machine, enum reason reason, struct effects *effects) {
        if (run_status_is_final(machine->status) || machine->cancelling || !is_cancel_reason(reason))
                return false;
        refresh_counts(machine);
        machine->cancelling = true;
        machine->cancel_reason = reason;
        if (!machine->failing) {
                free(machine->error_message);
                machine->error_message = run_message_cancelled(reason);
        }
        for (size_t i = 0; i < machine->n_tasks; i++) {
                const struct task *task = &machine->tasks[i];

                if (task_is_active(task))
                        push_effect(effects, (struct effect){.type = EFFECT_STOP_ATTEMPT,
                                                             .task = i,
                                                             .attempt = task->attempt,
                                                             .reason = reason});
                else if (task->state != TASK_ENDED)
                        end_cancelled(machine, i, effects);
        }
        finish_event(machine, effects);
        return true;
}

void run_machine_warn(struct run_machine *machine) {
        if (!run_status_is_final(machine->status))
                machine->had_warnings = true;
}
