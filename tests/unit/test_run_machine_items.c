/* Runs that go over items, with conditions and fallbacks: what begins when, and what follows from what. */
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

struct fixture {
        struct run_plan plan;
        struct run_machine machine;
        struct effects effects;
};

static struct item_list items_of(const char *text) {
        struct item_list items;
        size_t dropped;

        assert_int_equal(item_list_from_text(&items, text, strlen(text), &dropped, NULL), 0);
        return items;
}

static void begin(struct fixture *f, const char *text) {
        *f = (struct fixture){.plan = plan_from_text(text)};
        run_machine_init(&f->machine, &f->plan);
}

static void give(struct fixture *f, size_t list, const char *text) {
        struct item_list items = items_of(text);

        assert_true(run_machine_add_items(&f->machine, list, &items, &f->effects));
}

static void finish(struct fixture *f) {
        effects_done(&f->effects);
        run_machine_done(&f->machine);
        run_plan_done(&f->plan);
}

/* What was launched since the last call: "calc(a) calc:condition(b) "; the effects are forgotten. */
static const char *launched(struct fixture *f) {
        static char names[512];
        size_t n = 0;

        names[0] = '\0';
        for (size_t i = 0; i < f->effects.count; i++) {
                size_t task = f->effects.items[i].task;

                if (f->effects.items[i].type == EFFECT_LAUNCH)
                        n += (size_t)snprintf(names + n, sizeof(names) - n, "%s(%s) ",
                                              run_machine_step(&f->machine, task)->name, f->machine.tasks[task].item);
        }
        f->effects.count = 0;
        return names;
}

static size_t active_task(struct fixture *f, const char *step, const char *item) {
        for (size_t i = 0; i < f->machine.n_tasks; i++)
                if (streq(run_machine_step(&f->machine, i)->name, step) && streq(f->machine.tasks[i].item, item) &&
                    (f->machine.tasks[i].state == TASK_STARTING || f->machine.tasks[i].state == TASK_RUNNING))
                        return i;
        fail_msg("%s(%s) is not active", step, item);
        return 0;
}

static void start_attempt(struct fixture *f, const char *step, const char *item) {
        assert_true(run_machine_attempt_started(&f->machine, active_task(f, step, item), &f->effects));
}

static void exit_with(struct fixture *f, const char *step, const char *item, int status) {
        size_t task = active_task(f, step, item);

        if (f->machine.tasks[task].state == TASK_STARTING)
                start_attempt(f, step, item);
        assert_true(run_machine_attempt_ended(&f->machine, task,
                                              &(struct attempt_end){.outcome = OUTCOME_EXITED, .exit_status = status},
                                              0, &f->effects));
}

static const struct task *task_named(struct fixture *f, const char *step, const char *item) {
        uint32_t task = run_machine_find(&f->machine, step, item);

        assert_int_not_equal(task, TASK_NONE);
        return &f->machine.tasks[task];
}

static void check_task(struct fixture *f, const char *step, const char *item, enum step_status status,
                       enum reason reason) {
        assert_int_equal(task_named(f, step, item)->status, status);
        assert_int_equal(task_named(f, step, item)->reason, reason);
}

static void check_counts(struct fixture *f, size_t total, size_t completed, size_t failed, size_t skipped) {
        assert_int_equal(f->machine.counts.total, total);
        assert_int_equal(f->machine.counts.completed, completed);
        assert_int_equal(f->machine.counts.failed, failed);
        assert_int_equal(f->machine.counts.skipped, skipped);
}

#define MATRIX                                                                                                         \
        "[Step m]\nExec=x\n[Step a]\nExec=x\nForEach=!ls\nMaxParallel=2\n[Step b]\nExec=x\nForEach=!ls\nMaxParallel="  \
        "9\n[Step z]\nExec=x\n"

static void test_items_are_found_when_their_step_may_begin(void **state) {
        struct fixture f;

        begin(&f, MATRIX);
        assert_int_equal(f.plan.n_lists, 1);
        run_machine_start(&f.machine, &f.effects);
        assert_string_equal(launched(&f), "m() ");
        exit_with(&f, "m", "", 0);
        assert_string_equal(launched(&f), "a:items() ");
        check_counts(&f, 4, 1, 0, 0);
        give(&f, 0, "x\ny\nz\n");
        check_counts(&f, 8, 1, 0, 0);
        assert_string_equal(launched(&f), "a(x) a(y) ");
        exit_with(&f, "a:items", "", 0);
        assert_string_equal(launched(&f), "");
        exit_with(&f, "a", "y", 0);
        assert_string_equal(launched(&f), "b(y) a(z) ");
        exit_with(&f, "b", "y", 0);
        exit_with(&f, "a", "x", 0);
        exit_with(&f, "a", "z", 0);
        assert_string_equal(launched(&f), "b(x) b(z) ");
        exit_with(&f, "b", "x", 0);
        exit_with(&f, "b", "z", 0);
        assert_string_equal(launched(&f), "z() ");
        exit_with(&f, "z", "", 0);
        assert_int_equal(f.machine.status, RUN_SUCCESS);
        check_counts(&f, 8, 8, 0, 0);
        finish(&f);
}

