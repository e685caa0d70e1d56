/* Random plans with items, conditions and fallbacks under random events and restarts: what must hold whatever happens.
 *
 * - What is counted on the way is what counting all of it gives.
 * - Nothing begins before what it follows has ended, and never more of a step than MaxParallel= allows.
 * - A run ends with its last task, once; until then something is under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "core_fixture.h"
#include "macro.h"
#include "record.h"
#include "run_machine.h"
#include "strutil.h"

static struct item_list items_of(const char *text) {
        struct item_list items;
        size_t dropped;

        assert_int_equal(item_list_from_text(&items, text, strlen(text), &dropped, NULL), 0);
        return items;
}

/* xorshift64*: the same sequence everywhere, so that a failure can be repeated by its seed. */
static uint64_t random_state;
static unsigned random_below(unsigned bound) {
        random_state ^= random_state >> 12;
        random_state ^= random_state << 25;
        random_state ^= random_state >> 27;
        return (unsigned)((random_state * 0x2545F4914F6CDD1DULL) >> 33) % bound;
}

#define STEPS_MAX 7

static void append_random_step(struct buf *text, unsigned i, unsigned n) {
        static const char *const lists[] = {"", "ForEach=!one\n", "ForEach=two\n"};
        const char *list = lists[random_below(3)];

        (void)buf_appendf(text, "[Step s%u]\nExec=true\nRetries=%u\nCritical=%s\n", i, random_below(2),
                          random_below(2) ? "yes" : "no");
        (void)buf_appendf(text, "%s", list);
        if (*list)
                (void)buf_appendf(text, "MaxParallel=%u\nItemDelaySec=%u\n", 1 + random_below(3), random_below(2));
        if (random_below(3) == 0)
                (void)buf_appendf(text, "Condition=c\n");
        if (i == 0 && random_below(2))
                (void)buf_appendf(text, "Fallback=f0\n[Step f0]\nExec=x\n%s", random_below(2) ? "Condition=x\n" : "");
        else if (random_below(2) && i + 1 < n) {
                (void)buf_appendf(text, "After=");
                for (unsigned j = 0; j < i; j++)
                        if (random_below(3) == 0)
                                (void)buf_appendf(text, " s%u", j);
                (void)buf_appendf(text, "\n");
        }
}

static struct run_plan random_plan(void) {
        struct buf text = BUF_INIT(16384);
        unsigned n = 1 + random_below(STEPS_MAX);
        struct run_plan plan;

        (void)buf_appendf(&text, "[Job]\n%s%s", random_below(4) ? "" : "Condition=c\n",
                          random_below(4) ? "" : "ReadyWhen=r\n");
        for (unsigned i = 0; i < n; i++)
                append_random_step(&text, i, n);
        plan = plan_from_text(buf_data(&text));
        buf_done(&text);
        return plan;
}

static void give_random_items(struct run_machine *machine, size_t list, struct effects *effects) {
        static const char *const texts[] = {"", "a\n", "a\nb\nc\n", "a\nb\nc\nd\ne\nf\n"};
        struct item_list items = items_of(texts[random_below(ELEMENTSOF(texts))]);

        (void)run_machine_add_items(machine, list, &items, effects);
}

/* What an engine does at once. */
static void serve(struct run_machine *machine, struct effects *effects) {
        for (size_t i = 0; i < effects->count; i++)
                if (effects->items[i].type == EFFECT_FIND_ITEMS)
                        give_random_items(machine, effects->items[i].index, effects);
}

static void end_attempt(struct run_machine *machine, size_t task, struct effects *effects) {
        static const int statuses[] = {0, 0, 0, 0, 0, 1, 2, 65};
        struct attempt_end end = {
                .outcome = random_below(8) ? OUTCOME_EXITED : (enum attempt_outcome)random_below(_OUTCOME_MAX),
                .exit_status = statuses[random_below(8)],
        };
        const struct task *state = &machine->tasks[task];

        if (state->kind == TASK_LISTER && (state->state == TASK_RUNNING || state->state == TASK_STARTING) &&
            end.outcome == OUTCOME_EXITED && end.exit_status == 0)
                give_random_items(machine, machine->plan->steps[state->plan_index].list, effects);
        (void)run_machine_attempt_ended(machine, task, &end, 0.5, effects);
}

