/* The step protocol: every word of it, and what makes no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attempt_file.h"
#include "json_check.h"
#include "step_report.h"
#include "utf8.h"

static struct step_reports reports;
static struct step_request request;

static int setup(void **state) {
        reports = (struct step_reports){0};
        return 0;
}

static int teardown(void **state) {
        step_reports_done(&reports);
        return 0;
}

static void say(const char *datagram) {
        step_reports_take(&reports, datagram, strlen(datagram), &request);
}

#define ASSERT_REPORT(key, value) assert_string_equal(report_set_get(&reports.set, key), value)
#define ASSERT_NO_REPORT(key) assert_null(report_set_get(&reports.set, key))

static void test_vocabulary(void **state) {
        say("STATUS=at work\nPROGRESS=15/75\nRECORDS=523\nEXPECTED=530\nCOVERAGE=0.87\nITEM=game "
            "7\nERROR_CLASS=transient\n"
            "QUALITY=limited\nRESULT={\"a\": [1, 2.5e3, \"x\\u00e4\"]}\nPARAMETER=week=6\nPARAMETER=expr=a=b\n");
        ASSERT_REPORT("status", "at work");
        ASSERT_REPORT("progress", "15/75");
        ASSERT_REPORT("records", "523");
        ASSERT_REPORT("expected", "530");
        ASSERT_REPORT("coverage", "0.87");
        ASSERT_REPORT("item", "game 7");
        ASSERT_REPORT("error_class", "transient");
        ASSERT_REPORT("quality", "limited");
        ASSERT_REPORT("result", "{\"a\": [1, 2.5e3, \"x\\u00e4\"]}");
        ASSERT_REPORT("parameter:week", "6");
        ASSERT_REPORT("parameter:expr", "a=b");
        assert_int_equal(reports.n_refused, 0);
        say("STATUS=\nPROGRESS=75/75\nEXPECTED=0");
        ASSERT_REPORT("status", "");
        ASSERT_REPORT("progress", "75/75");
        ASSERT_REPORT("expected", "0");
}

static void test_coverage(void **state) {
        static const char *const wrong[] = {"COVERAGE=31/30", "COVERAGE=1/0", "COVERAGE=-1/30",   "COVERAGE=/30",
                                            "COVERAGE=27/",   "COVERAGE=2",   "COVERAGE=27/30/31"};
        say("COVERAGE=0.87");
        ASSERT_REPORT("coverage", "0.87");
        say("COVERAGE=27/30");
        ASSERT_REPORT("coverage", "27/30");
        for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                say(wrong[i]);
                assert_int_equal(reports.n_refused, i + 1);
        }
        ASSERT_REPORT("coverage", "27/30");
}

static void test_requests(void **state) {
        say("WATCHDOG=1");
        assert_true(request.is_heartbeat);
        assert_int_equal(reports.set.n, 0);
        say("EXTEND_TIMEOUT_USEC=5000000\nREADY=1\nMAINPID=7\nBARRIER=1\nX_UNKNOWN=1\nno equals sign\n\n=empty");
        assert_true(request.is_heartbeat); /* who asks for more time lives */
        assert_int_equal(request.extend_usec, 5000000);
        assert_int_equal(reports.set.n, 0);
        say("READY=1\nX_UNKNOWN=1\nWATCHDOG=trigger");
        assert_false(request.is_heartbeat);
        say("EXTEND_TIMEOUT_USEC=-1");
        assert_int_equal(request.extend_usec, 0);
        assert_int_equal(reports.n_refused, 1);
}

static void test_metrics(void **state) {
        say("METRIC=games+=16\nMETRIC=games+=-1");
        say("METRIC=games+=1");
        say("METRIC=total=5\nMETRIC=total=7");
        ASSERT_REPORT("metric+:games", "16");
        ASSERT_REPORT("metric=:total", "7");
        say("METRIC=games+=9223372036854775807");
        ASSERT_REPORT("metric+:games", "16");
        ASSERT_REPORT("refused:1", "METRIC=games+=9223372036854775807: the sum would pass 64 bits");
        say("METRIC=x=9223372036854775808\nMETRIC=x=1.5\nMETRIC=x=1e30\nMETRIC=+=1\nMETRIC=x\nMETRIC=a b=1\nMETRIC=x= "
            "1");
        assert_int_equal(reports.n_refused, 8);
        ASSERT_NO_REPORT("metric=:x");
}

static void test_lists(void **state) {
        say("WARNING=odds: none for week 3\nNOTE=week 4 has none\nMISSING=LeBron: no line\nWARNING=second");
        ASSERT_REPORT("warning:1", "odds: none for week 3");
        ASSERT_REPORT("warning:2", "second");
        ASSERT_REPORT("note:1", "week 4 has none");
        ASSERT_REPORT("missing:1", "LeBron: no line");
}

static void at(uint64_t realtime, uint64_t boottime) {
        reports.realtime = realtime;
        reports.boottime = boottime;
}

