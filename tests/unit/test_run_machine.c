/* Runs of several steps: order, parallel steps, critical and other failures, warnings, cancels, recovery. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "core_fixture.h"
#include "run_machine.h"
#include "strutil.h"

struct fixture {
        struct run_plan plan;
        struct run_machine machine;
        struct effects effects;
};

static void begin(struct fixture *f, const char *text) {
        *f = (struct fixture){.plan = plan_from_text(text)};
        run_machine_init(&f->machine, &f->plan);
}

static void finish(struct fixture *f) {
        effects_done(&f->effects);
        run_machine_done(&f->machine);
        run_plan_done(&f->plan);
}

/* Tasks of the launch effects since the last call, as letters ("ab"); the effects are forgotten. */
static char *launched(struct fixture *f) {
        static char names[64];
        size_t n = 0;

        for (size_t i = 0; i < f->effects.count; i++)
                if (f->effects.items[i].type == EFFECT_LAUNCH)
                        names[n++] = f->plan.steps[f->effects.items[i].task].step->name[0];
        names[n] = '\0';
        f->effects.count = 0;
        return names;
}

static bool has_effect(const struct fixture *f, enum effect_type type, size_t task) {
        for (size_t i = 0; i < f->effects.count; i++)
                if (f->effects.items[i].type == type && f->effects.items[i].task == task)
                        return true;
        return false;
}

static void start_attempt(struct fixture *f, size_t task) {
        assert_true(run_machine_attempt_started(&f->machine, task, &f->effects));
}

static void end_with(struct fixture *f, size_t task, struct attempt_end end) {
        assert_true(run_machine_attempt_ended(&f->machine, task, &end, 0, &f->effects));
}

static void exit_with(struct fixture *f, size_t task, int status) {
        if (f->machine.tasks[task].state == TASK_STARTING)
                start_attempt(f, task);
        end_with(f, task, (struct attempt_end){.outcome = OUTCOME_EXITED, .exit_status = status});
}

#define DIAMOND                                                                                                        \
        "[Step a]\nExec=true\n[Step b]\nExec=true\nAfter=a\n[Step c]\nExec=true\nAfter=a\n[Step "                      \
        "d]\nExec=true\nAfter=b c\n"

static void test_steps_follow_each_other(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=true\n[Step b]\nExec=true\n[Step c]\nExec=true\n");
        assert_true(run_machine_start(&f.machine, &f.effects));
        assert_string_equal(launched(&f), "a");
        exit_with(&f, 0, 0);
        assert_string_equal(launched(&f), "b");
        exit_with(&f, 1, 0);
        assert_string_equal(launched(&f), "c");
        exit_with(&f, 2, 0);
        assert_true(has_effect(&f, EFFECT_RUN_ENDED, 0));
        assert_int_equal(f.machine.status, RUN_SUCCESS);
        assert_null(f.machine.error_message);
        finish(&f);
}

static void test_after_lets_steps_run_in_parallel(void **state) {
        struct fixture f;

        begin(&f, DIAMOND);
        run_machine_start(&f.machine, &f.effects);
        assert_string_equal(launched(&f), "a");
        exit_with(&f, 0, 0);
        assert_string_equal(launched(&f), "bc");
        exit_with(&f, 2, 0);
        assert_string_equal(launched(&f), "");
        exit_with(&f, 1, 0);
        assert_string_equal(launched(&f), "d");
        exit_with(&f, 3, 0);
        assert_int_equal(f.machine.status, RUN_SUCCESS);
        finish(&f);
}

static void test_critical_failure_lets_siblings_finish(void **state) {
        struct fixture f;

        begin(&f, DIAMOND);
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, 0, 0);
        start_attempt(&f, 1);
        start_attempt(&f, 2);
        exit_with(&f, 1, 65);
        assert_false(has_effect(&f, EFFECT_STOP_ATTEMPT, 2));
        assert_int_equal(f.machine.tasks[3].status, STEP_SKIPPED);
        assert_int_equal(f.machine.tasks[3].reason, REASON_DEPENDENCY);
        assert_int_equal(f.machine.status, RUN_RUNNING);
        exit_with(&f, 2, 0);
        assert_int_equal(f.machine.tasks[2].status, STEP_SUCCESS);
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_int_equal(f.machine.reason, REASON_EXIT);
        assert_string_equal(f.machine.error_message, "step b failed: exit status 65");
        finish(&f);
}

