#include "run_machine.h"

#include <stdlib.h>

#include "run_message.h"
#include "xalloc.h"

static void push_effect(struct effects *effects, struct effect effect) {
        GROW(effects->items, effects->count, effects->capacity);
        effects->items[effects->count++] = effect;
}

void effects_done(struct effects *effects) {
        free(effects->items);
        *effects = (struct effects){0};
}

void run_machine_init(struct run_machine *machine, const struct run_plan *plan) {
        *machine = (struct run_machine){
                .plan = plan,
                .status = RUN_QUEUED,
                .n_tasks = plan->n_steps,
                .tasks = xcalloc(plan->n_steps + 1, sizeof(struct task)),
        };
        for (size_t i = 0; i < machine->n_tasks; i++) {
                machine->tasks[i].plan_index = i;
                machine->tasks[i].item = xstrdup("");
        }
}

void run_machine_done(struct run_machine *machine) {
        for (size_t i = 0; i < machine->n_tasks; i++)
                free(machine->tasks[i].item);
        free(machine->tasks);
        free(machine->error_message);
        *machine = (struct run_machine){0};
}

const struct step *run_machine_step(const struct run_machine *machine, size_t task) {
        return machine->plan->steps[machine->tasks[task].plan_index].step;
}

static bool is_active(const struct task *task) {
        return task->state == TASK_STARTING || task->state == TASK_RUNNING;
}

static bool may_start_attempts(const struct run_machine *machine) {
        return machine->status == RUN_RUNNING && !machine->failing && !machine->cancelling;
}

static void end_task(struct run_machine *machine, size_t task, enum step_status status, enum reason reason,
                     struct effects *effects) {
        machine->tasks[task].state = TASK_ENDED;
        machine->tasks[task].held = false;
        machine->tasks[task].status = status;
        machine->tasks[task].reason = reason;
        push_effect(effects, (struct effect){.type = EFFECT_TASK_CHANGED,
                                             .task = task,
                                             .attempt = machine->tasks[task].attempt,
                                             .reason = reason});
}

static void launch_attempt(struct run_machine *machine, size_t task, unsigned attempt, struct effects *effects) {
        machine->tasks[task].state = TASK_STARTING;
        machine->tasks[task].attempt = attempt;
        push_effect(effects, (struct effect){.type = EFFECT_LAUNCH, .task = task, .attempt = attempt});
}

/* What has not begun when a critical step failed is skipped; what waits for a retry keeps the failure it has. */
static void end_unstarted_of_failing(struct run_machine *machine, struct effects *effects) {
        for (size_t i = 0; i < machine->n_tasks; i++) {
                if (machine->tasks[i].state == TASK_PENDING)
                        end_task(machine, i, STEP_SKIPPED, REASON_DEPENDENCY, effects);
                else if (machine->tasks[i].state == TASK_WAITING)
                        end_task(machine, i, STEP_FAILED, machine->tasks[i].reason, effects);
        }
}

/* Whether what is cancelled for this reason has failed: nobody wanted it to end. */
static bool is_failure(enum reason reason) {
        return reason == REASON_TIMEOUT || reason == REASON_LOST;
}

/* How a task ends that a cancel kept from going on. */
static void end_cancelled(struct run_machine *machine, size_t task, struct effects *effects) {
        enum step_status status = !is_failure(machine->cancel_reason) ? STEP_CANCELLED
                                  : machine->tasks[task].attempt == 0 ? STEP_SKIPPED
                                                                      : STEP_FAILED;

        end_task(machine, task, status, machine->cancel_reason, effects);
}

static bool dependencies_are_met(const struct run_machine *machine, size_t task) {
        const struct plan_step *entry = &machine->plan->steps[machine->tasks[task].plan_index];

        for (size_t i = 0; i < entry->n_after; i++)
                if (machine->tasks[entry->after[i]].state != TASK_ENDED)
                        return false;
        return true;
}

static void set_run_status(struct run_machine *machine, enum run_status status, enum reason reason,
                           struct effects *effects) {
        machine->status = status;
        machine->reason = reason;
        push_effect(effects, (struct effect){.type = EFFECT_RUN_CHANGED, .reason = reason});
}

static bool any_task_failed(const struct run_machine *machine) {
        for (size_t i = 0; i < machine->n_tasks; i++)
                if (machine->tasks[i].status == STEP_FAILED)
                        return true;
        return false;
}

