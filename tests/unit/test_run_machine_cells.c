/* Every state of a task with every event, and every status of a run with every event: what becomes of it, and what is
 * to be done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "core_fixture.h"
#include "macro.h"
#include "run_machine.h"
#include "strutil.h"

enum event {
        EVENT_START,
        EVENT_STARTED,
        EVENT_EXIT_0,
        EVENT_EXIT_1,
        EVENT_EXIT_65,
        EVENT_CANCELLED,
        EVENT_LOST,
        EVENT_RETRY_DUE,
        EVENT_CANCEL_REQUEST,
        EVENT_CANCEL_TIMEOUT,
        EVENT_RESUME,
        _EVENT_MAX,
};

static const char *const event_names[_EVENT_MAX] = {
        [EVENT_START] = "start",
        [EVENT_STARTED] = "attempt_started",
        [EVENT_EXIT_0] = "exit 0",
        [EVENT_EXIT_1] = "exit 1",
        [EVENT_EXIT_65] = "exit 65",
        [EVENT_CANCELLED] = "attempt cancelled",
        [EVENT_LOST] = "lost",
        [EVENT_RETRY_DUE] = "retry_due",
        [EVENT_CANCEL_REQUEST] = "cancel request",
        [EVENT_CANCEL_TIMEOUT] = "cancel timeout",
        [EVENT_RESUME] = "resume",
};

static const char *const task_state_names[] = {
        [TASK_PENDING] = "pending", [TASK_STARTING] = "starting", [TASK_RUNNING] = "running",
        [TASK_WAITING] = "waiting", [TASK_CHECKING] = "checking", [TASK_ENDED] = "ended",
};

static bool end_attempt(struct run_machine *machine, enum attempt_outcome outcome, int exit_status,
                        struct effects *effects) {
        struct attempt_end end = {.outcome = outcome, .exit_status = exit_status};

        return run_machine_attempt_ended(machine, 0, &end, 0, effects);
}

static bool fire(struct run_machine *machine, enum event event, struct effects *effects) {
        switch (event) {
        case EVENT_START:
                return run_machine_start(machine, effects);
        case EVENT_STARTED:
                return run_machine_attempt_started(machine, 0, effects);
        case EVENT_EXIT_0:
                return end_attempt(machine, OUTCOME_EXITED, 0, effects);
        case EVENT_EXIT_1:
                return end_attempt(machine, OUTCOME_EXITED, 1, effects);
        case EVENT_EXIT_65:
                return end_attempt(machine, OUTCOME_EXITED, 65, effects);
        case EVENT_CANCELLED:
                return end_attempt(machine, OUTCOME_CANCELLED, 0, effects);
        case EVENT_LOST:
                return end_attempt(machine, OUTCOME_LOST, 0, effects);
        case EVENT_RETRY_DUE:
                return run_machine_retry_due(machine, 0, effects);
        case EVENT_CANCEL_REQUEST:
                return run_machine_cancel(machine, REASON_REQUEST, effects);
        case EVENT_CANCEL_TIMEOUT:
                return run_machine_cancel(machine, REASON_TIMEOUT, effects);
        case EVENT_RESUME:
                return run_machine_resume(machine, effects);
        case _EVENT_MAX:
                break;
        }
        abort();
}

static void describe_effect(struct buf *out, const struct effect *effect) {
        static const char *const names[] = {
                [EFFECT_LAUNCH] = "launch",     [EFFECT_RETRY_TIMER] = "timer", [EFFECT_STOP_ATTEMPT] = "stop",
                [EFFECT_TASK_CHANGED] = "task", [EFFECT_RUN_CHANGED] = "run",   [EFFECT_RUN_ENDED] = "end",
        };

        (void)buf_appendf(out, " %s", names[effect->type]);
        if (effect->type != EFFECT_RUN_CHANGED && effect->type != EFFECT_RUN_ENDED)
                (void)buf_appendf(out, "(%zu.%u)", effect->task, effect->attempt);
}

/* "ignored", or the run, the task, and the effects: "failed/exit | ended failed/exit #2 | task(0.2) run end". */
static char *describe(bool accepted, const struct run_machine *machine, const struct effects *effects) {
        struct buf out = BUF_INIT(4096);
        const struct task *task = &machine->tasks[0];

        if (!accepted) {
                assert_int_equal(effects->count, 0);
                return strdup("ignored");
        }
        (void)buf_appendf(&out, "%s%s%s | %s %s%s%s #%u |", run_status_to_string(machine->status),
                          machine->reason ? "/" : "", str_or(reason_to_string(machine->reason), ""),
                          task_state_names[task->state], step_status_to_string(task->status), task->reason ? "/" : "",
                          str_or(reason_to_string(task->reason), ""), task->attempt);
        for (size_t i = 0; i < effects->count; i++)
                describe_effect(&out, &effects->items[i]);
        return buf_steal(&out);
}

