/* Job files that are right: what each key does, defaults, resets, drop-ins. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_fixture.h"
#include "macro.h"
#include "strutil.h"
#include "strv.h"

static void check_list(char *const *list, const char *expected) {
        char *joined = strv_join(list, "|");

        assert_string_equal(joined, expected);
        free(joined);
}

static const char everything[] = "[Job]\n"
                                 "Description=Weekly data\n"
                                 "Type=weekly_update\n"
                                 "Overlap=allow\n"
                                 "RunTimeoutSec=30min\n"
                                 "DefaultMode=full\n"
                                 "Environment=A=1 \"B=two words\"\n"
                                 "Environment=A=3 C=\n"
                                 "EnvironmentFile=-/etc/a /etc/b\n"
                                 "WorkingDirectory=/srv\n"
                                 "[Parameter week]\n"
                                 "Type=integer\n"
                                 "Minimum=-1\n"
                                 "Maximum=18\n"
                                 "Required=yes\n"
                                 "Description=Week\n"
                                 "[Parameter kind]\n"
                                 "Type=enum\n"
                                 "Values=reg post\n"
                                 "Default=reg\n"
                                 "[Parameter code]\n"
                                 "Pattern=[a-z]+\n"
                                 "[Mode full]\n"
                                 "Steps=a b\n"
                                 "Description=All\n"
                                 "[Mode half]\n"
                                 "Steps=b\n"
                                 "[Step a]\n"
                                 "Description=Does it\n"
                                 "Impact=Much\n"
                                 "Exec=batch-nfl 'game logs' --week=${week} \\\n  $${x}\n"
                                 "TimeoutSec=1min\n"
                                 "KillGraceSec=0\n"
                                 "HeartbeatSec=30\n"
                                 "HeartbeatAction=kill\n"
                                 "SuccessExitStatus=3 10-12\n"
                                 "SuccessExitStatus=NOUSER\n"
                                 "WarnExitStatus=TEMPFAIL\n"
                                 "Retries=3\n"
                                 "RetryDelaySec=1s\n"
                                 "RetryBackoff=1.5\n"
                                 "RetryMaxDelaySec=9s\n"
                                 "RetryExitStatus=1 2\n"
                                 "Critical=no\n"
                                 "MemoryMax=512M\n"
                                 "CPUQuota=150%\n"
                                 "TasksMax=64\n"
                                 "Nice=-5\n"
                                 "Environment=X=1\n"
                                 "[Step b]\n"
                                 "Exec=/bin/true\n"
                                 "After=\n";

static void test_job_keys(void **state) {
        struct job *job = job_from_text(everything);

        assert_string_equal(job->name, "test");
        assert_string_equal(job->path, "test.job");
        assert_string_equal(job->description, "Weekly data");
        assert_string_equal(job->type, "weekly_update");
        assert_int_equal(job->overlap, OVERLAP_ALLOW);
        assert_int_equal(job->run_timeout, 30 * USEC_PER_MINUTE);
        assert_string_equal(job->default_mode, "full");
        check_list(job->environment, "A=3|B=two words|C=");
        check_list(job->environment_files, "-/etc/a|/etc/b");
        assert_string_equal(job->working_directory, "/srv");
        assert_int_equal(strlen(job->definition_hash), 16);
        job_unref(job);
}

static void test_parameter_and_mode_keys(void **state) {
        struct job *job = job_from_text(everything);
        const struct parameter *week = job_find_parameter(job, "week"), *kind = job_find_parameter(job, "kind");

        assert_int_equal(week->type, PARAMETER_INTEGER);
        assert_true(week->has_minimum && week->has_maximum && week->required);
        assert_int_equal(week->minimum, -1);
        assert_int_equal(week->maximum, 18);
        assert_string_equal(week->description, "Week");
        assert_int_equal(kind->type, PARAMETER_ENUM);
        check_list(kind->values, "reg|post");
        assert_string_equal(kind->default_value, "reg");
        assert_string_equal(job_find_parameter(job, "code")->pattern, "[a-z]+");
        assert_int_equal(job->n_modes, 2);
        check_list(job_find_mode(job, "full")->steps, "a|b");
        assert_string_equal(job_find_mode(job, "full")->description, "All");
        assert_null(job_find_mode(job, "none"));
        job_unref(job);
}

static void test_step_keys(void **state) {
        struct job *job = job_from_text(everything);
        const struct step *step = job_find_step(job, "a");

        assert_string_equal(step->description, "Does it");
        assert_string_equal(step->impact, "Much");
        check_list(step->exec, "batch-nfl|game logs|--week=${week}|$${x}");
        assert_false(step->has_after);
        assert_int_equal(step->timeout, USEC_PER_MINUTE);
        assert_int_equal(step->kill_grace, 0);
        assert_int_equal(step->heartbeat, 30 * USEC_PER_SEC);
        assert_int_equal(step->heartbeat_action, HEARTBEAT_KILL);
        for (int status = 0; status <= 255; status++) {
                bool success = status == 0 || status == 3 || (status >= 10 && status <= 12) || status == 67;

                assert_int_equal(exit_status_set_contains(&step->success_exit_status, status), success);
                assert_int_equal(exit_status_set_contains(&step->warn_exit_status, status), status == 75);
                assert_int_equal(exit_status_set_contains(&step->retry_exit_status, status),
                                 status == 1 || status == 2);
        }
        assert_false(exit_status_set_contains(&step->success_exit_status, 256));
        assert_false(exit_status_set_contains(&step->success_exit_status, -1));
        assert_int_equal(step->retries, 3);
        assert_int_equal(step->retry_delay, USEC_PER_SEC);
        assert_true(step->retry_backoff > 1.49 && step->retry_backoff < 1.51);
        assert_int_equal(step->retry_max_delay, 9 * USEC_PER_SEC);
        assert_true(step->has_retry_exit_status);
        assert_false(step->critical);
        assert_int_equal(step->memory_max, 512 * 1024 * 1024);
        assert_int_equal(step->cpu_quota_percent, 150);
        assert_int_equal(step->tasks_max, 64);
        assert_int_equal(step->nice, -5);
        check_list(step->environment, "X=1");
        assert_true(job_find_step(job, "b")->has_after);
        assert_null(job_find_step(job, "b")->after);
        job_unref(job);
}

static void check_step_defaults(const struct step *step) {
        assert_int_equal(step->timeout, USEC_INFINITY);
        assert_int_equal(step->kill_grace, 10 * USEC_PER_SEC);
        assert_int_equal(step->heartbeat, USEC_INFINITY);
        assert_int_equal(step->heartbeat_action, HEARTBEAT_WARN);
        assert_true(exit_status_set_contains(&step->success_exit_status, 0));
        assert_false(exit_status_set_contains(&step->success_exit_status, 3));
        assert_false(exit_status_set_contains(&step->warn_exit_status, 75));
        assert_int_equal(step->retries, 0);
        assert_int_equal(step->retry_delay, 5 * USEC_PER_SEC);
        assert_true(step->retry_backoff > 1.99 && step->retry_backoff < 2.01);
        assert_int_equal(step->retry_max_delay, 10 * USEC_PER_MINUTE);
        assert_false(step->has_retry_exit_status);
        assert_false(exit_status_set_contains(&step->retry_exit_status, 1));
        assert_true(step->critical);
        assert_int_equal(step->memory_max, UINT64_MAX);
        assert_int_equal(step->tasks_max, UINT64_MAX);
        assert_int_equal(step->cpu_quota_percent, 0);
        assert_int_equal(step->nice, 0);
        assert_null(step->environment);
        assert_null(step->description);
        assert_null(step->impact);
}

static void test_defaults(void **state) {
        struct job *job = job_from_text("[Mode only]\nSteps=a\n[Step a]\nExec=true\n");

        assert_string_equal(job->type, "test");
        assert_int_equal(job->overlap, OVERLAP_REJECT);
        assert_int_equal(job->run_timeout, USEC_INFINITY);
        /* The only mode is the default one. */
        assert_string_equal(job->default_mode, "only");
        check_step_defaults(&job->steps[0]);
        job_unref(job);
}