static void random_event(struct run_machine *machine, struct effects *effects) {
        size_t task = random_below((unsigned)machine->n_tasks);
        unsigned choice = random_below(400);

        if (choice == 0)
                (void)run_machine_cancel(machine, random_below(2) ? REASON_REQUEST : REASON_TIMEOUT, effects);
        else if (choice < 100)
                (void)run_machine_retry_due(machine, task, effects);
        else if (choice < 150)
                (void)run_machine_pace_due(machine, random_below((unsigned)machine->plan->n_steps), effects);
        else if (choice < 250)
                (void)run_machine_attempt_started(machine, task, effects);
        else
                end_attempt(machine, task, effects);
        serve(machine, effects);
}

static bool has_ended(const struct run_machine *machine, size_t task) {
        const struct task *state = &machine->tasks[task];

        return state->state == TASK_ENDED && (state->fallback == TASK_NONE || has_ended(machine, state->fallback));
}

/* Nothing begins before what it follows has ended: the same item of steps of its list, all of others. */
static void check_order(struct run_machine *machine, size_t task) {
        const struct task *state = &machine->tasks[task];
        const struct plan_step *entry = &machine->plan->steps[state->plan_index];

        if (state->kind != TASK_STEP && state->kind != TASK_CONDITION)
                return;
        for (size_t k = 0; k < entry->n_after; k++)
                for (size_t i = 0; i < machine->n_tasks; i++) {
                        const struct task *other = &machine->tasks[i];

                        if (other->kind != TASK_STEP || other->plan_index != entry->after[k])
                                continue;
                        if (plan_waits_by_item(machine->plan, state->plan_index, entry->after[k]) &&
                            !streq(other->item, state->item))
                                continue;
                        assert_true(has_ended(machine, i));
                }
}

static void check_launches(struct run_machine *machine, struct effects *effects, size_t *n_ends) {
        for (size_t i = 0; i < effects->count; i++) {
                if (effects->items[i].type == EFFECT_LAUNCH) {
                        assert_false(machine->cancelling);
                        check_order(machine, effects->items[i].task);
                }
                if (effects->items[i].type == EFFECT_RUN_ENDED)
                        (*n_ends)++;
        }
        effects->count = 0;
}

static void check_counted(const struct run_machine *machine) {
        struct task_counts counts = {0};
        size_t n_open = 0;

        for (size_t i = 0; i < machine->n_tasks; i++) {
                const struct task *task = &machine->tasks[i];

                n_open += task->state != TASK_ENDED;
                if (task->kind != TASK_STEP)
                        continue;
                counts.total++;
                counts.completed += task->state == TASK_ENDED;
                counts.failed += task->state == TASK_ENDED && task->status == STEP_FAILED;
                counts.skipped += task->state == TASK_ENDED && task->status == STEP_SKIPPED;
                counts.running += task->state != TASK_ENDED && task->state != TASK_PENDING;
        }
        assert_memory_equal(&counts, &machine->counts, sizeof(counts));
        assert_int_equal(n_open, machine->n_open);
}

static void check_places(const struct run_machine *machine) {
        for (size_t step = 0; step < machine->plan->n_steps; step++) {
                size_t n = 0;

                for (size_t i = 0; i < machine->n_tasks; i++)
                        n += machine->tasks[i].plan_index == step && machine->tasks[i].kind == TASK_STEP &&
                             machine->tasks[i].state != TASK_ENDED && machine->tasks[i].state != TASK_PENDING;
                assert_true(n <= machine->plan->steps[step].step->max_parallel);
        }
}

/* Something is under way, or will be when a timer fires. */
static bool goes_on(const struct run_machine *machine) {
        for (size_t i = 0; i < machine->n_tasks; i++)
                if (machine->tasks[i].state != TASK_ENDED && machine->tasks[i].state != TASK_PENDING)
                        return true;
        for (size_t i = 0; i < machine->plan->n_steps; i++)
                if (machine->steps[i].is_pacing)
                        return true;
        return false;
}