static const char one_step[] = "[Step a]\nExec=true\nRetries=1\n";

/* Puts the machine of one_step into the state in which its task is in the given state during a run. */
static void put_task(struct run_machine *machine, enum task_state state) {
        static const struct {
                enum step_status status;
                enum reason reason;
                unsigned attempt;
        } as_recorded[] = {
                [TASK_PENDING] = {STEP_PENDING, REASON_NONE, 0},  [TASK_STARTING] = {STEP_PENDING, REASON_NONE, 1},
                [TASK_RUNNING] = {STEP_RUNNING, REASON_NONE, 1},  [TASK_WAITING] = {STEP_RUNNING, REASON_EXIT, 1},
                [TASK_CHECKING] = {STEP_PENDING, REASON_NONE, 0}, [TASK_ENDED] = {STEP_SUCCESS, REASON_NONE, 1},
        };

        run_machine_restore_run(machine, RUN_RUNNING, false);
        run_machine_restore_task(machine, 0, state, as_recorded[state].status, as_recorded[state].reason,
                                 as_recorded[state].attempt);
}

/* run | task #attempt | effects(task.attempt) */
static const char *const task_cells[TASK_ENDED + 1][_EVENT_MAX] = {
        [TASK_PENDING] =
                {
                        [EVENT_START] = "ignored",
                        [EVENT_STARTED] = "ignored",
                        [EVENT_EXIT_0] = "ignored",
                        [EVENT_EXIT_1] = "ignored",
                        [EVENT_EXIT_65] = "ignored",
                        [EVENT_CANCELLED] = "ignored",
                        [EVENT_LOST] = "ignored",
                        [EVENT_RETRY_DUE] = "ignored",
                        [EVENT_CANCEL_REQUEST] = "cancelled/request | ended cancelled/request #0 | task(0.0) run end",
                        [EVENT_CANCEL_TIMEOUT] = "failed/timeout | ended skipped/timeout #0 | task(0.0) run end",
                        [EVENT_RESUME] = "running | starting pending #1 | launch(0.1)",
                },
        [TASK_STARTING] =
                {
                        [EVENT_START] = "ignored",
                        [EVENT_STARTED] = "running | running running #1 | task(0.1)",
                        [EVENT_EXIT_0] = "success | ended success #1 | task(0.1) run end",
                        [EVENT_EXIT_1] = "running | waiting running/exit #1 | timer(0.2)",
                        [EVENT_EXIT_65] = "failed/exit | ended failed/exit #1 | task(0.1) run end",
                        [EVENT_CANCELLED] = "cancelled/stopped | ended cancelled/stopped #1 | task(0.1) run end",
                        [EVENT_LOST] = "running | waiting running/lost #1 | timer(0.2)",
                        [EVENT_RETRY_DUE] = "ignored",
                        [EVENT_CANCEL_REQUEST] = "running | starting pending #1 | stop(0.1)",
                        [EVENT_CANCEL_TIMEOUT] = "running | starting pending #1 | stop(0.1)",
                        [EVENT_RESUME] = "running | starting pending #1 | launch(0.1)",
                },
        [TASK_RUNNING] =
                {
                        [EVENT_START] = "ignored",
                        [EVENT_STARTED] = "ignored",
                        [EVENT_EXIT_0] = "success | ended success #1 | task(0.1) run end",
                        [EVENT_EXIT_1] = "running | waiting running/exit #1 | timer(0.2)",
                        [EVENT_EXIT_65] = "failed/exit | ended failed/exit #1 | task(0.1) run end",
                        [EVENT_CANCELLED] = "cancelled/stopped | ended cancelled/stopped #1 | task(0.1) run end",
                        [EVENT_LOST] = "running | waiting running/lost #1 | timer(0.2)",
                        [EVENT_RETRY_DUE] = "ignored",
                        [EVENT_CANCEL_REQUEST] = "running | running running #1 | stop(0.1)",
                        [EVENT_CANCEL_TIMEOUT] = "running | running running #1 | stop(0.1)",
                        [EVENT_RESUME] = "running | running running #1 |",
                },
        [TASK_WAITING] =
                {
                        [EVENT_START] = "ignored",
                        [EVENT_STARTED] = "ignored",
                        [EVENT_EXIT_0] = "ignored",
                        [EVENT_EXIT_1] = "ignored",
                        [EVENT_EXIT_65] = "ignored",
                        [EVENT_CANCELLED] = "ignored",
                        [EVENT_LOST] = "ignored",
                        [EVENT_RETRY_DUE] = "running | starting running/exit #2 | launch(0.2)",
                        [EVENT_CANCEL_REQUEST] = "cancelled/request | ended cancelled/request #1 | task(0.1) run end",
                        [EVENT_CANCEL_TIMEOUT] = "failed/timeout | ended failed/timeout #1 | task(0.1) run end",
                        [EVENT_RESUME] = "running | waiting running/exit #1 | timer(0.2)",
                },
        /* Its condition, which is another task, is not there any more: it is asked again. */
        [TASK_CHECKING] =
                {
                        [EVENT_START] = "ignored",
                        [EVENT_STARTED] = "ignored",
                        [EVENT_EXIT_0] = "ignored",
                        [EVENT_EXIT_1] = "ignored",
                        [EVENT_EXIT_65] = "ignored",
                        [EVENT_CANCELLED] = "ignored",
                        [EVENT_LOST] = "ignored",
                        [EVENT_RETRY_DUE] = "ignored",
                        [EVENT_CANCEL_REQUEST] = "cancelled/request | ended cancelled/request #0 | task(0.0) run end",
                        [EVENT_CANCEL_TIMEOUT] = "failed/timeout | ended skipped/timeout #0 | task(0.0) run end",
                        [EVENT_RESUME] = "running | starting pending #1 | launch(0.1)",
                },
        [TASK_ENDED] =
                {
                        [EVENT_START] = "ignored",
                        [EVENT_STARTED] = "ignored",
                        [EVENT_EXIT_0] = "ignored",
                        [EVENT_EXIT_1] = "ignored",
                        [EVENT_EXIT_65] = "ignored",
                        [EVENT_CANCELLED] = "ignored",
                        [EVENT_LOST] = "ignored",
                        [EVENT_RETRY_DUE] = "ignored",
                        [EVENT_CANCEL_REQUEST] = "cancelled/request | ended success #1 | run end",
                        [EVENT_CANCEL_TIMEOUT] = "failed/timeout | ended success #1 | run end",
                        [EVENT_RESUME] = "success | ended success #1 | run end",
                },
};

