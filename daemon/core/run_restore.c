/* Taking up a run from its records: the states are put back, what is counted of them is counted anew, and then it is
 * decided what is next. */
#include <stdlib.h>
#include <string.h>

#include "run_message.h"
#include "run_tasks.h"
#include "strutil.h"
#include "xalloc.h"

void run_machine_restore_run(struct run_machine *machine, enum run_status status, bool had_warnings) {
        machine->status = status;
        machine->had_warnings = had_warnings;
        machine->is_stale = true;
}

void run_machine_restore_task(struct run_machine *machine, size_t task, enum task_state state, enum step_status status,
                              enum reason reason, unsigned attempt) {
        if (task >= machine->n_tasks)
                return;
        machine->is_stale = true;
        machine->tasks[task].state = state;
        machine->tasks[task].status = status;
        machine->tasks[task].reason = reason;
        machine->tasks[task].attempt = attempt;
}

static uint32_t add_restored(struct run_machine *machine, enum task_kind kind, size_t plan_index, const char *item) {
        machine->is_stale = true;
        return add_task(machine, kind, plan_index, item);
}

static uint32_t restore_fallback(struct run_machine *machine, size_t plan_index, const char *item) {
        size_t of = machine->plan->steps[plan_index].fallback_of;
        uint32_t task =
                of == PLAN_NONE ? TASK_NONE : run_machine_find(machine, machine->plan->steps[of].step->name, item);

        if (task == TASK_NONE || machine->tasks[task].fallback != TASK_NONE)
                return TASK_NONE;
        machine->is_stale = true;
        return add_fallback(machine, task);
}

static uint32_t restore_condition(struct run_machine *machine, const char *step_name, const char *item) {
        uint32_t task = run_machine_find(machine, step_name, item), condition;

        if (task == TASK_NONE || !machine->plan->steps[machine->tasks[task].plan_index].condition)
                return TASK_NONE;
        condition = add_restored(machine, TASK_CONDITION, machine->tasks[task].plan_index, machine->tasks[task].item);
        machine->tasks[condition].stands_for = task;
        return condition;
}

static uint32_t restore_of_job(struct run_machine *machine, const char *what) {
        if (streq(what, "condition") && machine->plan->condition)
                return machine->condition_task = add_restored(machine, TASK_RUN_CONDITION, 0, "");
        if (streq(what, "ready") && machine->plan->ready)
                return machine->ready_task = add_restored(machine, TASK_READY, 0, "");
        return TASK_NONE;
}

uint32_t run_machine_restore_added(struct run_machine *machine, const char *step_name, const char *item) {
        const char *colon = strchr(step_name, ':');
        _cleanup_free_ char *name = colon ? xstrndup(step_name, (size_t)(colon - step_name)) : xstrdup(step_name);
        size_t plan_index = run_plan_find(machine->plan, name), list;

        if (colon == step_name)
                return restore_of_job(machine, colon + 1);
        if (plan_index == PLAN_NONE)
                return TASK_NONE;
        if (!colon)
                return restore_fallback(machine, plan_index, item);
        if (streq(colon + 1, "condition"))
                return restore_condition(machine, name, item);
        list = machine->plan->steps[plan_index].list;
        if (list == PLAN_NONE || !machine->plan->lists[list].lister)
                return TASK_NONE;
        return add_restored(machine, TASK_LISTER, plan_index, "");
}

static bool is_settled(const struct run_machine *machine, size_t task) {
        return machine->tasks[task].state == TASK_ENDED && !machine->tasks[task].is_covered;
}

/* Covered is what failed while something that stands in for it has not ended. Fallbacks come behind what they stand
 * for, so that going backwards those of fallbacks are known first. */
static void refresh_covered(struct run_machine *machine) {
        for (size_t i = machine->n_tasks; i-- > 0;) {
                struct task *task = &machine->tasks[i];

                task->is_covered = task->fallback != TASK_NONE && !is_settled(machine, task->fallback);
        }
}