static void check_machine(struct run_machine *machine, struct effects *effects, size_t *n_ends) {
        check_launches(machine, effects, n_ends);
        check_counted(machine);
        check_places(machine);
        assert_int_equal(*n_ends, run_status_is_final(machine->status));
        assert_int_equal(machine->n_open == 0, run_status_is_final(machine->status));
        if (!run_status_is_final(machine->status))
                assert_true(goes_on(machine));
}

static void test_random_runs(void **state) {
        for (unsigned round = 0; round < 4000; round++) {
                struct run_plan plan;
                struct run_machine machine;
                struct effects effects = {0};
                size_t n_ends = 0;

                random_state = round + 1;
                plan = random_plan();
                run_machine_init(&machine, &plan);
                (void)run_machine_start(&machine, &effects);
                serve(&machine, &effects);
                for (unsigned i = 0; i < 3000 && !run_status_is_final(machine.status); i++) {
                        check_machine(&machine, &effects, &n_ends);
                        random_event(&machine, &effects);
                }
                check_machine(&machine, &effects, &n_ends);
                assert_true(run_status_is_final(machine.status));
                run_machine_done(&machine);
                effects_done(&effects);
                run_plan_done(&plan);
        }
}

/* As recovery.c does it, from what rows tell: an attempt that was decided was launched, and one that waits for its
 * retry has a row. */
static void restore(const struct run_machine *old, struct run_machine *new, struct effects *effects) {
        run_machine_init(new, old->plan);
        run_machine_restore_run(new, old->status, old->had_warnings);
        for (size_t i = 0; i < old->plan->n_lists; i++)
                if (old->lists[i].state == LIST_KNOWN) {
                        _cleanup_free_ char *text = item_list_to_text(&old->lists[i].items);
                        struct item_list items = items_of(text);

                        (void)run_machine_add_items(new, i, &items, effects);
                }
        for (size_t i = 0; i < old->n_tasks; i++) {
                const struct task *task = &old->tasks[i];
                const char *name = run_machine_step(old, i)->name;
                uint32_t index = step_name_is_helper(name) ? TASK_NONE : run_machine_find(new, name, task->item);
                enum task_state state = task->state;

                if (state == TASK_PENDING || state == TASK_CHECKING) {
                        if (task->stands_for == TASK_NONE || task->kind != TASK_STEP)
                                continue;
                        state = TASK_PENDING;
                }
                if (index == TASK_NONE)
                        index = run_machine_restore_added(new, name, task->item);
                assert_int_not_equal(index, TASK_NONE);
                run_machine_restore_task(new, index, state == TASK_STARTING ? TASK_RUNNING : state, task->status,
                                         task->reason, task->attempt);
        }
        effects->count = 0;
        assert_true(run_machine_resume(new, effects) || run_machine_start(new, effects));
        if (old->cancelling)
                (void)run_machine_cancel(new, old->cancel_reason, effects);
        serve(new, effects);
}

static void test_random_restarts(void **state) {
        for (unsigned round = 0; round < 3000; round++) {
                struct run_plan plan;
                struct run_machine machine, resumed;
                struct effects effects = {0};
                size_t n_ends = 0;

                random_state = round + 4711;
                plan = random_plan();
                run_machine_init(&machine, &plan);
                (void)run_machine_start(&machine, &effects);
                serve(&machine, &effects);
                for (unsigned i = random_below(60); i > 0 && !run_status_is_final(machine.status); i--)
                        random_event(&machine, &effects);
                effects.count = 0;
                if (!run_status_is_final(machine.status)) {
                        restore(&machine, &resumed, &effects);
                        for (unsigned i = 0; i < 3000 && !run_status_is_final(resumed.status); i++) {
                                check_machine(&resumed, &effects, &n_ends);
                                random_event(&resumed, &effects);
                        }
                        check_machine(&resumed, &effects, &n_ends);
                        assert_true(run_status_is_final(resumed.status));
                        run_machine_done(&resumed);
                }
                run_machine_done(&machine);
                effects_done(&effects);
                run_plan_done(&plan);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_runs),
                cmocka_unit_test(test_random_restarts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