static void test_a_critical_failure_ends_its_item(void **state) {
        struct fixture f;

        begin(&f, MATRIX "After=b\n[Step c]\nExec=x\nForEach=!ls\nAfter=\n");
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, "m", "", 0);
        give(&f, 0, "x\ny\n");
        exit_with(&f, "a:items", "", 0);
        (void)launched(&f);
        exit_with(&f, "a", "y", 65);
        check_task(&f, "b", "y", STEP_SKIPPED, REASON_DEPENDENCY);
        check_task(&f, "c", "y", STEP_SKIPPED, REASON_DEPENDENCY);
        check_task(&f, "b", "x", STEP_PENDING, REASON_NONE);
        exit_with(&f, "a", "x", 0);
        exit_with(&f, "b", "x", 0);
        exit_with(&f, "z", "", 0);
        exit_with(&f, "c", "x", 0);
        assert_int_equal(f.machine.status, RUN_PARTIAL);
        assert_string_equal(f.machine.error_message, "step a (y) failed: exit status 65");
        finish(&f);
}

static void test_every_failure_is_counted_in_the_message(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=x\nForEach=x y z\nMaxParallel=3\n");
        give(&f, 0, "x\ny\nz\n");
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, "a", "z", 1);
        exit_with(&f, "a", "x", 2);
        exit_with(&f, "a", "y", 0);
        assert_string_equal(f.machine.error_message, "step a (z) failed: exit status 1 (1 more failed)");
        finish(&f);
}

static void test_a_list_that_fails_fails_its_step(void **state) {
        struct fixture f;

        begin(&f, MATRIX);
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, "m", "", 0);
        exit_with(&f, "a:items", "", 2);
        check_task(&f, "a", "", STEP_FAILED, REASON_EXIT);
        check_task(&f, "b", "", STEP_SKIPPED, REASON_DEPENDENCY);
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_string_equal(f.machine.error_message, "ForEach= of step a failed: exit status 2");
        finish(&f);

        begin(&f, "[Step a]\nExec=x\nForEach=!ls\nCritical=no\n[Step z]\nExec=x\n");
        run_machine_start(&f.machine, &f.effects);
        assert_true(run_machine_attempt_ended(
                &f.machine, active_task(&f, "a:items", ""),
                &(struct attempt_end){.outcome = OUTCOME_ITEMS, .error_message = "line 3"}, 0, &f.effects));
        check_task(&f, "a", "", STEP_FAILED, REASON_ITEMS);
        exit_with(&f, "z", "", 0);
        assert_int_equal(f.machine.status, RUN_PARTIAL);
        assert_string_equal(f.machine.error_message,
                            "ForEach= of step a failed: its output is no list of items: line 3");
        finish(&f);
}

static void test_no_items_are_done(void **state) {
        struct fixture f;

        begin(&f, MATRIX);
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, "m", "", 0);
        give(&f, 0, "");
        (void)launched(&f);
        check_task(&f, "b", "", STEP_SUCCESS, REASON_NONE);
        assert_int_equal(f.machine.status, RUN_RUNNING);
        exit_with(&f, "a:items", "", 0);
        exit_with(&f, "z", "", 0);
        assert_int_equal(f.machine.status, RUN_SUCCESS);
        check_counts(&f, 4, 4, 0, 0);
        finish(&f);

        begin(&f, "[Step a]\nExec=x\nForEach=x\n");
        give(&f, 0, "");
        run_machine_start(&f.machine, &f.effects);
        assert_int_equal(f.machine.status, RUN_SUCCESS);
        finish(&f);
}

static void test_words_are_asked_for_when_they_are_not_known(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=x\nForEach=x\n");
        run_machine_start(&f.machine, &f.effects);
        assert_int_equal(f.effects.items[f.effects.count - 1].type, EFFECT_FIND_ITEMS);
        assert_true(run_machine_items_failed(&f.machine, 0, "no list", &f.effects));
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_int_equal(f.machine.reason, REASON_ITEMS);
        assert_string_equal(f.machine.error_message, "no list");
        finish(&f);
}

