/* Random plans under random events: what must hold whatever happens.
 *
 * - A run ends as soon as no task is active or waiting, and only then, once.
 * - No attempt is launched twice, numbers grow by one, nothing starts before what it follows has ended.
 * - After the end nothing has an effect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "core_fixture.h"
#include "run_machine.h"

#define STEPS_MAX 8
#define ROUNDS 3000
#define EVENTS 200

static uint64_t random_state;

/* xorshift64*: the same sequence everywhere, so that a failure can be repeated by its seed. */
static unsigned random_below(unsigned bound) {
        random_state ^= random_state >> 12;
        random_state ^= random_state << 25;
        random_state ^= random_state >> 27;
        return (unsigned)((random_state * 0x2545F4914F6CDD1DULL) >> 33) % bound;
}

/* A job of up to STEPS_MAX steps; After= names earlier ones, so that every plan is possible. */
static struct run_plan random_plan(void) {
        struct buf text = BUF_INIT(16384);
        unsigned n = 1 + random_below(STEPS_MAX);
        struct run_plan plan;

        for (unsigned i = 0; i < n; i++) {
                (void)buf_appendf(&text, "[Step s%u]\nExec=true\nRetries=%u\nCritical=%s\nWarnExitStatus=3\n", i,
                                  random_below(3), random_below(2) ? "yes" : "no");
                if (random_below(2)) {
                        (void)buf_appendf(&text, "After=");
                        for (unsigned j = 0; j < i; j++)
                                if (random_below(3) == 0)
                                        (void)buf_appendf(&text, " s%u", j);
                        (void)buf_appendf(&text, "\n");
                }
        }
        plan = plan_from_text(buf_data(&text));
        buf_done(&text);
        return plan;
}

static bool random_event(struct run_machine *machine, struct effects *effects) {
        static const int statuses[] = {0, 0, 0, 0, 1, 3, 65, 75};
        struct attempt_end end = {
                .outcome = random_below(3) ? OUTCOME_EXITED : (enum attempt_outcome)random_below(_OUTCOME_MAX),
                .exit_status = statuses[random_below(8)],
                .error_class = (enum error_class)random_below(3),
                .had_warnings = random_below(20) == 0,
        };
        size_t task = random_below((unsigned)machine->n_tasks);
        unsigned choice = random_below(40);

        if (choice == 0)
                return run_machine_cancel(machine, random_below(2) ? REASON_REQUEST : REASON_TIMEOUT, effects);
        if (choice == 1)
                return run_machine_start(machine, effects);
        if (choice == 2) {
                run_machine_warn(machine);
                return false;
        }
        if (choice < 13)
                return run_machine_retry_due(machine, task, effects);
        if (choice < 25)
                return run_machine_attempt_started(machine, task, effects);
        return run_machine_attempt_ended(machine, task, &end, 0.5, effects);
}

struct watch {
        unsigned launched[STEPS_MAX]; /* number of the last attempt */
        unsigned n_ends;
};

static void check_launch(struct watch *watch, const struct run_machine *machine, const struct effect *effect) {
        const struct plan_step *entry = &machine->plan->steps[effect->task];

        assert_int_equal(effect->attempt, watch->launched[effect->task] + 1);
        assert_true(effect->attempt <= entry->step->retries + 1);
        watch->launched[effect->task] = effect->attempt;
        assert_false(machine->cancelling);
        for (size_t i = 0; i < entry->n_after; i++)
                assert_int_equal(machine->tasks[entry->after[i]].state, TASK_ENDED);
}

static void check_effects(struct watch *watch, const struct run_machine *machine, struct effects *effects) {
        for (size_t i = 0; i < effects->count; i++) {
                if (effects->items[i].type == EFFECT_LAUNCH)
                        check_launch(watch, machine, &effects->items[i]);
                if (effects->items[i].type == EFFECT_RUN_ENDED) {
                        assert_int_equal(i, effects->count - 1);
                        watch->n_ends++;
                }
        }
        effects->count = 0;
}

static size_t count_open(const struct run_machine *machine) {
        size_t n = 0;

        for (size_t i = 0; i < machine->n_tasks; i++)
                n += machine->tasks[i].state != TASK_ENDED && machine->tasks[i].state != TASK_PENDING;
        return n;
}

static void check_state(const struct run_machine *machine, const struct watch *watch) {
        bool ended = run_status_is_final(machine->status);

        assert_int_equal(watch->n_ends, ended);
        if (machine->status != RUN_QUEUED)
                assert_int_equal(ended, count_open(machine) == 0);
        for (size_t i = 0; i < machine->n_tasks; i++)
                assert_int_equal(machine->tasks[i].state == TASK_ENDED, step_status_is_final(machine->tasks[i].status));
}

static void one_round(void) {
        struct run_plan plan = random_plan();
        struct run_machine machine;
        struct effects effects = {0};
        struct watch watch = {0};

        run_machine_init(&machine, &plan);
        for (unsigned i = 0; i < EVENTS; i++) {
                bool was_final = run_status_is_final(machine.status);
                bool accepted = random_event(&machine, &effects);

                assert_false(was_final && accepted);
                assert_true(accepted || effects.count == 0);
                check_effects(&watch, &machine, &effects);
                check_state(&machine, &watch);
        }
        run_machine_done(&machine);
        effects_done(&effects);
        run_plan_done(&plan);
}

static void test_random_events(void **state) {
        for (unsigned round = 0; round < ROUNDS; round++) {
                random_state = round + 1;
                one_round();
        }
}

/* An attempt of a run that may start none any more has been launched if it was decided: recovery says so. */
static enum task_state recorded_state(const struct run_machine *machine, size_t task) {
        enum task_state state = machine->tasks[task].state;

        return state == TASK_STARTING && (machine->cancelling || machine->failing) ? TASK_RUNNING : state;
}

/* A daemon that dies between any two events and takes the run up from its records goes on by the same rules. */
static void resume_copy(const struct run_machine *old, struct run_machine *new, struct effects *effects) {
        run_machine_init(new, old->plan);
        run_machine_restore_run(new, old->status, old->had_warnings);
        for (size_t i = 0; i < old->n_tasks; i++)
                run_machine_restore_task(new, i, recorded_state(old, i), old->tasks[i].status, old->tasks[i].reason,
                                         old->tasks[i].attempt);
        if (old->cancelling)
                (void)run_machine_cancel(new, old->cancel_reason, effects);
        (void)run_machine_resume(new, effects);
}

static void test_resume_keeps_the_state(void **state) {
        for (unsigned round = 0; round < ROUNDS; round++) {
                struct run_plan plan;
                struct run_machine machine, resumed;
                struct effects effects = {0};
                bool ended;

                random_state = round + 77;
                plan = random_plan();
                run_machine_init(&machine, &plan);
                (void)run_machine_start(&machine, &effects);
                for (unsigned i = random_below(30); i > 0; i--)
                        (void)random_event(&machine, &effects);
                ended = run_status_is_final(machine.status);
                resume_copy(&machine, &resumed, &effects);
                assert_int_equal(run_status_is_final(resumed.status), ended);
                for (size_t i = 0; i < machine.n_tasks; i++) {
                        assert_int_equal(recorded_state(&machine, i), resumed.tasks[i].state);
                        assert_int_equal(machine.tasks[i].attempt, resumed.tasks[i].attempt);
                }
                run_machine_done(&machine);
                run_machine_done(&resumed);
                effects_done(&effects);
                run_plan_done(&plan);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_events),
                cmocka_unit_test(test_resume_keeps_the_state),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
