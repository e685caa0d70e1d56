/* What the end of an attempt means, and whether and when it is tried again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_fixture.h"
#include "macro.h"
#include "run_machine.h"

static void test_end_status(void **state) {
        static const struct {
                enum attempt_outcome outcome;
                int exit_status;
                enum step_status status;
                enum reason reason;
                bool warned;
        } rows[] = {
                {OUTCOME_EXITED, 0, STEP_SUCCESS, REASON_NONE, false},
                {OUTCOME_EXITED, 1, STEP_FAILED, REASON_EXIT, false},
                {OUTCOME_EXITED, 4, STEP_SUCCESS, REASON_NONE, false},
                {OUTCOME_EXITED, 5, STEP_SUCCESS, REASON_NONE, true},
                {OUTCOME_EXITED, 75, STEP_SUCCESS, REASON_NONE, true},
                {OUTCOME_EXITED, 255, STEP_FAILED, REASON_EXIT, false},
                {OUTCOME_EXITED, -1, STEP_FAILED, REASON_EXIT, false},
                {OUTCOME_SIGNALED, 0, STEP_FAILED, REASON_SIGNAL, false},
                {OUTCOME_OOM, 0, STEP_FAILED, REASON_OOM, false},
                {OUTCOME_TIMEOUT, 0, STEP_FAILED, REASON_TIMEOUT, false},
                {OUTCOME_HEARTBEAT, 0, STEP_FAILED, REASON_HEARTBEAT, false},
                {OUTCOME_CANCELLED, 0, STEP_CANCELLED, REASON_REQUEST, false},
                {OUTCOME_SPAWN, 0, STEP_FAILED, REASON_SPAWN, false},
                {OUTCOME_LOST, 0, STEP_FAILED, REASON_LOST, false},
                {OUTCOME_REFUSED, 0, STEP_FAILED, REASON_BREAKER, false},
        };
        static const struct attempt_end judged = {.outcome = OUTCOME_EXITED, .exit_status = 5, .verdict = REASON_GATE};
        static const struct attempt_end exited = {.outcome = OUTCOME_EXITED, .exit_status = 1, .verdict = REASON_GATE};
        enum reason why;
        bool told;
        struct job *job = job_from_text("[Step a]\nExec=true\nSuccessExitStatus=4\nWarnExitStatus=5 TEMPFAIL\n");

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct attempt_end end = {.outcome = rows[i].outcome, .exit_status = rows[i].exit_status};
                enum reason reason;
                bool warned;

                assert_int_equal(attempt_end_status(&job->steps[0], &end, &reason, &warned), rows[i].status);
                assert_int_equal(reason, rows[i].reason);
                assert_int_equal(warned, rows[i].warned);
        }
        /* A gate decides on what would be a success, and on nothing else. */
        assert_int_equal(attempt_end_status(&job->steps[0], &judged, &why, &told), STEP_FAILED);
        assert_int_equal(why, REASON_GATE);
        assert_int_equal(attempt_end_status(&job->steps[0], &exited, &why, &told), STEP_FAILED);
        assert_int_equal(why, REASON_EXIT);
        job_unref(job);
}

static void check_applies(const char *text, const struct attempt_end *end, bool expected) {
        struct job *job = job_from_text(text);

        assert_int_equal(retry_applies(&job->steps[0], end), expected);
        job_unref(job);
}

static void test_retry_applies(void **state) {
        static const char plain[] = "[Step a]\nExec=true\nRetries=1\n";
        static const char listed[] = "[Step a]\nExec=true\nRetries=1\nRetryExitStatus=7 DATAERR\n";
        static const struct {
                struct attempt_end end;
                bool plain, listed;
        } rows[] = {
                {{.outcome = OUTCOME_EXITED, .exit_status = 0}, false, false},
                {{.outcome = OUTCOME_EXITED, .exit_status = 1}, true, false},
                {{.outcome = OUTCOME_EXITED, .exit_status = 7}, true, true},
                {{.outcome = OUTCOME_EXITED, .exit_status = 75}, true, false},
                {{.outcome = OUTCOME_EXITED, .exit_status = 65}, false, true},
                {{.outcome = OUTCOME_EXITED, .exit_status = 78}, false, false},
                {{.outcome = OUTCOME_EXITED, .exit_status = 65, .error_class = ERROR_CLASS_TRANSIENT}, true, true},
                {{.outcome = OUTCOME_EXITED, .exit_status = 7, .error_class = ERROR_CLASS_PERMANENT}, false, false},
                {{.outcome = OUTCOME_EXITED, .exit_status = 0, .error_class = ERROR_CLASS_TRANSIENT}, false, false},
                {{.outcome = OUTCOME_SIGNALED, .signal_number = 9}, true, true},
                {{.outcome = OUTCOME_OOM}, true, true},
                {{.outcome = OUTCOME_TIMEOUT}, true, true},
                {{.outcome = OUTCOME_TIMEOUT, .error_class = ERROR_CLASS_PERMANENT}, false, false},
                {{.outcome = OUTCOME_HEARTBEAT}, true, true},
                {{.outcome = OUTCOME_LOST}, true, true},
                {{.outcome = OUTCOME_SPAWN}, false, false},
                {{.outcome = OUTCOME_EXITED, .verdict = REASON_GATE}, true, true},
                {{.outcome = OUTCOME_EXITED, .verdict = REASON_RECORDS, .error_class = ERROR_CLASS_PERMANENT},
                 false,
                 false},
                {{.outcome = OUTCOME_REFUSED, .error_class = ERROR_CLASS_TRANSIENT}, false, false},
                {{.outcome = OUTCOME_CANCELLED, .error_class = ERROR_CLASS_TRANSIENT}, false, false},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                check_applies(plain, &rows[i].end, rows[i].plain);
                check_applies(listed, &rows[i].end, rows[i].listed);
        }
}

static void test_delay(void **state) {
        static const struct {
                const char *keys;
                unsigned attempt;
                double jitter;
                usec_t delay;
        } rows[] = {
                {"", 2, 0, 5 * USEC_PER_SEC},
                {"", 3, 0, 10 * USEC_PER_SEC},
                {"", 2, 1, 5500 * USEC_PER_MSEC},
                {"", 2, 0.5, 5250 * USEC_PER_MSEC},
                {"", 2, 9, 5500 * USEC_PER_MSEC},
                {"", 2, -1, 5 * USEC_PER_SEC},
                {"", 1000, 0, 10 * USEC_PER_MINUTE},
                {"RetryBackoff=1\n", 1000, 0, 5 * USEC_PER_SEC},
                {"RetryDelaySec=0\n", 9, 1, 0},
                {"RetryDelaySec=1s\nRetryBackoff=1.5\n", 4, 0, 2250 * USEC_PER_MSEC},
                {"RetryDelaySec=1h\nRetryMaxDelaySec=1min\n", 2, 0, USEC_PER_MINUTE},
                {"RetryMaxDelaySec=infinity\nRetryBackoff=100\n", 1001, 0, 100 * 365 * USEC_PER_DAY},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char text[200];
                struct job *job;

                (void)snprintf(text, sizeof(text), "[Step a]\nExec=true\nRetries=9\n%s", rows[i].keys);
                job = job_from_text(text);
                assert_int_equal(retry_delay(&job->steps[0], rows[i].attempt, rows[i].jitter), rows[i].delay);
                job_unref(job);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_end_status),
                cmocka_unit_test(test_retry_applies),
                cmocka_unit_test(test_delay),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