static void test_starts_keep_their_distance(void **state) {
        struct fixture f;
        const struct effect *last;

        begin(&f, "[Step a]\nExec=x\nForEach=x\nMaxParallel=3\nItemDelaySec=4s\nRetries=1\n");
        give(&f, 0, "x\ny\nz\n");
        run_machine_start(&f.machine, &f.effects);
        assert_string_equal(launched(&f), "a(x) ");
        assert_false(run_machine_pace_due(&f.machine, 0, &f.effects)); /* it has not begun yet */
        start_attempt(&f, "a", "x");
        last = &f.effects.items[f.effects.count - 1];
        assert_int_equal(last->type, EFFECT_PACE_TIMER);
        assert_int_equal(last->delay, 4 * USEC_PER_SEC);
        exit_with(&f, "a", "x", 0);
        assert_string_equal(launched(&f), "");
        assert_true(run_machine_pace_due(&f.machine, 0, &f.effects));
        assert_string_equal(launched(&f), "a(y) ");
        /* One that ends without a word of its start keeps the next one waiting, too. */
        assert_true(run_machine_attempt_ended(&f.machine, active_task(&f, "a", "y"),
                                              &(struct attempt_end){.outcome = OUTCOME_SPAWN}, 0, &f.effects));
        last = &f.effects.items[f.effects.count - 1];
        assert_int_equal(last->type, EFFECT_PACE_TIMER);
        assert_string_equal(launched(&f), "");
        assert_true(run_machine_pace_due(&f.machine, 0, &f.effects));
        assert_string_equal(launched(&f), "a(z) ");
        finish(&f);
}

static void test_a_condition_is_asked_first(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=x\nForEach=x\nCondition=ask ${item}\nItemDelaySec=1s\nRetries=1\n[Step b]\nExec=x\n");
        give(&f, 0, "x\ny\nz\n");
        run_machine_start(&f.machine, &f.effects);
        assert_string_equal(launched(&f), "a:condition(x) ");
        assert_int_equal(task_named(&f, "a", "x")->state, TASK_CHECKING);
        check_counts(&f, 4, 0, 0, 0);
        exit_with(&f, "a:condition", "x", 1);
        check_task(&f, "a", "x", STEP_SKIPPED, REASON_CONDITION);
        /* What was left out keeps nobody waiting. */
        assert_string_equal(launched(&f), "a:condition(y) ");
        exit_with(&f, "a:condition", "y", 0);
        assert_string_equal(launched(&f), "a(y) ");
        exit_with(&f, "a", "y", 0);
        assert_true(run_machine_pace_due(&f.machine, 0, &f.effects));
        exit_with(&f, "a:condition", "z", 2);
        assert_true(run_machine_retry_due(&f.machine, f.machine.n_tasks - 1, &f.effects));
        exit_with(&f, "a:condition", "z", 2);
        check_task(&f, "a", "z", STEP_FAILED, REASON_CONDITION);
        exit_with(&f, "b", "", 0);
        assert_int_equal(f.machine.status, RUN_PARTIAL);
        assert_string_equal(f.machine.error_message, "Condition= of step a (z) failed after 2 attempts: exit status 2");
        check_counts(&f, 4, 4, 1, 1);
        finish(&f);
}

static void test_a_fallback_stands_in(void **state) {
        struct fixture f;

        begin(&f, "[Step a]\nExec=x\nFallback=b\n[Step b]\nExec=x\nFallback=c\n[Step c]\nExec=x\n[Step d]\nExec=x\n");
        run_machine_start(&f.machine, &f.effects);
        check_counts(&f, 2, 0, 0, 0);
        exit_with(&f, "a", "", 1);
        exit_with(&f, "b", "", 1);
        (void)launched(&f);
        exit_with(&f, "c", "", 0);
        assert_string_equal(launched(&f), "d() ");
        exit_with(&f, "d", "", 0);
        assert_int_equal(f.machine.status, RUN_PARTIAL);
        check_counts(&f, 4, 4, 2, 0);
        finish(&f);

        begin(&f, "[Step a]\nExec=x\nFallback=b\nCritical=no\n[Step b]\nExec=x\nCondition=x\n[Step d]\nExec=x\n");
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, "a", "", 1);
        (void)launched(&f);
        exit_with(&f, "b:condition", "", 1);
        assert_string_equal(launched(&f), "d() ");
        finish(&f);

        begin(&f, "[Step a]\nExec=x\nFallback=b\n[Step b]\nExec=x\nCondition=x\n[Step d]\nExec=x\n");
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, "a", "", 1);
        exit_with(&f, "b:condition", "", 1);
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_string_equal(f.machine.error_message, "step a failed: exit status 1");
        finish(&f);
}