/* The final statuses ignore every event. */
static const char *const run_cells[RUN_RUNNING + 1][_EVENT_MAX] = {
        [RUN_QUEUED] =
                {
                        [EVENT_START] = "running | starting pending #1 | run launch(0.1)",
                        [EVENT_STARTED] = "ignored",
                        [EVENT_EXIT_0] = "ignored",
                        [EVENT_EXIT_1] = "ignored",
                        [EVENT_EXIT_65] = "ignored",
                        [EVENT_CANCELLED] = "ignored",
                        [EVENT_LOST] = "ignored",
                        [EVENT_RETRY_DUE] = "ignored",
                        [EVENT_CANCEL_REQUEST] = "cancelled/request | ended cancelled/request #0 | task(0.0) run end",
                        [EVENT_CANCEL_TIMEOUT] = "failed/timeout | ended skipped/timeout #0 | task(0.0) run end",
                        [EVENT_RESUME] = "ignored",
                },
        [RUN_RUNNING] =
                {
                        [EVENT_START] = "ignored",
                        [EVENT_STARTED] = "ignored",
                        [EVENT_EXIT_0] = "success | ended success #1 | task(0.1) run end",
                        [EVENT_EXIT_1] = "running | waiting running/exit #1 | timer(0.2)",
                        [EVENT_EXIT_65] = "failed/exit | ended failed/exit #1 | task(0.1) run end",
                        [EVENT_CANCELLED] = "cancelled/stopped | ended cancelled/stopped #1 | task(0.1) run end",
                        [EVENT_LOST] = "running | waiting running/lost #1 | timer(0.2)",
                        [EVENT_RETRY_DUE] = "ignored",
                        [EVENT_CANCEL_REQUEST] = "running | running running #1 | stop(0.1)",
                        [EVENT_CANCEL_TIMEOUT] = "running | running running #1 | stop(0.1)",
                        [EVENT_RESUME] = "running | running running #1 |",
                },
};

