/* The end of an attempt, and what follows from it. */
#include <stdlib.h>

#include "run_message.h"
#include "run_tasks.h"

void end_unstarted(struct run_machine *machine, enum reason reason, struct effects *effects) {
        for (size_t i = 0; i < machine->n_tasks; i++) {
                if (machine->tasks[i].state == TASK_PENDING || machine->tasks[i].state == TASK_CHECKING)
                        end_task(machine, i, STEP_SKIPPED, reason, effects);
                else if (machine->tasks[i].state == TASK_WAITING)
                        end_task(machine, i, STEP_FAILED, machine->tasks[i].reason, effects);
        }
}

/* The first failure's text stays, unless one comes that ends the run. */
static void note_message(struct run_machine *machine, char *message, bool ends_run) {
        if (!message || (machine->error_message && !ends_run)) {
                free(message);
                return;
        }
        free(machine->error_message);
        machine->error_message = message;
}

void fail_run(struct run_machine *machine, enum reason reason, char *message, struct effects *effects) {
        bool first = !machine->failing && !machine->cancelling;

        note_message(machine, message, first);
        if (first) {
                machine->failing = true;
                machine->reason = reason;
        }
        /* What waited for a retry when the run began to fail has ended then; what has begun since ends by itself. */
        if (machine->failing)
                end_unstarted(machine, REASON_DEPENDENCY, effects);
}

void pass_task(struct run_machine *machine, size_t task, struct effects *effects) {
        settle_task(machine, task, effects);
        while (machine->tasks[task].stands_for != TASK_NONE) {
                task = machine->tasks[task].stands_for;
                machine->tasks[task].is_covered = false;
                settle_task(machine, task, effects);
        }
}

/* The task of which this one, a fallback of a fallback perhaps, is the last resort. */
static size_t root_of(const struct run_machine *machine, size_t task) {
        while (machine->tasks[task].stands_for != TASK_NONE)
                task = machine->tasks[task].stands_for;
        return task;
}

void fail_task(struct run_machine *machine, size_t task, char *message, struct effects *effects) {
        uint32_t fallback = may_start_attempts(machine) ? add_fallback(machine, task) : TASK_NONE;
        size_t root = root_of(machine, task);

        if (fallback != TASK_NONE) {
                machine->tasks[task].is_covered = true;
                note_message(machine, message, false);
                enqueue_task(machine, fallback);
                pump_step(machine, machine->tasks[fallback].plan_index, effects);
        } else if (!run_machine_step(machine, root)->critical) {
                note_message(machine, message, false);
                pass_task(machine, task, effects);
        } else if (is_item_of_list(machine, machine->tasks[root].plan_index)) {
                note_message(machine, message, false);
                skip_rest_of_item(machine, root, effects);
                pass_task(machine, task, effects);
        } else {
                fail_run(machine, machine->tasks[task].reason, message, effects);
        }
}

void end_cancelled(struct run_machine *machine, size_t task, struct effects *effects) {
        enum step_status status = !is_failure(machine->cancel_reason) ? STEP_CANCELLED
                                  : machine->tasks[task].attempt == 0 ? STEP_SKIPPED
                                                                      : STEP_FAILED;

        end_task(machine, task, status, machine->cancel_reason, effects);
}

/* What the task is for is not there yet: it is asked for again and again, unless the question cannot even be put. */
static bool is_tried_again(const struct run_machine *machine, size_t task, const struct attempt_end *end) {
        const struct step *step = run_machine_step(machine, task);

        if (machine->failing || machine->cancelling || machine->tasks[task].attempt > step->retries)
                return false;
        return machine->tasks[task].kind == TASK_READY ? end->outcome != OUTCOME_SPAWN : retry_applies(step, end);
}

static void fail_condition(struct run_machine *machine, size_t condition, char *message, struct effects *effects) {
        uint32_t task = machine->tasks[condition].stands_for;

        if (machine->tasks[task].state != TASK_CHECKING) {
                free(message);
                return;
        }
        end_task(machine, task, STEP_FAILED, REASON_CONDITION, effects);
        fail_task(machine, task, message, effects);
}