static void refresh_task(struct run_machine *machine, size_t index) {
        struct task *task = &machine->tasks[index];
        struct step_progress *step = &machine->steps[task->plan_index];

        count_task(machine, index, 1);
        if (task->kind != TASK_STEP)
                return;
        task->has_place = !is_settled(machine, index) && task->state != TASK_PENDING;
        step->n_places += task->has_place;
        step->n_settled += is_settled(machine, index);
}

static void refresh_item_waits(struct run_machine *machine, size_t plan_index) {
        const struct plan_step *entry = &machine->plan->steps[plan_index];

        for (size_t i = 0; i < machine->steps[plan_index].counts.total; i++) {
                struct task *task = &machine->tasks[task_of_item(machine, plan_index, i)];

                task->waits = 0;
                for (size_t k = 0; k < entry->n_after; k++)
                        task->waits += plan_waits_by_item(machine->plan, plan_index, entry->after[k]) &&
                                       !is_settled(machine, task_of_item(machine, entry->after[k], i));
        }
}

static void refresh_step(struct run_machine *machine, size_t plan_index) {
        struct step_progress *step = &machine->steps[plan_index];
        bool is_fallback = machine->plan->steps[plan_index].fallback_of != PLAN_NONE;

        step->waits = count_step_waits(machine, plan_index);
        if (is_item_of_list(machine, plan_index) && machine->tasks[step->first].item[0])
                refresh_item_waits(machine, plan_index);
        step->is_open = is_fallback;
}

static void enqueue_fallbacks(struct run_machine *machine) {
        for (size_t i = 0; i < machine->n_tasks; i++)
                if (machine->tasks[i].kind == TASK_STEP && machine->tasks[i].stands_for != TASK_NONE &&
                    machine->tasks[i].state == TASK_PENDING)
                        enqueue_task(machine, i);
}

void refresh_counts(struct run_machine *machine) {
        if (!machine->is_stale)
                return;
        machine->is_stale = false;
        machine->counts = (struct task_counts){0};
        machine->n_open = 0;
        for (size_t i = 0; i < machine->plan->n_steps; i++) {
                struct step_progress *step = &machine->steps[i];

                *step = (struct step_progress){
                        .first = step->first, .more = step->more, .queue_head = TASK_NONE, .paced_by = TASK_NONE};
        }
        refresh_covered(machine);
        for (size_t i = 0; i < machine->n_tasks; i++)
                refresh_task(machine, i);
        for (size_t i = 0; i < machine->plan->n_steps; i++)
                refresh_step(machine, i);
        enqueue_fallbacks(machine);
}

/* A fallback that did not apply stands in for nothing. */
static bool has_stand_in(const struct run_machine *machine, size_t task) {
        uint32_t fallback = machine->tasks[task].fallback;

        return fallback != TASK_NONE && machine->tasks[fallback].status != STEP_SKIPPED;
}

/* What failed before and has nothing to stand in for it: the run goes on failing, or the item. */
static void note_failure(struct run_machine *machine, size_t task, struct effects *effects) {
        const struct task *state = &machine->tasks[task];
        size_t root = task;
        char *message = run_message_step_failed_before(run_machine_step(machine, task), state);

        while (machine->tasks[root].stands_for != TASK_NONE)
                root = machine->tasks[root].stands_for;
        if (run_machine_step(machine, root)->critical && !has_stand_in(machine, task) &&
            !is_item_of_list(machine, machine->tasks[root].plan_index)) {
                fail_run(machine, state->reason, message, effects);
                return;
        }
        if (machine->error_message)
                free(message);
        else
                machine->error_message = message;
        if (run_machine_step(machine, root)->critical && !has_stand_in(machine, task))
                skip_rest_of_item(machine, root, effects);
}

/* A condition that is asked, and the task that waits for the answer. */
static void resume_helper(struct run_machine *machine, size_t helper) {
        const struct task *task = &machine->tasks[helper];

        if (task->state == TASK_ENDED)
                return;
        if (task->kind == TASK_CONDITION && machine->tasks[task->stands_for].state == TASK_PENDING)
                machine->tasks[task->stands_for].state = TASK_CHECKING;
        if (task->kind == TASK_LISTER)
                machine->lists[machine->plan->steps[task->plan_index].list].state = LIST_WANTED;
}