static void check(const char *text, const char *expected, const char *what, enum event event, unsigned *n_wrong) {
        if (streq(text, str_or(expected, "")))
                return;
        fprintf(stderr, "%s x %s:\n  expected: %s\n  is:       %s\n", what, event_names[event],
                str_or(expected, "(nothing)"), text);
        (*n_wrong)++;
}

static void test_task_states(void **state) {
        struct run_plan plan = plan_from_text(one_step);
        unsigned n_wrong = 0;

        for (int from = TASK_PENDING; from <= TASK_ENDED; from++)
                for (int event = 0; event < _EVENT_MAX; event++) {
                        struct run_machine machine;
                        struct effects effects = {0};
                        bool accepted;
                        char *text;

                        run_machine_init(&machine, &plan);
                        put_task(&machine, (enum task_state)from);
                        accepted = fire(&machine, (enum event)event, &effects);
                        text = describe(accepted, &machine, &effects);
                        check(text, task_cells[from][event], task_state_names[from], (enum event)event, &n_wrong);
                        free(text);
                        effects_done(&effects);
                        run_machine_done(&machine);
                }
        run_plan_done(&plan);
        assert_int_equal(n_wrong, 0);
}

/* The task of a run of this status: pending before, running during, ended after. */
static void put_run(struct run_machine *machine, enum run_status status) {
        if (status == RUN_QUEUED)
                return;
        put_task(machine, status == RUN_RUNNING ? TASK_RUNNING : TASK_ENDED);
        run_machine_restore_run(machine, status, false);
}

static void test_run_statuses(void **state) {
        struct run_plan plan = plan_from_text(one_step);
        unsigned n_wrong = 0;

        for (int from = RUN_QUEUED; from < _RUN_STATUS_MAX; from++)
                for (int event = 0; event < _EVENT_MAX; event++) {
                        struct run_machine machine;
                        struct effects effects = {0};
                        bool accepted;
                        char *text;

                        run_machine_init(&machine, &plan);
                        put_run(&machine, (enum run_status)from);
                        accepted = fire(&machine, (enum event)event, &effects);
                        text = describe(accepted, &machine, &effects);
                        check(text, run_status_is_final((enum run_status)from) ? "ignored" : run_cells[from][event],
                              run_status_to_string((enum run_status)from), (enum event)event, &n_wrong);
                        free(text);
                        effects_done(&effects);
                        run_machine_done(&machine);
                }
        run_plan_done(&plan);
        assert_int_equal(n_wrong, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_task_states),
                cmocka_unit_test(test_run_statuses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