static void end_failed(struct run_machine *machine, size_t task, enum reason reason, const struct attempt_end *end,
                       double jitter, struct effects *effects) {
        const struct step *step = run_machine_step(machine, task);
        struct task *state = &machine->tasks[task];
        char *message;

        if (is_tried_again(machine, task, end)) {
                set_task_state(machine, task, TASK_WAITING, STEP_RUNNING);
                state->reason = reason;
                push_effect(effects, (struct effect){.type = EFFECT_RETRY_TIMER,
                                                     .task = task,
                                                     .attempt = state->attempt + 1,
                                                     .delay = retry_delay(step, state->attempt + 1, jitter),
                                                     .reason = reason});
                return;
        }
        message = run_message_step_failed(step, state->item, state->attempt, end);
        end_task(machine, task, STEP_FAILED, reason, effects);
        switch (machine->tasks[task].kind) {
        case TASK_STEP:
                fail_task(machine, task, message, effects);
                break;
        case TASK_LISTER:
                fail_list(machine, machine->plan->steps[machine->tasks[task].plan_index].list, reason, message,
                          effects);
                break;
        case TASK_CONDITION:
                fail_condition(machine, task, message, effects);
                break;
        case TASK_RUN_CONDITION:
                fail_run(machine, REASON_CONDITION, message, effects);
                break;
        case TASK_READY:
                fail_run(machine, reason, message, effects);
                break;
        }
}

static void go_on_after_condition(struct run_machine *machine, size_t condition, int exit_status,
                                  struct effects *effects) {
        uint32_t task = machine->tasks[condition].stands_for;

        if (machine->tasks[task].state != TASK_CHECKING)
                return;
        if (exit_status == 0) {
                launch_attempt(machine, task, 1, effects);
                return;
        }
        end_task(machine, task, STEP_SKIPPED, REASON_CONDITION, effects);
        /* A fallback that does not apply helps nobody: what it stood in for has failed. */
        if (machine->tasks[task].stands_for != TASK_NONE)
                fail_task(machine, task, NULL, effects);
        else
                pass_task(machine, task, effects);
}

static void end_well(struct run_machine *machine, size_t task, int exit_status, struct effects *effects) {
        end_task(machine, task, STEP_SUCCESS, REASON_NONE, effects);
        switch (machine->tasks[task].kind) {
        case TASK_STEP:
                pass_task(machine, task, effects);
                break;
        case TASK_LISTER: /* its items have come with run_machine_add_items */
                break;
        case TASK_CONDITION:
                go_on_after_condition(machine, task, exit_status, effects);
                break;
        case TASK_RUN_CONDITION:
                machine->is_skipped = exit_status != 0;
                if (machine->is_skipped)
                        end_unstarted(machine, REASON_CONDITION, effects);
                else
                        open_steps(machine, effects);
                break;
        case TASK_READY:
                if (!machine->cancelling)
                        begin_run(machine, effects);
                break;
        }
}

/* An attempt that was stopped by nobody here was stopped from outside (the runner's service was stopped): that ends the
 * run in order. */
static void end_stopped(struct run_machine *machine, size_t task, struct effects *effects) {
        if (machine->cancelling) {
                end_cancelled(machine, task, effects);
                return;
        }
        end_task(machine, task, STEP_CANCELLED, REASON_STOPPED, effects);
        (void)run_machine_cancel(machine, REASON_STOPPED, effects);
}

static bool is_current(const struct run_machine *machine, size_t task, const struct attempt_end *end) {
        bool asks = machine->status == RUN_QUEUED && machine->ready_task == task;

        if ((machine->status != RUN_RUNNING && !asks) || task >= machine->n_tasks ||
            !task_is_active(&machine->tasks[task]))
                return false;
        return end->attempt == 0 || end->attempt == machine->tasks[task].attempt;
}

bool run_machine_attempt_ended(struct run_machine *machine, size_t task, const struct attempt_end *end, double jitter,
                               struct effects *effects) {
        enum step_status status;
        enum reason reason;
        bool warned;

        refresh_counts(machine);
        if (!is_current(machine, task, end))
                return false;
        /* One that was refused was never made. */
        if (end->outcome == OUTCOME_REFUSED)
                machine->tasks[task].attempt--;
        status = attempt_end_status(run_machine_step(machine, task), end, &reason, &warned);
        if (warned || end->had_warnings)
                machine->had_warnings = machine->tasks[task].had_warnings = true;
        if (status == STEP_CANCELLED)
                end_stopped(machine, task, effects);
        else if (status == STEP_FAILED)
                end_failed(machine, task, reason, end, jitter, effects);
        else
                end_well(machine, task, end->exit_status, effects);
        finish_event(machine, effects);
        return true;
}