static void test_failing_run_retries_nothing(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=true\nAfter=\n[Step b]\nExec=true\nAfter=\nRetries=3\n[Step "
                  "c]\nExec=true\nAfter=\nRetries=3\n");
        run_machine_start(&f.machine, &f.effects);
        assert_string_equal(launched(&f), "abc");
        exit_with(&f, 1, 1);
        assert_int_equal(f.machine.tasks[1].state, TASK_WAITING);
        start_attempt(&f, 2);
        exit_with(&f, 0, 1);
        assert_int_equal(f.machine.tasks[1].state, TASK_ENDED);
        assert_int_equal(f.machine.tasks[1].status, STEP_FAILED);
        assert_int_equal(f.machine.tasks[1].reason, REASON_EXIT);
        assert_false(run_machine_retry_due(&f.machine, 1, &f.effects));
        end_with(&f, 2, (struct attempt_end){.outcome = OUTCOME_SIGNALED, .signal_number = 9});
        assert_int_equal(f.machine.tasks[2].reason, REASON_SIGNAL);
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_string_equal(f.machine.error_message, "step a failed: exit status 1");
        finish(&f);
}

static void test_other_failure_ends_partial(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=true\nCritical=no\n[Step b]\nExec=true\n");
        run_machine_start(&f.machine, &f.effects);
        f.effects.count = 0;
        exit_with(&f, 0, 1);
        assert_string_equal(launched(&f), "b");
        exit_with(&f, 1, 0);
        assert_int_equal(f.machine.status, RUN_PARTIAL);
        assert_int_equal(f.machine.reason, REASON_NONE);
        assert_string_equal(f.machine.error_message, "step a failed: exit status 1");
        finish(&f);
}

static void test_warnings_end_partial(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=true\nWarnExitStatus=3\n");
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, 0, 3);
        assert_int_equal(f.machine.tasks[0].status, STEP_SUCCESS);
        assert_true(f.machine.tasks[0].had_warnings);
        assert_int_equal(f.machine.status, RUN_PARTIAL);
        finish(&f);

        begin(&f, "[Step a]\nExec=true\n");
        run_machine_start(&f.machine, &f.effects);
        run_machine_warn(&f.machine);
        exit_with(&f, 0, 0);
        assert_int_equal(f.machine.status, RUN_PARTIAL);
        finish(&f);

        begin(&f, "[Step a]\nExec=true\n");
        run_machine_start(&f.machine, &f.effects);
        end_with(&f, 0, (struct attempt_end){.outcome = OUTCOME_EXITED, .had_warnings = true});
        assert_int_equal(f.machine.status, RUN_PARTIAL);
        finish(&f);
}

static void test_retries_end_in_failure(void **state) {
        struct fixture f;

        begin(&f, "[Step game_logs]\nExec=true\nRetries=2\nRetryDelaySec=4s\nRetryBackoff=3\n");
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, 0, 75);
        assert_int_equal(f.effects.items[f.effects.count - 1].type, EFFECT_RETRY_TIMER);
        assert_int_equal(f.effects.items[f.effects.count - 1].delay, 4 * USEC_PER_SEC);
        assert_true(run_machine_retry_due(&f.machine, 0, &f.effects));
        exit_with(&f, 0, 75);
        assert_int_equal(f.effects.items[f.effects.count - 1].delay, 12 * USEC_PER_SEC);
        assert_true(run_machine_retry_due(&f.machine, 0, &f.effects));
        start_attempt(&f, 0);
        end_with(&f, 0,
                 (struct attempt_end){
                         .outcome = OUTCOME_EXITED, .exit_status = 75, .error_message = "HTTP 503\nretry later"});
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_int_equal(f.machine.tasks[0].attempt, 3);
        assert_string_equal(f.machine.error_message,
                            "step game_logs failed after 3 attempts: exit status 75: HTTP 503");
        finish(&f);
}