static void resume_helpers(struct run_machine *machine) {
        for (size_t i = 0; i < machine->n_tasks; i++)
                if (machine->tasks[i].state == TASK_CHECKING)
                        machine->tasks[i].state = TASK_PENDING;
        for (size_t i = 0; i < machine->n_tasks; i++)
                resume_helper(machine, i);
        machine->is_stale = true;
        refresh_counts(machine);
}

void note_earlier_failures(struct run_machine *machine, struct effects *effects) {
        for (size_t i = 0, n = machine->n_tasks; i < n; i++)
                if (machine->tasks[i].kind == TASK_STEP && machine->tasks[i].state == TASK_ENDED &&
                    machine->tasks[i].status == STEP_FAILED)
                        note_failure(machine, i, effects);
}

bool run_machine_lose(struct run_machine *machine, struct effects *effects) {
        if (machine->status != RUN_RUNNING)
                return false;
        resume_helpers(machine);
        note_earlier_failures(machine, effects);
        return run_machine_cancel(machine, REASON_LOST, effects);
}

/* What an active or waiting task needs anew from a daemon that has just come up. */
static void resume_task(struct run_machine *machine, size_t task, struct effects *effects) {
        const struct task *state = &machine->tasks[task];
        bool may_start = !machine->failing && !machine->cancelling;

        if (state->state == TASK_STARTING && may_start)
                launch_attempt(machine, task, state->attempt ? state->attempt : 1, effects);
        /* Decided and never launched, and now nothing may be. */
        else if (state->state == TASK_STARTING && machine->cancelling)
                end_cancelled(machine, task, effects);
        else if (state->state == TASK_STARTING)
                end_task(machine, task, STEP_SKIPPED, REASON_DEPENDENCY, effects);
        else if (state->state == TASK_WAITING && may_start)
                push_effect(effects, (struct effect){.type = EFFECT_RETRY_TIMER,
                                                     .task = task,
                                                     .attempt = state->attempt + 1,
                                                     .delay = retry_delay(run_machine_step(machine, task),
                                                                          state->attempt + 1, 0),
                                                     .reason = state->reason});
}

/* When the last item was started is not known: the whole time is waited for. */
static void resume_pace(struct run_machine *machine, size_t plan_index, struct effects *effects) {
        struct step_progress *step = &machine->steps[plan_index];
        usec_t delay = machine->plan->steps[plan_index].step->item_delay;

        if (delay == 0 || step->counts.completed + step->counts.running == 0)
                return;
        step->is_pacing = true;
        push_effect(effects, (struct effect){.type = EFFECT_PACE_TIMER, .index = plan_index, .delay = delay});
}

static bool has_begun(const struct run_machine *machine) {
        if (!machine->plan->condition)
                return true;
        if (machine->condition_task != TASK_NONE)
                return machine->tasks[machine->condition_task].state == TASK_ENDED;
        return machine->counts.completed + machine->counts.running > 0;
}

static void resume_steps(struct run_machine *machine, struct effects *effects) {
        for (size_t i = 0; i < machine->plan->n_steps; i++)
                resume_pace(machine, i, effects);
        if (has_begun(machine))
                open_steps(machine, effects);
        else if (machine->condition_task == TASK_NONE)
                machine->condition_task = launch_helper(machine, TASK_RUN_CONDITION, 0, "", effects);
        for (size_t i = 0; i < machine->plan->n_steps; i++)
                pump_step(machine, i, effects);
}

bool run_machine_resume(struct run_machine *machine, struct effects *effects) {
        size_t n = machine->n_tasks;

        if (machine->status == RUN_QUEUED && machine->ready_task == TASK_NONE)
                return false;
        if (run_status_is_final(machine->status))
                return false;
        resume_helpers(machine);
        note_earlier_failures(machine, effects);
        for (size_t i = 0; i < n; i++)
                resume_task(machine, i, effects);
        if (machine->status == RUN_RUNNING)
                resume_steps(machine, effects);
        finish_event(machine, effects);
        return true;
}