static struct job *with_dropin(const char *text, const char *dropin) {
        struct source_text sources[] = {
                {.path = "test.job", .text = text, .len = strlen(text)},
                {.path = "test.job.d/10.conf", .text = dropin, .len = strlen(dropin)},
        };
        struct diagnostics diagnostics = {0};
        struct job *job = NULL;

        assert_int_equal(job_parse(&job, "test", sources, ELEMENTSOF(sources), &diagnostics), 0);
        diagnostics_done(&diagnostics);
        return job;
}

/* An empty assignment of each key brings its default back. */
static void test_empty_assignment_resets(void **state) {
        static const char resets[] =
                "[Job]\nDescription=\nType=\nOverlap=\nRunTimeoutSec=\nDefaultMode=half\nEnvironment=\nEnvironmentFile="
                "\n"
                "WorkingDirectory=\n"
                "[Parameter week]\nMinimum=\nMaximum=\nRequired=\nType=\nDescription=\n"
                "[Parameter kind]\nType=\nValues=\nDefault=\n[Parameter code]\nPattern=\n"
                "[Mode half]\nSteps=\nSteps=a\n"
                "[Step a]\nDescription=\nImpact=\nTimeoutSec=\nKillGraceSec=\nHeartbeatSec=\nHeartbeatAction=\n"
                "SuccessExitStatus=\nWarnExitStatus=\nRetries=\nRetryDelaySec=\nRetryBackoff=\nRetryMaxDelaySec=\n"
                "RetryExitStatus=\nCritical=\nMemoryMax=\nCPUQuota=\nTasksMax=\nNice=\nEnvironment=\n";
        struct job *job = with_dropin(everything, resets);

        assert_null(job->description);
        assert_string_equal(job->type, "test");
        assert_int_equal(job->overlap, OVERLAP_REJECT);
        assert_int_equal(job->run_timeout, USEC_INFINITY);
        assert_string_equal(job->default_mode, "half");
        assert_null(job->environment);
        assert_null(job->environment_files);
        assert_null(job->working_directory);
        assert_false(job_find_parameter(job, "week")->has_minimum || job_find_parameter(job, "week")->has_maximum);
        assert_int_equal(job_find_parameter(job, "week")->type, PARAMETER_STRING);
        assert_false(job_find_parameter(job, "week")->required);
        assert_null(job_find_parameter(job, "kind")->default_value);
        assert_null(job_find_parameter(job, "code")->pattern);
        check_list(job_find_mode(job, "half")->steps, "a");
        check_step_defaults(job_find_step(job, "a"));
        job_unref(job);
}