/* An attempt that the breaker refused was never made: it is not counted, and not tried again. */
static void test_a_refused_attempt_is_no_attempt(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=true\nRetries=3\nRetryDelaySec=1\n");
        assert_true(run_machine_start(&f.machine, &f.effects));
        exit_with(&f, 0, 1);
        assert_true(run_machine_retry_due(&f.machine, 0, &f.effects));
        end_with(
                &f, 0,
                (struct attempt_end){.outcome = OUTCOME_REFUSED, .attempt = 2, .error_message = "its breaker is open"});
        assert_int_equal(f.machine.tasks[0].state, TASK_ENDED);
        assert_int_equal(f.machine.tasks[0].reason, REASON_BREAKER);
        assert_int_equal(f.machine.tasks[0].attempt, 1);
        assert_string_equal(f.machine.error_message, "step a failed: its breaker is open");
        finish(&f);
}

static void test_end_of_an_earlier_attempt_is_ignored(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=true\nRetries=1\n");
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, 0, 1);
        run_machine_retry_due(&f.machine, 0, &f.effects);
        assert_false(run_machine_attempt_ended(
                &f.machine, 0, &(struct attempt_end){.attempt = 1, .outcome = OUTCOME_EXITED}, 0, &f.effects));
        assert_int_equal(f.machine.status, RUN_RUNNING);
        end_with(&f, 0, (struct attempt_end){.attempt = 2, .outcome = OUTCOME_EXITED});
        assert_int_equal(f.machine.status, RUN_SUCCESS);
        finish(&f);
}

static void test_cancel_ends_in_order(void **state) {
        struct fixture f;

        begin(&f, DIAMOND);
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, 0, 0);
        start_attempt(&f, 1);
        start_attempt(&f, 2);
        assert_true(run_machine_cancel(&f.machine, REASON_STOPPED, &f.effects));
        assert_true(has_effect(&f, EFFECT_STOP_ATTEMPT, 1) && has_effect(&f, EFFECT_STOP_ATTEMPT, 2));
        assert_int_equal(f.machine.tasks[3].status, STEP_CANCELLED);
        assert_false(run_machine_cancel(&f.machine, REASON_REQUEST, &f.effects));
        end_with(&f, 1, (struct attempt_end){.outcome = OUTCOME_CANCELLED});
        assert_int_equal(f.machine.status, RUN_RUNNING);
        /* It was faster than the signal: what it did is kept, the run was cancelled nonetheless. */
        exit_with(&f, 2, 0);
        assert_int_equal(f.machine.tasks[1].status, STEP_CANCELLED);
        assert_int_equal(f.machine.tasks[1].reason, REASON_STOPPED);
        assert_int_equal(f.machine.tasks[2].status, STEP_SUCCESS);
        assert_int_equal(f.machine.status, RUN_CANCELLED);
        assert_int_equal(f.machine.reason, REASON_STOPPED);
        finish(&f);
}

static void test_cancel_takes_its_reasons_alone(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=true\n");
        assert_false(run_machine_cancel(&f.machine, REASON_EXIT, &f.effects));
        assert_false(run_machine_cancel(&f.machine, REASON_NONE, &f.effects));
        assert_true(run_machine_cancel(&f.machine, REASON_REPLACED, &f.effects));
        assert_int_equal(f.machine.reason, REASON_REPLACED);
        finish(&f);
}

static void test_run_timeout_is_a_failure(void **state) {
        struct fixture f;

        begin(&f, DIAMOND);
        run_machine_start(&f.machine, &f.effects);
        start_attempt(&f, 0);
        run_machine_cancel(&f.machine, REASON_TIMEOUT, &f.effects);
        end_with(&f, 0, (struct attempt_end){.outcome = OUTCOME_CANCELLED});
        assert_int_equal(f.machine.tasks[0].status, STEP_FAILED);
        assert_int_equal(f.machine.tasks[0].reason, REASON_TIMEOUT);
        assert_int_equal(f.machine.tasks[1].status, STEP_SKIPPED);
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_int_equal(f.machine.reason, REASON_TIMEOUT);
        assert_string_equal(f.machine.error_message, "the run took longer than its RunTimeoutSec");
        finish(&f);
}

