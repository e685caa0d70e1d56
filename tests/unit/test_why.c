#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "strutil.h"
#include "why_record.h"
#include "xalloc.h"

#define SECOND ((usec_t)1000000)

static struct run_record run_of(const char *hash, const char *parameters, const char *options) {
        struct run_record record = {.job = xstrdup("nightly"), .definition_hash = xstrdup(hash)};

        assert_int_equal(jval_parse(parameters, strlen(parameters), &record.parameters, NULL), 0);
        assert_int_equal(jval_parse(options, strlen(options), &record.options, NULL), 0);
        return record;
}

static void add_step(struct rollup *rollup, const char *name, unsigned seconds, int64_t records) {
        struct attempt_record attempt = {
                .step_name = xstrdup(name),
                .item = xstrdup(""),
                .attempt = 1,
                .step_order = (int32_t)rollup->n_steps + 1,
                .status = STEP_SUCCESS,
                .started_at = SECOND,
                .completed_at = SECOND + seconds * SECOND,
                .records_processed = records,
        };

        rollup_add(rollup, &attempt, true);
        attempt_record_done(&attempt);
}

/* The texts, one a line. */
static char *texts(const struct jval *changes) {
        struct buf text = BUF_INIT(8192);

        for (size_t i = 0; i < jval_array_size(changes); i++)
                (void)buf_appendf(&text, "%s\n", jval_get_str(jval_at(changes, i), "text"));
        return buf_steal(&text);
}

static void test_nothing_has_changed(void **state) {
        struct rollup rollup = {0};
        struct run_record run = run_of("a", "{\"week\":1}", "{\"daemon_version\":\"1\"}");
        _cleanup_jval_ struct jval *changes = NULL;

        add_step(&rollup, "odds", 10, 100);
        changes = why_changes(&(struct why_run){&run, &rollup, NULL}, &(struct why_run){&run, &rollup, NULL});
        assert_int_equal(jval_array_size(changes), 0);
        run_record_done(&run);
        rollup_done(&rollup);
}

static void test_all_that_has_changed_is_told(void **state) {
        struct rollup now_steps = {0}, then_steps = {0};
        struct run_record now = run_of("b", "{\"week\":2,\"mode\":\"x\"}", "{\"daemon_version\":\"2\"}"),
                          then = run_of("a", "{\"week\":1,\"season\":2026}", "{\"daemon_version\":\"1\"}");
        _cleanup_jval_ struct jval *changes = NULL;
        _cleanup_free_ char *text = NULL;

        add_step(&now_steps, "odds", 90, 0);
        add_step(&then_steps, "odds", 10, 812);
        add_step(&now_steps, "steady", 11, 110); /* a tenth more is nothing to tell */
        add_step(&then_steps, "steady", 10, 100);
        add_step(&now_steps, "fresh", 5, 5); /* there was none to compare with */
        changes = why_changes(&(struct why_run){&now, &now_steps, NULL}, &(struct why_run){&then, &then_steps, NULL});
        text = texts(changes);
        assert_string_equal(text, "the definition of the job was changed\n"
                                  "parameter week is 2, it was 1\n"
                                  "parameter mode is x, it was open\n"
                                  "parameter season is open, it was 2026\n"
                                  "the daemon is version 2, it was 1\n"
                                  "step odds took 1min 30s, it took 10s\n"
                                  "step odds processed 0 records, it processed 812\n");
        run_record_done(&now);
        run_record_done(&then);
        rollup_done(&now_steps);
        rollup_done(&then_steps);
}

static void test_the_lines_of_the_definition_that_differ(void **state) {
        static const char before[] =
                "[{\"path\":\"/j.job\",\"text\":\"[Job]\\nType=x\\n# old words\\n[Step odds]\\nRetries=5\\nEnvironment=KEY=one \\\\\\n SECRET=one\\n\"}]";
        static const char after[] =
                "[{\"path\":\"/j.job\",\"text\":\"[Job]\\n Type=x\\n\\n[Step odds]\\nRetries=2\\nEnvironment=KEY=two\\n\"}]";
        struct rollup rollup = {0};
        struct run_record now = run_of("b", "{}", "{}"), then = run_of("a", "{}", "{}");
        _cleanup_jval_ struct jval *changes =
                why_changes(&(struct why_run){&now, &rollup, after}, &(struct why_run){&then, &rollup, before});
        _cleanup_free_ char *removed = jval_dump(jval_get(jval_at(changes, 0), "removed")),
                            *added = jval_dump(jval_get(jval_at(changes, 0), "added"));

        assert_string_equal(removed, "[\"[Step odds] Retries=5\",\"[Step odds] Environment=\"]");
        assert_string_equal(added, "[\"[Step odds] Retries=2\",\"[Step odds] Environment=\"]");
        run_record_done(&now);
        run_record_done(&then);
}

static struct attempt_record failed_attempt(const char *output) {
        return (struct attempt_record){
                .step_name = xstrdup("odds"),
                .item = xstrdup("KC"),
                .attempt = 3,
                .status = STEP_FAILED,
                .reason = REASON_EXIT,
                .exit_status = 75,
                .duration_usec = -1,
                .records_processed = -1,
                .output_log = xstrdup_or_null(output),
        };
}

static void check_lines(const char *output, const char *stream, const char *expected) {
        struct attempt_record attempt = failed_attempt(output);
        struct jval *failure = why_failure(&attempt);
        _cleanup_free_ char *lines = jval_dump(jval_get(failure, "lines"));

        assert_string_equal(jval_get_str(failure, "stream"), stream);
        assert_string_equal(lines, expected);
        assert_int_equal(jval_get_int(failure, "exit_status", 0), 75);
        assert_non_null(strstr(jval_get_str(failure, "meaning"), "exit status"));
        (void)jval_unref(failure);
        attempt_record_done(&attempt);
}

static void test_the_last_lines_of_stderr_or_else_of_anything(void **state) {
        check_lines("one\n[stderr] no answer\ntwo\n[stderr] gave up\n", "stderr", "[\"no answer\",\"gave up\"]");
        check_lines("one\ntwo", "stdout", "[\"one\",\"two\"]");
        check_lines("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n", "stdout",
                    "[\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\",\"l\"]");
        check_lines(NULL, "stdout", "[]");
}

static void test_words_for_a_shell(void **state) {
        static const char *const words[][2] = {
                {"week=12", "week=12"}, {"", "''"},           {"a b", "'a b'"},
                {"it's", "'it'\\''s'"}, {"$HOME", "'$HOME'"}, {"a;rm", "'a;rm'"},
        };

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                _cleanup_free_ char *word = shell_word(words[i][0]);

                assert_string_equal(word, words[i][1]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_has_changed),
                cmocka_unit_test(test_all_that_has_changed_is_told),
                cmocka_unit_test(test_the_lines_of_the_definition_that_differ),
                cmocka_unit_test(test_the_last_lines_of_stderr_or_else_of_anything),
                cmocka_unit_test(test_words_for_a_shell),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
