/* Keep=: how it is read, and which ended runs it lets go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "job_file.h"
#include "macro.h"
#include "retention.h"

#define NOW ((usec_t)1000 * USEC_PER_DAY)

/* The runs, newest first, each 10 bytes, n days old: 'x' for one that goes, '.' for one that stays. */
static void check(const struct keep *all, const struct keep *of_a, usec_t now, const char *jobs, const char *expected) {
        struct retention *retention = retention_new(all, now);
        char got[32] = "";

        if (of_a)
                retention_add_job(retention, "a", of_a);
        for (size_t i = 0; jobs[i]; i++) {
                const struct ended_run run = {
                        .job = jobs[i] == 'a' ? "a" : "b", .completed_at = NOW - i * USEC_PER_DAY, .bytes = 10};

                got[i] = retention_exceeds(retention, &run) ? 'x' : '.';
                if (got[i] == '.')
                        retention_stays(retention, &run);
        }
        (void)retention_free(retention);
        assert_string_equal(got, expected);
}

static void test_each_bound(void **state) {
        struct keep keep = KEEP_ALL;

        check(&keep, NULL, NOW, "aaaaa", ".....");
        keep.age = 2 * USEC_PER_DAY;
        check(&keep, NULL, NOW, "aaaaa", "...xx");
        keep = KEEP_ALL;
        keep.runs = 2;
        check(&keep, NULL, NOW, "aaaaa", "..xxx");
        keep = KEEP_ALL;
        keep.bytes = 39;
        check(&keep, NULL, NOW, "aaaaa", "...xx");
        keep.bytes = 40;
        check(&keep, NULL, NOW, "aaaaa", "....x");
}

static void test_bounds_of_a_job_are_beside_those_of_all(void **state) {
        struct keep all = KEEP_ALL, of_a = KEEP_ALL;

        of_a.runs = 1;
        check(&all, &of_a, NOW, "ababab", "..x.x.");
        all.runs = 3;
        check(&all, &of_a, NOW, "ababab", "..x.xx");
}

static void test_the_newest_run_of_a_job_stays(void **state) {
        struct keep all = {.age = USEC_PER_SEC, .runs = 1, .bytes = 1};

        check(&all, NULL, NOW + 100 * USEC_PER_DAY, "aabab", ".x.xx");
}

static void test_what_cannot_go_counts(void **state) {
        struct keep all = {.age = USEC_INFINITY, .runs = 2, .bytes = UINT64_MAX};
        struct retention *retention = retention_new(&all, NOW);
        const struct ended_run run = {.job = "a", .completed_at = NOW, .bytes = UINT64_MAX - 1};

        for (int i = 0; i < 3; i++)
                retention_stays(retention, &run);
        assert_true(retention_exceeds(retention, &run));
        (void)retention_free(retention);
}

static void test_a_clock_that_is_not_trusted_judges_no_age(void **state) {
        struct keep all = {.age = USEC_PER_SEC, .runs = UINT64_MAX, .bytes = UINT64_MAX};

        check(&all, NULL, 0, "aaaa", "....");
        /* Set back: what ended in the future is young. */
        check(&all, NULL, NOW - 10 * USEC_PER_DAY, "aaaa", "....");
}

static int read_keep(const char *text, struct keep *ret) {
        struct diagnostics diagnostics = {0};
        struct daemon_config config;
        const struct source_text source = {.path = "c", .text = text, .len = strlen(text)};
        int r = daemon_config_parse(&config, &source, 1, &diagnostics);

        if (r == 0) {
                *ret = config.keep;
                daemon_config_done(&config);
        } else {
                assert_non_null(strstr(diagnostics.items[0].text, "for example age=90d runs=1000 size=10G"));
        }
        diagnostics_done(&diagnostics);
        return r;
}

static void test_values(void **state) {
        static const char *const wrong[] = {"90d",    "age=",   "age=0",   "runs=0",  "runs=-1",
                                            "size=0", "size=x", "count=3", "runs=3,4"};
        struct keep keep;

        assert_int_equal(read_keep("[Daemon]\nKeep=age=90d runs=1000 size=2G\n", &keep), 0);
        assert_true(keep.age == 90 * USEC_PER_DAY && keep.runs == 1000 && keep.bytes == (uint64_t)2 << 30);
        assert_int_equal(read_keep("[Daemon]\nKeep=\"age=1h 30min\"\nKeep=size=infinity\n", &keep), 0);
        assert_true(keep.age == 90 * USEC_PER_MINUTE && keep.runs == 100000 && keep.bytes == UINT64_MAX);
        assert_int_equal(read_keep("[Daemon]\nKeep=runs=7\nKeep=\n", &keep), 0);
        assert_true(keep.age == 366 * USEC_PER_DAY && keep.runs == 100000 && keep.bytes == (uint64_t)10 << 30);
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                char text[64];

                (void)snprintf(text, sizeof(text), "[Daemon]\nKeep=%s\n", wrong[i]);
                assert_true(read_keep(text, &keep) < 0);
        }
}

static void test_a_job_has_its_own(void **state) {
        static const char text[] = "[Job]\nKeep=runs=5\n[Step s]\nExec=/bin/true\n";
        const struct source_text source = {.path = "a.job", .text = text, .len = strlen(text)};
        struct diagnostics diagnostics = {0};
        struct job *job = NULL;

        assert_int_equal(job_parse(&job, "a", &source, 1, &diagnostics), 0);
        assert_true(job->keep.runs == 5 && job->keep.age == USEC_INFINITY && job->keep.bytes == UINT64_MAX);
        (void)job_unref(job);
        diagnostics_done(&diagnostics);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_bound),
                cmocka_unit_test(test_bounds_of_a_job_are_beside_those_of_all),
                cmocka_unit_test(test_the_newest_run_of_a_job_stays),
                cmocka_unit_test(test_what_cannot_go_counts),
                cmocka_unit_test(test_a_clock_that_is_not_trusted_judges_no_age),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_a_job_has_its_own),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