/* A critical failure ends the run; the first failure's text stays, and so does why all of it was ended. */
static void note_failure(struct run_machine *machine, size_t task, char *message) {
        bool critical = run_machine_step(machine, task)->critical;

        if (machine->error_message && (machine->cancelling || !(critical && !machine->failing))) {
                free(message);
        } else {
                free(machine->error_message);
                machine->error_message = message;
        }
        if (critical && !machine->failing && !machine->cancelling) {
                machine->failing = true;
                machine->reason = machine->tasks[task].reason;
        }
}

/* What failed before counts as it did then. */
static void note_earlier_failures(struct run_machine *machine) {
        for (size_t i = 0; i < machine->n_tasks; i++)
                if (machine->tasks[i].state == TASK_ENDED && machine->tasks[i].status == STEP_FAILED)
                        note_failure(machine, i,
                                     run_message_step_failed_before(run_machine_step(machine, i), &machine->tasks[i]));
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
                note_earlier_failures(machine);
        }
        if (machine->failing)
                set_run_status(machine, RUN_FAILED, machine->reason, effects);
        else if (machine->cancelling && is_failure(machine->cancel_reason))
                set_run_status(machine, RUN_FAILED, machine->cancel_reason, effects);
        else if (machine->cancelling)
                set_run_status(machine, RUN_CANCELLED, machine->cancel_reason, effects);
        else if (any_task_failed(machine) || machine->had_warnings)
                set_run_status(machine, RUN_PARTIAL, REASON_NONE, effects);
        else
                set_run_status(machine, RUN_SUCCESS, REASON_NONE, effects);
        push_effect(effects, (struct effect){.type = EFFECT_RUN_ENDED, .reason = machine->reason});
}

/* Starts what may start, and ends the run with its last task. */
static void advance(struct run_machine *machine, struct effects *effects) {
        bool all_ended = true;

        for (size_t i = 0; i < machine->n_tasks; i++) {
                if (machine->tasks[i].state == TASK_PENDING && !machine->tasks[i].held && may_start_attempts(machine) &&
                    dependencies_are_met(machine, i))
                        launch_attempt(machine, i, 1, effects);
                all_ended = all_ended && machine->tasks[i].state == TASK_ENDED;
        }
        if (all_ended)
                end_run(machine, effects);
}

bool run_machine_start(struct run_machine *machine, struct effects *effects) {
        if (machine->status != RUN_QUEUED)
                return false;
        set_run_status(machine, RUN_RUNNING, REASON_NONE, effects);
        advance(machine, effects);
        return true;
}

bool run_machine_attempt_started(struct run_machine *machine, size_t task, struct effects *effects) {
        struct task *state;

        if (machine->status != RUN_RUNNING || task >= machine->n_tasks || machine->tasks[task].state != TASK_STARTING)
                return false;
        state = &machine->tasks[task];
        state->state = TASK_RUNNING;
        state->reason = REASON_NONE;
        if (state->status != STEP_RUNNING) {
                state->status = STEP_RUNNING;
                push_effect(effects,
                            (struct effect){.type = EFFECT_TASK_CHANGED, .task = task, .attempt = state->attempt});
        }
        return true;
}

