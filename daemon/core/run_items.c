/* Items: a task for each, and what holds for those of one item. */
#include <stdlib.h>
#include <string.h>

#include "run_tasks.h"
#include "strutil.h"
#include "xalloc.h"

/* The step's one task becomes the first item's, the others are added. */
static void add_item_tasks(struct run_machine *machine, size_t plan_index, const struct item_list *items) {
        struct step_progress *step = &machine->steps[plan_index];

        machine->tasks[step->first].item = item_list_at(items, 0);
        step->more = (uint32_t)machine->n_tasks;
        for (size_t i = 1; i < items->n; i++) {
                uint32_t task = add_task(machine, TASK_STEP, plan_index, item_list_at(items, i));

                machine->tasks[task].waits = machine->tasks[step->first].waits;
        }
}

static void enqueue_items(struct run_machine *machine, size_t plan_index, struct effects *effects) {
        struct step_progress *step = &machine->steps[plan_index];

        if (!step->is_open)
                return;
        for (size_t i = 0; i < step->counts.total; i++) {
                uint32_t task = task_of_item(machine, plan_index, i);

                if (machine->tasks[task].waits == 0)
                        enqueue_task(machine, task);
        }
        pump_step(machine, plan_index, effects);
}

/* Nothing to do is done. */
static void end_without_items(struct run_machine *machine, const struct plan_list *entry, struct effects *effects) {
        for (size_t i = 0; i < entry->n_members; i++)
                end_task(machine, machine->steps[entry->members[i]].first, STEP_SUCCESS, REASON_NONE, effects);
        for (size_t i = 0; i < entry->n_members; i++)
                settle_task(machine, machine->steps[entry->members[i]].first, effects);
}

bool run_machine_add_items(struct run_machine *machine, size_t list, struct item_list *items, struct effects *effects) {
        const struct plan_list *entry = &machine->plan->lists[list];
        struct machine_list *known = &machine->lists[list];
        size_t first = machine->steps[entry->members[0]].first;

        if (known->state == LIST_KNOWN || machine->tasks[first].state != TASK_PENDING) {
                item_list_done(items);
                return false;
        }
        known->items = *items;
        *items = (struct item_list){0};
        if (known->items.n == 0) {
                end_without_items(machine, entry, effects);
                known->state = LIST_KNOWN;
                if (machine->status == RUN_RUNNING && !machine->is_stale)
                        finish_event(machine, effects);
                return true;
        }
        known->state = LIST_KNOWN;
        for (size_t i = 0; i < entry->n_members; i++)
                add_item_tasks(machine, entry->members[i], &known->items);
        for (size_t i = 0; i < entry->n_members && !machine->is_stale; i++)
                enqueue_items(machine, entry->members[i], effects);
        return true;
}

void fail_list(struct run_machine *machine, size_t list, enum reason reason, char *message, struct effects *effects) {
        const struct plan_list *entry = &machine->plan->lists[list];
        size_t first = machine->steps[entry->members[0]].first;

        if (machine->lists[list].state == LIST_KNOWN || machine->tasks[first].state != TASK_PENDING) {
                free(message);
                return;
        }
        for (size_t i = 1; i < entry->n_members; i++)
                end_task(machine, machine->steps[entry->members[i]].first, STEP_SKIPPED, REASON_DEPENDENCY, effects);
        end_task(machine, first, STEP_FAILED, reason, effects);
        fail_task(machine, first, message, effects);
        for (size_t i = 1; i < entry->n_members; i++)
                settle_task(machine, machine->steps[entry->members[i]].first, effects);
}

bool run_machine_items_failed(struct run_machine *machine, size_t list, const char *message, struct effects *effects) {
        if (machine->status != RUN_RUNNING || machine->lists[list].state != LIST_WANTED)
                return false;
        fail_list(machine, list, REASON_ITEMS, xstrdup(message), effects);
        finish_event(machine, effects);
        return true;
}