static void test_a_run_asks_whether_it_may_begin(void **state) {
        struct fixture f;

        begin(&f, "[Job]\nReadyWhen=r\nCondition=c\n[Step a]\nExec=x\n");
        assert_true(run_machine_start(&f.machine, &f.effects));
        assert_false(run_machine_start(&f.machine, &f.effects));
        assert_int_equal(f.machine.status, RUN_QUEUED);
        assert_int_equal(f.machine.reason, REASON_NOT_READY);
        exit_with(&f, ":ready", "", 65);
        assert_int_equal(f.effects.items[f.effects.count - 1].type, EFFECT_RETRY_TIMER);
        assert_int_equal(f.effects.items[f.effects.count - 1].delay, 5 * USEC_PER_SEC);
        assert_true(run_machine_retry_due(&f.machine, f.machine.ready_task, &f.effects));
        (void)launched(&f);
        exit_with(&f, ":ready", "", 0);
        assert_int_equal(f.machine.status, RUN_RUNNING);
        assert_int_equal(f.machine.reason, REASON_NONE);
        assert_string_equal(launched(&f), ":condition() ");
        exit_with(&f, ":condition", "", 1);
        assert_int_equal(f.machine.status, RUN_SKIPPED);
        assert_int_equal(f.machine.reason, REASON_CONDITION);
        check_task(&f, "a", "", STEP_SKIPPED, REASON_CONDITION);
        finish(&f);
}

static void test_the_question_is_cancelled(void **state) {
        struct fixture f;

        begin(&f, "[Job]\nReadyWhen=r\n[Step a]\nExec=x\n");
        run_machine_start(&f.machine, &f.effects);
        assert_true(run_machine_cancel(&f.machine, REASON_REQUEST, &f.effects));
        assert_int_equal(f.machine.status, RUN_QUEUED);
        exit_with(&f, ":ready", "", 0);
        assert_int_equal(f.machine.status, RUN_CANCELLED);
        finish(&f);

        begin(&f, "[Job]\nReadyWhen=r\n[Step a]\nExec=x\n");
        run_machine_start(&f.machine, &f.effects);
        exit_with(&f, ":ready", "", 1);
        assert_true(run_machine_cancel(&f.machine, REASON_TIMEOUT, &f.effects));
        assert_int_equal(f.machine.status, RUN_FAILED);
        assert_int_equal(f.machine.reason, REASON_TIMEOUT);
        finish(&f);
}

/* 100,000 items: what an event costs does not grow with them. */
static void test_very_many_items(void **state) {
        struct buf text = BUF_INIT(ITEMS_TEXT_MAX);
        struct fixture f;
        size_t ended = 0;

        for (size_t i = 0; i < ITEMS_MAX; i++)
                (void)buf_appendf(&text, "%zu\n", i);
        begin(&f, "[Step a]\nExec=x\nForEach=!x\nMaxParallel=8\n[Step b]\nExec=x\nForEach=!x\nMaxParallel=8\n");
        run_machine_start(&f.machine, &f.effects);
        give(&f, 0, buf_data(&text));
        buf_done(&text);
        exit_with(&f, "a:items", "", 0);
        for (size_t done = 0; done < f.effects.count; done++) {
                struct effect effect = f.effects.items[done];

                if (effect.type != EFFECT_LAUNCH || f.machine.tasks[effect.task].kind != TASK_STEP)
                        continue;
                (void)run_machine_attempt_started(&f.machine, effect.task, &f.effects);
                ended += run_machine_attempt_ended(&f.machine, effect.task,
                                                   &(struct attempt_end){.outcome = OUTCOME_EXITED}, 0, &f.effects);
        }
        assert_int_equal(ended, 2 * ITEMS_MAX);
        assert_int_equal(f.machine.status, RUN_SUCCESS);
        assert_true(run_machine_progress(&f.machine, 0).percent >= 100);
        assert_int_equal(sizeof(struct task) <= 48, true);
        finish(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_items_are_found_when_their_step_may_begin),
                cmocka_unit_test(test_a_critical_failure_ends_its_item),
                cmocka_unit_test(test_every_failure_is_counted_in_the_message),
                cmocka_unit_test(test_a_list_that_fails_fails_its_step),
                cmocka_unit_test(test_no_items_are_done),
                cmocka_unit_test(test_words_are_asked_for_when_they_are_not_known),
                cmocka_unit_test(test_starts_keep_their_distance),
                cmocka_unit_test(test_a_condition_is_asked_first),
                cmocka_unit_test(test_a_fallback_stands_in),
                cmocka_unit_test(test_a_run_asks_whether_it_may_begin),
                cmocka_unit_test(test_the_question_is_cancelled),
                cmocka_unit_test(test_very_many_items),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