static void end_failed(struct run_machine *machine, size_t task, enum reason reason, const struct attempt_end *end,
                       double jitter, struct effects *effects) {
        const struct step *step = run_machine_step(machine, task);
        struct task *state = &machine->tasks[task];

        if (may_start_attempts(machine) && state->attempt <= step->retries && retry_applies(step, end)) {
                state->state = TASK_WAITING;
                state->status = STEP_RUNNING;
                state->reason = reason;
                push_effect(effects, (struct effect){.type = EFFECT_RETRY_TIMER,
                                                     .task = task,
                                                     .attempt = state->attempt + 1,
                                                     .delay = retry_delay(step, state->attempt + 1, jitter),
                                                     .reason = reason});
                return;
        }
        end_task(machine, task, STEP_FAILED, reason, effects);
        note_failure(machine, task, run_message_step_failed(step, state->item, state->attempt, end));
        if (machine->failing)
                end_unstarted_of_failing(machine, effects);
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

bool run_machine_attempt_ended(struct run_machine *machine, size_t task, const struct attempt_end *end, double jitter,
                               struct effects *effects) {
        enum step_status status;
        enum reason reason;
        bool warned;

        if (machine->status != RUN_RUNNING || task >= machine->n_tasks || !is_active(&machine->tasks[task]))
                return false;
        if (end->attempt != 0 && end->attempt != machine->tasks[task].attempt)
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
                end_task(machine, task, status, reason, effects);
        if (machine->status == RUN_RUNNING)
                advance(machine, effects);
        return true;
}

bool run_machine_retry_due(struct run_machine *machine, size_t task, struct effects *effects) {
        if (!may_start_attempts(machine) || task >= machine->n_tasks || machine->tasks[task].state != TASK_WAITING ||
            machine->tasks[task].held)
                return false;
        launch_attempt(machine, task, machine->tasks[task].attempt + 1, effects);
        return true;
}

bool run_machine_hold(struct run_machine *machine, size_t task) {
        struct task *state = &machine->tasks[task];

        if (task >= machine->n_tasks || state->state != TASK_STARTING)
                return false;
        state->state = state->attempt > 1 ? TASK_WAITING : TASK_PENDING;
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

static bool is_cancel_reason(enum reason reason) {
        return reason == REASON_REQUEST || reason == REASON_STOPPED || reason == REASON_REPLACED ||
               reason == REASON_TIMEOUT || reason == REASON_LOST;
}

bool run_machine_cancel(struct run_machine *machine, enum reason reason, struct effects *effects) {
        if (run_status_is_final(machine->status) || machine->cancelling || !is_cancel_reason(reason))
                return false;
        machine->cancelling = true;
        machine->cancel_reason = reason;
        if (!machine->failing) {
                free(machine->error_message);
                machine->error_message = run_message_cancelled(reason);
        }
        for (size_t i = 0; i < machine->n_tasks; i++) {
                const struct task *task = &machine->tasks[i];

                if (is_active(task))
                        push_effect(effects, (struct effect){.type = EFFECT_STOP_ATTEMPT,
                                                             .task = i,
                                                             .attempt = task->attempt,
                                                             .reason = reason});
                else if (task->state != TASK_ENDED)
                        end_cancelled(machine, i, effects);
        }
        advance(machine, effects);
        return true;
}

void run_machine_warn(struct run_machine *machine) {
        if (!run_status_is_final(machine->status))
                machine->had_warnings = true;
}

void run_machine_restore_run(struct run_machine *machine, enum run_status status, bool had_warnings) {
        machine->status = status;
        machine->had_warnings = had_warnings;
}

void run_machine_restore_task(struct run_machine *machine, size_t task, enum task_state state, enum step_status status,
                              enum reason reason, unsigned attempt) {
        if (task >= machine->n_tasks)
                return;
        machine->tasks[task].state = state;
        machine->tasks[task].status = status;
        machine->tasks[task].reason = reason;
        machine->tasks[task].attempt = attempt;
}

/* What an active or waiting task needs anew from a daemon that has just come up. */
static void resume_task(struct run_machine *machine, size_t task, struct effects *effects) {
        const struct task *state = &machine->tasks[task];

        if (state->state == TASK_STARTING && may_start_attempts(machine))
                launch_attempt(machine, task, state->attempt ? state->attempt : 1, effects);
        /* Decided and never launched, and now nothing may be. */
        else if (state->state == TASK_STARTING && machine->cancelling)
                end_cancelled(machine, task, effects);
        else if (state->state == TASK_STARTING)
                end_task(machine, task, STEP_SKIPPED, REASON_DEPENDENCY, effects);
        else if (state->state == TASK_WAITING && may_start_attempts(machine))
                push_effect(effects, (struct effect){.type = EFFECT_RETRY_TIMER,
                                                     .task = task,
                                                     .attempt = state->attempt + 1,
                                                     .delay = retry_delay(run_machine_step(machine, task),
                                                                          state->attempt + 1, 0),
                                                     .reason = state->reason});
}

bool run_machine_lose(struct run_machine *machine, struct effects *effects) {
        if (machine->status != RUN_RUNNING)
                return false;
        note_earlier_failures(machine);
        return run_machine_cancel(machine, REASON_LOST, effects);
}

bool run_machine_resume(struct run_machine *machine, struct effects *effects) {
        if (machine->status != RUN_RUNNING)
                return false;
        note_earlier_failures(machine);
        if (machine->failing)
                end_unstarted_of_failing(machine, effects);
        for (size_t i = 0; i < machine->n_tasks; i++)
                resume_task(machine, i, effects);
        advance(machine, effects);
        return true;
}
