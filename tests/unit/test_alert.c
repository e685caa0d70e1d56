/* Alerts: who wants what, the text of templates, what is news of a run's end, and what is not told twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alert_memory.h"
#include "job.h"
#include "job_file.h"
#include "macro.h"

#define NOW (UINT64_C(1767571200) * USEC_PER_SEC)

static struct job *job_of(const char *text) {
        struct source_text source = {.path = "p", .text = text, .len = strlen(text)};
        struct diagnostics diagnostics = {0};
        struct job *job = NULL;

        assert_int_equal(job_parse(&job, "nightly", &source, 1, &diagnostics), 0);
        diagnostics_done(&diagnostics);
        return job;
}

#define STEP "[Step s]\nExec=/bin/true\n"

static void test_who_wants_what(void **state) {
        struct job *named = job_of("[Job]\nOnFailure=ops\nOnRecovery=other\n" STEP), *silent = job_of("[Job]\n" STEP);
        struct alert alert = alert_defaults;
        char *patterns[] = {(char *)"night*", NULL};

        alert.name = (char *)"ops";
        assert_true(alert_wants(&alert, ALERT_FAILURE, named));
        assert_true(alert_wants(&alert, ALERT_DEADLINE, named));
        assert_false(alert_wants(&alert, ALERT_RECOVERY, named));
        assert_false(alert_wants(&alert, ALERT_SUCCESS, named));
        assert_false(alert_wants(&alert, ALERT_FAILURE, silent));
        alert.name = (char *)"other";
        assert_false(alert_wants(&alert, ALERT_FAILURE, named));
        assert_true(alert_wants(&alert, ALERT_RECOVERY, named));
        alert.jobs = patterns;
        assert_true(alert_wants(&alert, ALERT_FAILURE, silent));
        assert_false(alert_wants(&alert, ALERT_SUCCESS, silent)); /* unless it is asked for */
        alert.on = 1U << ALERT_SUCCESS;
        assert_true(alert_wants(&alert, ALERT_SUCCESS, silent));
        assert_false(alert_wants(&alert, ALERT_FAILURE, silent));
        job_unref(named);
        job_unref(silent);
}

static void check_body(const char *template, const char *content_type, const char *expected) {
        struct alert alert = {.body = (char *)template, .content_type = (char *)content_type};
        struct jval *facts = jval_object();
        char *body;

        jval_set_str(facts, "text", "a \"quoted\"\nline");
        jval_set_str(facts, "job", "nightly");
        jval_set_int(facts, "run_number", 12);
        body = alert_body(&alert, facts);
        assert_string_equal(body, expected);
        free(body);
        jval_unref(facts);
}

static void test_templates(void **state) {
        char *error = NULL;

        check_body("{\"text\":\"#${run_number} ${text}\"}", NULL, "{\"text\":\"#12 a \\\"quoted\\\"\\nline\"}");
        check_body("${job}: ${text}", "text/plain", "nightly: a \"quoted\"\nline");
        check_body("${mode}|", NULL, "|"); /* a fact that is not there */
        check_body(NULL, NULL, "{\"text\":\"a \\\"quoted\\\"\\nline\",\"job\":\"nightly\",\"run_number\":12}");
        assert_int_equal(alert_template_check("${text} ${job}", &error), 0);
        assert_true(alert_template_check("${txet}", &error) < 0);
        assert_non_null(strstr(error, "${txet} is no fact"));
        free(error);
}

static struct run_record run_of(int64_t number, enum run_status status) {
        return (struct run_record){
                .job = (char *)"nightly",
                .run_number = number,
                .status = status,
                .completed_at = NOW + (usec_t)number * USEC_PER_DAY,
                .duration_usec = (int64_t)(10 * USEC_PER_MINUTE),
        };
}

static unsigned end(struct jval *memory, struct run_record run, struct alert_news *ret) {
        struct alert_news news;
        unsigned events;

        alert_memory_run_ended(memory, &run, &news);
        events = news.events;
        if (ret)
                *ret = news;
        else
                alert_news_done(&news);
        return events;
}

#define BIT(event) (1U << (event))

static void test_a_recovery_follows_a_failure(void **state) {
        struct jval *memory = jval_object();
        struct alert_news news;

        assert_int_equal(end(memory, run_of(1, RUN_SUCCESS), NULL), BIT(ALERT_SUCCESS));
        assert_int_equal(end(memory, run_of(2, RUN_FAILED), NULL), BIT(ALERT_FAILURE));
        assert_int_equal(end(memory, run_of(3, RUN_CANCELLED), NULL), 0);
        assert_int_equal(end(memory, run_of(4, RUN_SKIPPED), NULL), 0);
        assert_int_equal(end(memory, run_of(5, RUN_FAILED), NULL), BIT(ALERT_FAILURE));
        assert_int_equal(end(memory, run_of(6, RUN_SUCCESS), &news), BIT(ALERT_SUCCESS) | BIT(ALERT_RECOVERY));
        assert_int_equal(news.failed_runs, 2);
        assert_int_equal(news.since_run, 2);
        assert_int_equal(news.since_at, NOW + 2 * USEC_PER_DAY);
        alert_news_done(&news);
        assert_int_equal(end(memory, run_of(7, RUN_SUCCESS), NULL), BIT(ALERT_SUCCESS));
        jval_unref(memory);
}

