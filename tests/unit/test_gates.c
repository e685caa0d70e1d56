/* Gates: what is expected of a step's records and coverage, and the names in which a start skips them. */
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "core_fixture.h"
#include "coverage_gate.h"
#include "macro.h"
#include "record_expectation.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

static void test_expectation(void **state) {
        static const struct {
                int64_t records, expected;
                uint64_t minimum;
                enum verdict verdict;
                const char *word; /* of the text */
        } rows[] = {
                /* nothing asked, nothing judged */
                {-1, -1, 0, VERDICT_PASS, NULL},
                {0, -1, 0, VERDICT_PASS, NULL},
                /* RecordsMin= alone */
                {-1, -1, 1, VERDICT_FAIL, "no RECORDS="},
                {0, -1, 1, VERDICT_FAIL, "EXPECTED=0"},
                {499, -1, 500, VERDICT_FAIL, "499 records, RecordsMin=500"},
                {500, -1, 500, VERDICT_PASS, NULL},
                {INT64_MAX, -1, INT64_MAX, VERDICT_PASS, NULL},
                /* a declared zero is legitimate, and one that is contradicted is told */
                {0, 0, 500, VERDICT_PASS, NULL},
                {-1, 0, 500, VERDICT_PASS, NULL},
                {3, 0, 0, VERDICT_WARN, "3 records of 0 expected"},
                /* a declared number stands in for a greater minimum */
                {12, 12, 500, VERDICT_PASS, NULL},
                {11, 12, 500, VERDICT_FAIL, "11 records of 12 expected"},
                /* and what falls short of the declaration alone is a warning */
                {523, 530, 500, VERDICT_WARN, "523 records of 530 expected"},
                {523, 530, 0, VERDICT_WARN, "523"},
                {1, 530, 0, VERDICT_WARN, "1 record of 530"},
                {-1, 530, 0, VERDICT_WARN, "EXPECTED="},
                {-1, 530, 1, VERDICT_FAIL, "EXPECTED="},
                {531, 530, 500, VERDICT_PASS, NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct step_figures figures = {rows[i].records, rows[i].expected, -1};
                _cleanup_free_ char *text = NULL;

                assert_int_equal(record_expectation_judge(&figures, rows[i].minimum, &text), rows[i].verdict);
                assert_true((text != NULL) == (rows[i].verdict != VERDICT_PASS));
                if (rows[i].word)
                        assert_non_null(strstr(text, rows[i].word));
        }
}

static void test_coverage(void **state) {
        static const struct {
                struct step_figures figures;
                double minimum;
                enum verdict verdict;
                const char *text;
        } rows[] = {
                {{-1, -1, -1}, 0, VERDICT_PASS, NULL},
                {{-1, -1, 0.1}, 0, VERDICT_PASS, NULL},
                {{-1, -1, 0.9}, 0.9, VERDICT_PASS, NULL},
                {{-1, -1, 0.824}, 0.9, VERDICT_FAIL, "coverage 82.4 % is below CoverageMin=90%"},
                {{36, 211, -1}, 0.9, VERDICT_FAIL, "coverage 17.1 % (36 of 211) is below CoverageMin=90%"},
                {{27, 30, -1}, 0.9, VERDICT_PASS, NULL},
                {{27, 30, -1}, 0.905, VERDICT_FAIL, "coverage 90 % (27 of 30) is below CoverageMin=90.5%"},
                {{5000, -1, 0.9, 27, 30}, 0.95, VERDICT_FAIL, "coverage 90 % (27 of 30) is below CoverageMin=95%"},
                {{26, 30, 0.95}, 0.9, VERDICT_PASS, NULL}, /* what the step says counts */
                {{31, 30, -1}, 1, VERDICT_PASS, NULL},
                {{0, 0, -1}, 0.9, VERDICT_PASS, NULL}, /* nothing was to be covered */
                {{-1, -1, 0.89999}, 0.9, VERDICT_FAIL, "coverage 89.999 % is below CoverageMin=90%"},
                {{30, -1, -1},
                 0.9,
                 VERDICT_FAIL,
                 "CoverageMin=90% cannot be judged: the step reported neither COVERAGE= nor RECORDS= and EXPECTED="},
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_free_ char *text = NULL;

                assert_int_equal(coverage_gate_judge(&rows[i].figures, rows[i].minimum, &text), rows[i].verdict);
                if (rows[i].text)
                        assert_string_equal(text, rows[i].text);
                else
                        assert_null(text);
        }
}

#define GATED "[Step a]\nExec=true\nRecordsMin=5\n[Step b.c]\nExec=true\nCoverageMin=82.5%\nRecordsBand=warn\n"

static void test_keys(void **state) {
        struct job *job = job_from_text("[Step a]\nExec=true\nRecordsMin=5\nCoverageMin=82.5%\n"
                                        "RecordsBand=fail width=3.5 window=30 least=8\n[Step b]\nExec=true\n"
                                        "RecordsBand=warn\nRecordsMin=9\nRecordsMin=\nRecordsBand=\n");
        const struct step *step = &job->steps[0];

        assert_int_equal(step->records_min, 5);
        assert_true(step->coverage_min == 0.825);
        assert_int_equal(step->records_band.action, BAND_FAIL);
        assert_true(step->records_band.width == 3.5);
        assert_int_equal(step->records_band.window, 30);
        assert_int_equal(step->records_band.least, 8);
        for (int gate = 0; gate < _GATE_MAX; gate++)
                assert_false(gate_is_declared(&job->steps[1], (enum gate)gate));
        job_unref(job);
}

static void check_skip(const char *name, const char *step, enum gate gate, bool expected) {
        char *const names[] = {(char *)(uintptr_t) "nothing", (char *)(uintptr_t)name, NULL};

        assert_int_equal(gate_is_skipped(names, step, gate), expected);
}

static void test_skipping(void **state) {
        check_skip("coverage", "a", GATE_COVERAGE, true);
        check_skip("coverage", "a", GATE_RECORDS, false);
        check_skip("a/coverage", "a", GATE_COVERAGE, true);
        check_skip("a/coverage", "ab", GATE_COVERAGE, false);
        check_skip("ab/coverage", "a", GATE_COVERAGE, false);
        check_skip("/coverage", "a", GATE_COVERAGE, false);
        assert_false(gate_is_skipped(NULL, "a", GATE_COVERAGE));
}

static void test_names_are_checked(void **state) {
        static const struct {
                const char *name;
                bool is_right;
        } rows[] = {
                {"records", true},      {"coverage", true}, {"band", true},        {"a/records", true},
                {"b.c/coverage", true}, {"breaker", false}, {"a/coverage", false}, {"x/records", false},
                {"Records", false},     {"", false},        {"a", false},          {"a/", false},
        };
        struct run_plan plan = plan_from_text(GATED);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *const names[] = {(char *)(uintptr_t)rows[i].name, NULL};
                _cleanup_free_ char *error = NULL;

                assert_int_equal(gate_check_skipped(&plan, names, &error) == 0, rows[i].is_right);
                if (!rows[i].is_right)
                        assert_non_null(strstr(error, "a/records, b.c/band, b.c/coverage"));
        }
        run_plan_done(&plan);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_expectation),
                cmocka_unit_test(test_coverage),
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_skipping),
                cmocka_unit_test(test_names_are_checked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