void skip_rest_of_item(struct run_machine *machine, size_t task, struct effects *effects) {
        size_t item = item_of_task(machine, task);
        const struct plan_list *entry =
                &machine->plan->lists[machine->plan->steps[machine->tasks[task].plan_index].list];
        uint32_t *skipped = xcalloc(entry->n_members, sizeof(*skipped));
        size_t n = 0;

        /* First all of them, then what follows from it: none is to begin because another one was left out. */
        for (size_t i = 0; i < entry->n_members; i++) {
                uint32_t other = task_of_item(machine, entry->members[i], item);
                enum task_state state = machine->tasks[other].state;

                if (state != TASK_PENDING && state != TASK_CHECKING)
                        continue;
                end_task(machine, other, STEP_SKIPPED, REASON_DEPENDENCY, effects);
                skipped[n++] = other;
        }
        for (size_t i = 0; i < n; i++)
                settle_task(machine, skipped[i], effects);
        free(skipped);
}

uint32_t add_fallback(struct run_machine *machine, size_t task) {
        size_t plan_index = machine->plan->steps[machine->tasks[task].plan_index].fallback;
        uint32_t fallback;

        if (plan_index == PLAN_NONE)
                return TASK_NONE;
        fallback = add_task(machine, TASK_STEP, plan_index, machine->tasks[task].item);
        machine->tasks[fallback].stands_for = (uint32_t)task;
        machine->tasks[task].fallback = fallback;
        if (machine->steps[plan_index].first == TASK_NONE)
                machine->steps[plan_index].first = fallback;
        return fallback;
}

bool run_machine_is_listed(const struct run_machine *machine, size_t task) {
        const struct task *state = &machine->tasks[task];

        return state->kind != TASK_STEP || machine->plan->steps[state->plan_index].list != PLAN_NONE ||
               state->stands_for != TASK_NONE;
}

static int compare_items(const void *a, const void *b, void *user) {
        const struct item_list *items = user;

        return strcmp(item_list_at(items, *(const uint32_t *)a), item_list_at(items, *(const uint32_t *)b));
}

static uint32_t *sort_items(const struct item_list *items) {
        uint32_t *sorted = xcalloc(items->n + 1, sizeof(*sorted));

        for (size_t i = 0; i < items->n; i++)
                sorted[i] = (uint32_t)i;
        qsort_r(sorted, items->n, sizeof(*sorted), compare_items, (void *)(uintptr_t)items);
        return sorted;
}

/* Index of the item in the list, SIZE_MAX when it is none. */
static size_t find_item(struct machine_list *list, const char *item) {
        size_t low = 0, high = list->items.n;

        if (!list->sorted)
                list->sorted = sort_items(&list->items);
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(item_list_at(&list->items, list->sorted[middle]), item);

                if (order == 0)
                        return list->sorted[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return SIZE_MAX;
}

uint32_t run_machine_find(struct run_machine *machine, const char *step_name, const char *item) {
        size_t plan_index = run_plan_find(machine->plan, step_name), list, index;

        if (plan_index == PLAN_NONE)
                return TASK_NONE;
        if (machine->plan->steps[plan_index].fallback_of != PLAN_NONE) {
                uint32_t task = run_machine_find(
                        machine, machine->plan->steps[machine->plan->steps[plan_index].fallback_of].step->name, item);

                return task == TASK_NONE ? TASK_NONE : machine->tasks[task].fallback;
        }
        list = machine->plan->steps[plan_index].list;
        if (!*item)
                return list == PLAN_NONE || machine->lists[list].items.n == 0 ? machine->steps[plan_index].first
                                                                              : TASK_NONE;
        index = list == PLAN_NONE ? SIZE_MAX : find_item(&machine->lists[list], item);
        return index == SIZE_MAX ? TASK_NONE : task_of_item(machine, plan_index, index);
}