static void test_first_cause_counts(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=true\nAfter=\n[Step b]\nExec=true\nAfter=\n");
        run_machine_start(&f.machine, &f.effects);
        start_attempt(&f, 1);
        exit_with(&f, 0, 7);
        assert_true(run_machine_cancel(&f.machine, REASON_REQUEST, &f.effects));
        end_with(&f, 1, (struct attempt_end){.outcome = OUTCOME_CANCELLED});
        assert_int_equal(f.machine.tasks[1].status, STEP_CANCELLED);
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_string_equal(f.machine.error_message, "step a failed: exit status 7");
        finish(&f);
}

static void test_stop_from_outside_cancels_the_run(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=true\nAfter=\n[Step b]\nExec=true\nAfter=\n[Step c]\nExec=true\n");
        run_machine_start(&f.machine, &f.effects);
        start_attempt(&f, 0);
        start_attempt(&f, 1);
        end_with(&f, 0, (struct attempt_end){.outcome = OUTCOME_CANCELLED});
        assert_true(has_effect(&f, EFFECT_STOP_ATTEMPT, 1));
        end_with(&f, 1, (struct attempt_end){.outcome = OUTCOME_CANCELLED});
        assert_int_equal(f.machine.status, RUN_CANCELLED);
        assert_int_equal(f.machine.reason, REASON_STOPPED);
        finish(&f);
}

static void test_resume_goes_on(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=true\n[Step b]\nExec=true\nRetries=2\nRetryDelaySec=7s\n[Step c]\nExec=true\n");
        run_machine_restore_run(&f.machine, RUN_RUNNING, true);
        run_machine_restore_task(&f.machine, 0, TASK_ENDED, STEP_SUCCESS, REASON_NONE, 1);
        run_machine_restore_task(&f.machine, 1, TASK_WAITING, STEP_RUNNING, REASON_LOST, 1);
        assert_true(run_machine_resume(&f.machine, &f.effects));
        assert_int_equal(f.effects.count, 1);
        assert_int_equal(f.effects.items[0].type, EFFECT_RETRY_TIMER);
        assert_int_equal(f.effects.items[0].delay, 7 * USEC_PER_SEC);
        run_machine_retry_due(&f.machine, 1, &f.effects);
        assert_int_equal(f.machine.tasks[1].attempt, 2);
        exit_with(&f, 1, 0);
        exit_with(&f, 2, 0);
        assert_int_equal(f.machine.status, RUN_PARTIAL);
        finish(&f);
}

static void test_resume_ends_what_had_failed(void **state) {
        struct fixture f;

        begin(&f, DIAMOND);
        run_machine_restore_run(&f.machine, RUN_RUNNING, false);
        run_machine_restore_task(&f.machine, 0, TASK_ENDED, STEP_FAILED, REASON_LOST, 2);
        assert_true(run_machine_resume(&f.machine, &f.effects));
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_int_equal(f.machine.reason, REASON_LOST);
        assert_int_equal(f.machine.tasks[1].status, STEP_SKIPPED);
        assert_string_equal(f.machine.error_message, "step a failed after 2 attempts: lost");
        finish(&f);
}

/* A run whose machine went down: a has succeeded, b was running, c had not begun. */
static void begin_lost(struct fixture *f, const char *text) {
        begin(f, text);
        run_machine_restore_run(&f->machine, RUN_RUNNING, false);
        run_machine_restore_task(&f->machine, 0, TASK_ENDED, STEP_SUCCESS, REASON_NONE, 1);
        run_machine_restore_task(&f->machine, 1, TASK_RUNNING, STEP_RUNNING, REASON_NONE, 1);
        assert_true(run_machine_lose(&f->machine, &f->effects));
        assert_string_equal(launched(f), "");
}