static struct run_record partial_of(int64_t number, const char *category, const char *text) {
        struct run_record run = run_of(number, RUN_PARTIAL);
        struct jval *warning = jval_object();

        run.warnings = jval_array();
        jval_set_str(warning, "category", category);
        jval_set_str(warning, "text", text);
        jval_add(run.warnings, warning);
        return run;
}

static unsigned end_partial(struct jval *memory, int64_t number, const char *category, const char *text) {
        struct run_record run = partial_of(number, category, text);
        unsigned events = end(memory, run, NULL);

        jval_unref(run.warnings);
        return events;
}

static void test_a_known_warning_is_no_news(void **state) {
        struct jval *memory = jval_object();

        assert_int_equal(end_partial(memory, 1, "players", "12 unknown players"), BIT(ALERT_PARTIAL));
        assert_int_equal(end_partial(memory, 2, "players", "13 unknown players"), 0); /* figures apart it is the same */
        assert_int_equal(end_partial(memory, 3, "quota", "13 unknown players"), BIT(ALERT_PARTIAL));
        assert_int_equal(end(memory, run_of(4, RUN_SUCCESS), NULL), BIT(ALERT_SUCCESS));
        assert_int_equal(end_partial(memory, 5, "quota", "13 unknown players"), BIT(ALERT_PARTIAL));
        jval_unref(memory);
}

static void test_the_same_is_told_once(void **state) {
        struct jval *memory = jval_object();
        struct alert ops = alert_defaults, other = alert_defaults;

        ops.name = (char *)"ops";
        other.name = (char *)"other";
        assert_true(alert_memory_tell(memory, &ops, ALERT_FAILURE, "odds: exit 69", NOW));
        assert_false(alert_memory_tell(memory, &ops, ALERT_FAILURE, "odds: exit 69", NOW + 1));
        assert_true(alert_memory_tell(memory, &other, ALERT_FAILURE, "odds: exit 69", NOW + 1));
        assert_true(alert_memory_tell(memory, &ops, ALERT_FAILURE, "schedule: exit 1", NOW + 2));
        assert_false(alert_memory_tell(memory, &ops, ALERT_FAILURE, "schedule: exit 1", NOW + USEC_PER_DAY));
        assert_true(alert_memory_tell(memory, &ops, ALERT_FAILURE, "schedule: exit 1", NOW + 3 * USEC_PER_DAY));
        /* After a recovery the same failure is news. */
        (void)end(memory, run_of(1, RUN_FAILED), NULL);
        (void)end(memory, run_of(2, RUN_SUCCESS), NULL);
        assert_true(alert_memory_tell(memory, &ops, ALERT_FAILURE, "schedule: exit 1", NOW + 3 * USEC_PER_DAY + 1));
        jval_unref(memory);
}

static void test_a_deadline(void **state) {
        struct jval *memory = jval_object();

        assert_true(alert_memory_misses(memory, NOW)); /* nothing is known */
        (void)end(memory, run_of(1, RUN_SUCCESS), NULL);
        assert_false(alert_memory_misses(memory, NOW));
        assert_true(alert_memory_misses(memory, NOW + USEC_PER_DAY)); /* it was before */
        /* The success that comes too late is a recovery. */
        assert_int_equal(end(memory, run_of(2, RUN_SUCCESS), NULL), BIT(ALERT_SUCCESS) | BIT(ALERT_RECOVERY));
        /* Nothing to do is a success. */
        (void)end(memory, run_of(9, RUN_SKIPPED), NULL);
        assert_false(alert_memory_misses(memory, NOW + 8 * USEC_PER_DAY));
        jval_unref(memory);
}

static void test_what_is_slow(void **state) {
        struct jval *memory = jval_object();
        struct run_record run = run_of(1, RUN_SUCCESS);
        usec_t median = 0;

        run.batch_mode = (char *)"full";
        for (unsigned i = 0; i < ALERT_DURATIONS_LEAST; i++) {
                assert_int_equal(alert_memory_slow_after(memory, "full", NULL), USEC_INFINITY);
                run.duration_usec = (int64_t)((10 + i) * USEC_PER_MINUTE);
                (void)end(memory, run, NULL);
        }
        assert_int_equal(alert_memory_slow_after(memory, "full", &median), 24 * USEC_PER_MINUTE);
        assert_int_equal(median, 12 * USEC_PER_MINUTE);
        assert_int_equal(alert_memory_slow_after(memory, "odds_only", NULL), USEC_INFINITY);
        /* The last 20 count; short runs get a minute. */
        run.duration_usec = (int64_t)USEC_PER_SEC;
        for (unsigned i = 0; i < ALERT_DURATIONS_KEPT; i++)
                (void)end(memory, run, NULL);
        assert_int_equal(alert_memory_slow_after(memory, "full", NULL), USEC_PER_SEC + USEC_PER_MINUTE);
        jval_unref(memory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who_wants_what),
                cmocka_unit_test(test_templates),
                cmocka_unit_test(test_a_recovery_follows_a_failure),
                cmocka_unit_test(test_a_known_warning_is_no_news),
                cmocka_unit_test(test_the_same_is_told_once),
                cmocka_unit_test(test_a_deadline),
                cmocka_unit_test(test_what_is_slow),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