static void test_inner_steps(void **state) {
        at(1000, 10);
        say("STEP=load");
        ASSERT_REPORT("step:1", "load running began=1000");
        at(900, 15); /* a clock that is set back changes no duration */
        say("STEP_RESULT=success\nRECORDS=12");
        ASSERT_REPORT("step:1", "load success began=1000 took=5 records=12");
        ASSERT_NO_REPORT("records");
        say("STATUS=no rows = no work\nSTEP=check\nSTEP_RESULT=failed");
        ASSERT_REPORT("step:2", "check failed began=900 took=0 error=no rows = no work");
        say("STEP=a");
        say("STEP=b");
        say("STEP=a\nRECORDS=1");
        say("STEP=a\nRECORDS=2");
        ASSERT_REPORT("step:3", "a running began=900 records=2");
        at(950, 40);
        say("STEP=a\nSTEP_RESULT=skipped");
        ASSERT_REPORT("step:3", "a skipped began=900 took=25 records=2");
        ASSERT_REPORT("step:4", "b running began=900");
        say("STEP=a");
        ASSERT_REPORT("step:5", "a running began=950");
        say("RECORDS=99");
        ASSERT_REPORT("records", "99");
        say("STEP=not a name\nSTEP_RESULT=maybe");
        assert_int_equal(reports.n_refused, 2);
        /* A result beside a name that is none ends no other step. */
        say("STEP=not a name\nSTEP_RESULT=success");
        ASSERT_REPORT("step:5", "a running began=950");
        assert_int_equal(reports.n_refused, 4);
}

static void test_result_before_any_step(void **state) {
        say("STEP_RESULT=success");
        ASSERT_REPORT("refused:1", "STEP_RESULT=success: no STEP= was named before");
}

static void test_nonsense_is_refused(void **state) {
        static const char *const wrong[] = {
                "PROGRESS=15",  "PROGRESS=76/75", "PROGRESS=-1/5",      "PROGRESS=a/b",       "RECORDS=-1",
                "RECORDS=many", "EXPECTED=1.5",   "COVERAGE=1.1",       "COVERAGE=nan",       "ERROR_CLASS=odd",
                "QUALITY=good", "RESULT={a:1}",   "RESULT=\"\\u0000\"", "PARAMETER=noequals", "PARAMETER=a b=1",
        };
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                say(wrong[i]);
                assert_int_equal(reports.n_refused, i + 1);
        }
        assert_int_equal(reports.set.n, sizeof(wrong) / sizeof(wrong[0]));
}

static void test_text_is_made_fit(void **state) {
        step_reports_take(&reports, "STATUS=a\0b\377c", 12, &request);
        ASSERT_REPORT("status", "a\\x00b\\xffc");
        char large[4000];
        memset(large, 'x', sizeof(large) - 1);
        memcpy(large, "STATUS=", 7);
        large[sizeof(large) - 1] = 0;
        say(large);
        assert_int_equal(strlen(report_set_get(&reports.set, "status")), 500);
}

static void test_lists_have_caps(void **state) {
        for (int i = 0; i < STEP_REPORT_WARNINGS_MAX + 50; i++)
                say("WARNING=x: y");
        ASSERT_REPORT("warning:200", "x: y");
        ASSERT_NO_REPORT("warning:201");
        assert_int_equal(reports.n_refused, 1);
        for (int i = 0; i < 100; i++)
                say("RECORDS=x");
        ASSERT_REPORT("refused:21", "further reports that make no sense are not listed");
        ASSERT_NO_REPORT("refused:22");
}

static void test_all_together_has_a_cap(void **state) {
        char datagram[600];
        for (int i = 0; i < 500; i++) {
                snprintf(datagram, sizeof(datagram), "MISSING=%d: %0480d", i, i);
                say(datagram);
        }
        assert_true(reports.set.size <= REPORT_SET_MAX);
        assert_non_null(report_set_get(&reports.set, "missing:100"));
        ASSERT_NO_REPORT("missing:499");
        assert_true(reports.is_full_told);
        /* Something small still fits, and replaces. */
        say("PROGRESS=1/2");
        say("PROGRESS=2/2");
        assert_true(reports.set.size <= REPORT_SET_MAX);
}

static void test_json(void **state) {
        static const char *const good[] = {"1", "-0.5e+3", "\"a\\n\"", "[]", "{}", " [1, {\"a\": null}, true] ", "0"};
        static const char *const bad[] = {"",    "01",     "1.",      "+1", "[1,]", "{\"a\"}",  "{a: 1}",
                                          "nul", "\"\n\"", "\"\\x\"", "[1", "1 2",  "\"\\u12\""};
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
                assert_true(json_is_valid(good[i], strlen(good[i])));
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_false(json_is_valid(bad[i], strlen(bad[i])));
        char deep[200];
        memset(deep, '[', 100);
        memset(deep + 100, ']', 100);
        assert_false(json_is_valid(deep, 200));
}

int main(void) {
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_vocabulary),
                TEST(test_coverage),
                TEST(test_requests),
                TEST(test_metrics),
                TEST(test_lists),
                TEST(test_inner_steps),
                TEST(test_result_before_any_step),
                TEST(test_nonsense_is_refused),
                TEST(test_text_is_made_fit),
                TEST(test_lists_have_caps),
                TEST(test_all_together_has_a_cap),
                TEST(test_json),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