static void test_dropins_override_and_append(void **state) {
        struct job *job = with_dropin(
                everything,
                "[Step a]\nRetries=7\nEnvironment=Y=2\n[Mode half]\nSteps=c\n[Step c]\nExec=c\nAfter=a\n[Step b]\n"
                "After=a\nExec=other ${kind}\n");
        struct job *plain = job_from_text(everything);

        assert_int_equal(job_find_step(job, "a")->retries, 7);
        check_list(job_find_step(job, "a")->environment, "X=1|Y=2");
        check_list(job_find_mode(job, "half")->steps, "b|c");
        check_list(job_find_step(job, "b")->after, "a");
        check_list(job_find_step(job, "b")->exec, "other|${kind}");
        assert_int_equal(job->n_steps, 3);
        assert_string_equal(job->path, "test.job");
        assert_string_not_equal(job->definition_hash, plain->definition_hash);
        job_unref(plain);
        job_unref(job);
}

static void test_infinity(void **state) {
        struct job *job = job_from_text("[Job]\nRunTimeoutSec=infinity\n[Step "
                                        "a]\nExec=true\nTimeoutSec=infinity\nMemoryMax=infinity\nTasksMax=infinity\n");

        assert_int_equal(job->run_timeout, USEC_INFINITY);
        assert_int_equal(job->steps[0].timeout, USEC_INFINITY);
        assert_int_equal(job->steps[0].memory_max, UINT64_MAX);
        assert_int_equal(job->steps[0].tasks_max, UINT64_MAX);
        job_unref(job);
}

static void test_json(void **state) {
        struct job *job = job_from_text(everything);
        _cleanup_jval_ struct jval *shown = job_to_json(job);
        struct jval *step = jval_at(jval_get(shown, "steps"), 0), *week = jval_at(jval_get(shown, "parameters"), 0);

        assert_string_equal(jval_get_str(shown, "job"), "test");
        assert_string_equal(jval_get_str(shown, "batch_type"), "weekly_update");
        assert_string_equal(jval_get_str(shown, "overlap"), "allow");
        assert_int_equal(jval_get_int(week, "maximum", 0), 18);
        assert_string_equal(jval_get_str(week, "type"), "integer");
        assert_int_equal(jval_array_size(jval_get(shown, "modes")), 2);
        assert_string_equal(jval_str(jval_at(jval_get(step, "exec"), 1)), "game logs");
        assert_int_equal((int)jval_get_real(step, "timeout_seconds", 0), 60);
        assert_int_equal(jval_array_size(jval_get(step, "success_exit_status")), 6);
        assert_int_equal(jval_type_of(jval_get(step, "after")), JVAL_NULL);
        assert_int_equal(jval_type_of(jval_get(jval_at(jval_get(shown, "steps"), 1), "timeout_seconds")), JVAL_NULL);
        job_unref(job);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_job_keys),
                cmocka_unit_test(test_parameter_and_mode_keys),
                cmocka_unit_test(test_step_keys),
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_empty_assignment_resets),
                cmocka_unit_test(test_dropins_override_and_append),
                cmocka_unit_test(test_infinity),
                cmocka_unit_test(test_json),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
