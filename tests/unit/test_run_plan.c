/* From a job, a mode and a selection to steps in order; and parameters in arguments. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "core_fixture.h"
#include "macro.h"
#include "run_plan.h"
#include "strutil.h"
#include "strv.h"

static const char weekly[] = "[Job]\nDefaultMode=full\n"
                             "[Mode full]\nSteps=a b c d\n[Mode ends]\nSteps=d a\n[Mode loop]\nSteps=c e\n"
                             "[Step a]\nExec=true\n[Step b]\nExec=true\n[Step c]\nExec=true\nAfter=a\n[Step "
                             "d]\nExec=true\nAfter=\n[Step e]\nExec=true\n";

/* "a b<a c<a d", or the error's parameter and text. */
static char *plan_text(struct job *job, const char *mode, char *const *only) {
        struct buf out = BUF_INIT(4096);
        struct run_plan plan;
        char *error = NULL;
        const char *parameter = NULL;

        if (run_plan_make(&plan, job, mode, only, &error, &parameter) < 0) {
                (void)buf_appendf(&out, "%s: %s", parameter, error);
                free(error);
                return buf_steal(&out);
        }
        for (size_t i = 0; i < plan.n_steps; i++) {
                (void)buf_appendf(&out, "%s%s", i > 0 ? " " : "", plan.steps[i].step->name);
                for (size_t j = 0; j < plan.steps[i].n_after; j++)
                        (void)buf_appendf(&out, "<%s", plan.steps[plan.steps[i].after[j]].step->name);
        }
        run_plan_done(&plan);
        return buf_steal(&out);
}

static void check_plan(struct job *job, const char *mode, const char *only, const char *expected) {
        char **selection = only ? strv_split(only, " ") : NULL;
        char *found = plan_text(job, mode, selection);

        assert_string_equal(found, expected);
        free(found);
        strv_free(selection);
}

static void test_order(void **state) {
        struct job *job = job_from_text(weekly);

        check_plan(job, NULL, NULL, "a b<a c<a d");
        check_plan(job, "full", NULL, "a b<a c<a d");
        /* A step without After= follows the one before it in the list of its mode. */
        check_plan(job, "ends", NULL, "d a<d");
        /* An After= on a step outside the plan is met. */
        check_plan(job, "loop", NULL, "c e<c");
        check_plan(job, NULL, "c", "c");
        /* The mode's order counts, not that of the selection; what is left out is stepped over. */
        check_plan(job, NULL, "d b a", "a b<a d");
        check_plan(job, NULL, "b", "b");
        check_plan(job, "ends", "a", "a");
        job_unref(job);
}

static void test_all_steps_without_modes(void **state) {
        struct job *job = job_from_text("[Step a]\nExec=true\n[Step b]\nExec=true\n");

        check_plan(job, NULL, NULL, "a b<a");
        check_plan(job, "full", NULL, "mode: job test has no mode \"full\"; it has none, leave the mode out");
        job_unref(job);
}

static void test_errors(void **state) {
        struct job *job = job_from_text(weekly);

        check_plan(job, "fulll", NULL, "mode: job test has no mode \"fulll\"; it has full, ends, loop");
        check_plan(job, NULL, "a x", "steps: job test has no step \"x\" in mode full; did you mean a?");
        check_plan(job, "ends", "game_logs", "steps: job test has no step \"game_logs\" in mode ends; it has d, a");
        job_unref(job);
}

static void test_empty_selection(void **state) {
        struct job *job = job_from_text(weekly);
        char *none[] = {NULL};
        char *found = plan_text(job, NULL, none);

        assert_string_equal(found,
                            "steps: the selection of steps is empty; name at least one, or leave it out for all");
        free(found);
        job_unref(job);
}

/* c without After= comes behind a only when b is left out; then both wait for each other. */
static void test_selection_cannot_make_a_cycle(void **state) {
        struct job *job =
                job_from_text("[Step a]\nExec=true\nAfter=c\n[Step b]\nExec=true\nAfter=\n[Step c]\nExec=true\n");

        check_plan(job, NULL, NULL, "a<c b c<b");
        check_plan(job, NULL, "a c",
                   "steps: the steps a, c wait for each other; take one of them out of the After= of another");
        job_unref(job);
}

static void test_plan_keeps_its_job(void **state) {
        struct run_plan plan = plan_from_text(weekly);

        assert_int_equal(plan.job->references, 1);
        assert_string_equal(plan.mode, "full");
        run_plan_done(&plan);
}

static void test_substitute(void **state) {
        static const struct {
                const char *exec;
                const char *item;
                const char *expected;
        } rows[] = {
                {"p", NULL, "p"},
                {"p --week=${week} ${name}", NULL, "p --week=6 a b"},
                {"p --open=${open} x", NULL, "p x"},
                {"p ${open}", NULL, "p"},
                {"p ${week}${open}", NULL, "p"},
                {"p ${week}-${week}", NULL, "p 6-6"},
                {"p ${flag}", NULL, "p true"},
                {"p ${item}", NULL, "p"},
                {"p ${item}", "", "p"},
                {"p --one=${item}.csv", "mia", "p --one=mia.csv"},
                {"p $$ $${week} $$${week} $ $week ${", NULL, "p $ ${week} $6 $ $week ${"},
        };
        _cleanup_jval_ struct jval *parameters = jval_object();

        jval_set_int(parameters, "week", 6);
        jval_set_str(parameters, "name", "a b");
        jval_set_bool(parameters, "flag", true);
        jval_set(parameters, "open", jval_null());
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char **exec = strv_split(rows[i].exec, " ");
                char **argv = exec_substitute(exec, parameters, rows[i].item);
                char *joined = strv_join(argv, " ");

                assert_string_equal(joined, rows[i].expected);
                free(joined);
                strv_free(argv);
                strv_free(exec);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_all_steps_without_modes),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_empty_selection),
                cmocka_unit_test(test_selection_cannot_make_a_cycle),
                cmocka_unit_test(test_plan_keeps_its_job),
                cmocka_unit_test(test_substitute),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