static void test_lost_run_begins_nothing_and_fails(void **state) {
        struct fixture f;

        begin_lost(&f, "[Step a]\nExec=true\n[Step b]\nExec=true\nRetries=3\n[Step c]\nExec=true\n");
        assert_int_equal(f.machine.status, RUN_RUNNING);
        end_with(&f, 1, (struct attempt_end){.outcome = OUTCOME_LOST});
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_int_equal(f.machine.reason, REASON_LOST);
        assert_string_equal(f.machine.error_message, "the machine was restarted");
        assert_int_equal(f.machine.tasks[0].status, STEP_SUCCESS);
        assert_int_equal(f.machine.tasks[1].status, STEP_FAILED);
        assert_int_equal(f.machine.tasks[2].status, STEP_SKIPPED);
        assert_int_equal(f.machine.tasks[2].reason, REASON_LOST);
        finish(&f);
}

static void test_what_had_ended_before_is_not_lost(void **state) {
        struct fixture f;

        begin_lost(&f, "[Step a]\nExec=true\n[Step b]\nExec=true\n");
        exit_with(&f, 1, 0);
        assert_int_equal(f.machine.status, RUN_SUCCESS);
        assert_null(f.machine.error_message);
        finish(&f);

        begin_lost(&f, "[Step a]\nExec=true\n[Step b]\nExec=true\nRetries=3\n");
        exit_with(&f, 1, 7);
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_int_equal(f.machine.reason, REASON_EXIT);
        finish(&f);
}

static void test_a_run_that_had_failed_is_not_lost(void **state) {
        struct fixture f;

        begin(&f, DIAMOND);
        run_machine_restore_run(&f.machine, RUN_RUNNING, false);
        run_machine_restore_task(&f.machine, 0, TASK_ENDED, STEP_SUCCESS, REASON_NONE, 1);
        run_machine_restore_task(&f.machine, 1, TASK_ENDED, STEP_FAILED, REASON_EXIT, 1);
        run_machine_restore_task(&f.machine, 2, TASK_RUNNING, STEP_RUNNING, REASON_NONE, 1);
        assert_true(run_machine_lose(&f.machine, &f.effects));
        end_with(&f, 2, (struct attempt_end){.outcome = OUTCOME_LOST});
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_int_equal(f.machine.reason, REASON_EXIT);
        finish(&f);
        begin(&f, DIAMOND);
        assert_false(run_machine_lose(&f.machine, &f.effects)); /* never began: it still can */
        assert_int_equal(f.machine.status, RUN_QUEUED);
        finish(&f);
}

static void test_progress(void **state) {
        struct fixture f;
        struct run_progress progress;

        begin(&f, DIAMOND);
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, 0, 0);
        start_attempt(&f, 1);
        progress = run_machine_progress(&f.machine, 0);
        assert_int_equal(progress.total, 4);
        assert_int_equal(progress.completed, 1);
        assert_int_equal(progress.running, 2);
        assert_int_equal(progress.failed, 0);
        assert_true(progress.percent > 24.9 && progress.percent < 25.1);
        progress = run_machine_progress(&f.machine, own_progress_of(0.5) + own_progress_of(7) + own_progress_of(-1));
        assert_true(progress.percent > 62.4 && progress.percent < 62.6);
        finish(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_steps_follow_each_other),
                cmocka_unit_test(test_after_lets_steps_run_in_parallel),
                cmocka_unit_test(test_critical_failure_lets_siblings_finish),
                cmocka_unit_test(test_failing_run_retries_nothing),
                cmocka_unit_test(test_other_failure_ends_partial),
                cmocka_unit_test(test_warnings_end_partial),
                cmocka_unit_test(test_retries_end_in_failure),
                cmocka_unit_test(test_a_refused_attempt_is_no_attempt),
                cmocka_unit_test(test_end_of_an_earlier_attempt_is_ignored),
                cmocka_unit_test(test_cancel_ends_in_order),
                cmocka_unit_test(test_cancel_takes_its_reasons_alone),
                cmocka_unit_test(test_run_timeout_is_a_failure),
                cmocka_unit_test(test_first_cause_counts),
                cmocka_unit_test(test_stop_from_outside_cancels_the_run),
                cmocka_unit_test(test_resume_goes_on),
                cmocka_unit_test(test_resume_ends_what_had_failed),
                cmocka_unit_test(test_lost_run_begins_nothing_and_fails),
                cmocka_unit_test(test_what_had_ended_before_is_not_lost),
                cmocka_unit_test(test_a_run_that_had_failed_is_not_lost),
                cmocka_unit_test(test_progress),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
