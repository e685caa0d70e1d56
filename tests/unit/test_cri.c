#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cri.h"
#include "fileutil.h"
#include "xalloc.h"

#define STAMP "2026-11-22T12:00:00.123456789Z"
#define STAMP_NSEC 1795348800123456789ULL

static int parse(const char *text, struct cri_line *ret) {
        return cri_parse(text, strlen(text), ret);
}

static void test_whole_lines(void **state) {
        struct cri_line line;
        const char *text = STAMP " stdout F hello world\n" STAMP " stderr P \n";

        assert_int_equal(parse(text, &line), 1);
        assert_true(line.time_nsec == STAMP_NSEC);
        assert_false(line.is_stderr);
        assert_false(line.is_partial);
        assert_int_equal(line.len, 11);
        assert_memory_equal(line.text, "hello world", 11);
        assert_int_equal(parse(text + line.size, &line), 1);
        assert_true(line.is_stderr);
        assert_true(line.is_partial);
        assert_int_equal(line.len, 0);
        assert_int_equal(line.size, strlen(STAMP " stderr P \n"));
}

static void test_unfinished_line(void **state) {
        struct cri_line line;
        const char *text = STAMP " stdout F hello\n";

        for (size_t len = 0; len < strlen(text); len++)
                assert_int_equal(cri_parse(text, len, &line), 0);
}

static void test_foreign_lines(void **state) {
        static const char *const texts[] = {
                "\n",
                "hello\n",
                STAMP " stdout F\n",
                STAMP " stdin  F x\n",
                STAMP " stdout X x\n",
                STAMP " stdout Fx x\n",
                "2026-13-22T12:00:00.123456789Z stdout F x\n",
                "2026-11-32T12:00:00.123456789Z stdout F x\n",
                "2026-11-22T24:00:00.123456789Z stdout F x\n",
                "2026-11-22T12:00:00.12345678xZ stdout F x\n",
                "2026-11-22T12:00:00,123456789Z stdout F x\n",
                "1969-11-22T12:00:00.123456789Z stdout F x\n",
        };

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct cri_line line = {0};
                assert_int_equal(parse(texts[i], &line), -EBADMSG);
                assert_int_equal(line.size, strlen(texts[i]));
        }
}

/* Longer than any line that a monitor writes: skipped whole where its end is known, as far as it goes otherwise. */
static void test_endless_line(void **state) {
        size_t len = 3 * CRI_LINE_MAX;
        char *text = xmalloc(len);
        struct cri_line line;

        memset(text, 'x', len);
        assert_int_equal(cri_parse(text, CRI_LINE_MAX - 1, &line), 0);
        assert_int_equal(cri_parse(text, len, &line), -EBADMSG);
        assert_int_equal(line.size, len);
        text[len - 10] = '\n';
        assert_int_equal(cri_parse(text, len, &line), -EBADMSG);
        assert_int_equal(line.size, len - 9);
        free(text);
}

static void check_json(const char *text, uint64_t sequence, const char *item, const char *expected) {
        struct buf buf = BUF_INIT(4096);
        struct cri_line line;

        assert_int_equal(parse(text, &line), 1);
        assert_int_equal(cri_append_json(&buf, &line, sequence, "load", item), 0);
        assert_string_equal(buf_data(&buf), expected);
        buf_done(&buf);
}

static void test_json(void **state) {
        check_json(STAMP " stdout F say \"hi\"\n", 7, "",
                   "\"seq\":7,\"time\":\"" STAMP
                   "\",\"step\":\"load\",\"stream\":\"stdout\",\"text\":\"say \\\"hi\\\"\"");
        check_json(STAMP " stderr P x\n", 18446744073709551615ULL, "team 1",
                   "\"seq\":18446744073709551615,\"time\":\"" STAMP
                   "\",\"step\":\"load\",\"item\":\"team 1\",\"stream\":\"stderr\",\"partial\":true,\"text\":\"x\"");
        check_json("1999-12-31T23:59:59.000000001Z stdout F \xff\n", 1, NULL,
                   "\"seq\":1,\"time\":\"1999-12-31T23:59:59.000000001Z\",\"step\":\"load\",\"stream\":\"stdout\","
                   "\"text\":\"\\\\xff\"");
        check_json("2024-02-29T00:00:00.000000000Z stdout F \n", 1, NULL,
                   "\"seq\":1,\"time\":\"2024-02-29T00:00:00.000000000Z\",\"step\":\"load\",\"stream\":\"stdout\","
                   "\"text\":\"\"");
}

static void test_json_is_whole_or_absent(void **state) {
        struct buf buf = BUF_INIT(100);
        struct cri_line line;

        assert_int_equal(buf_append_str(&buf, "before"), 0);
        assert_int_equal(parse(STAMP " stdout F 0123456789012345678901234567890123456789\n", &line), 1);
        assert_int_equal(cri_append_json(&buf, &line, 1, "load", NULL), -E2BIG);
        assert_string_equal(buf_data(&buf), "before");
        assert_int_equal(buf.len, 6);
        buf_done(&buf);
}

static char *file_with(const char *text, size_t len) {
        char *path = xstrdup("/tmp/test_cri.XXXXXX");
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(write_all(fd, text, len), 0);
        (void)close(fd);
        return path;
}

static void check_tail(const char *text, unsigned lines, const char *expected) {
        char *path = file_with(text, strlen(text)), *tail;

        assert_int_equal(cri_tail_text(path, lines, &tail), 0);
        assert_string_equal(tail, expected);
        (void)unlink(path);
        free(path);
        free(tail);
}

static void test_tail(void **state) {
        const char *text = STAMP " stdout F one\n" STAMP " stderr F two\n" STAMP " stdout P th\n" STAMP
                                 " stdout F ree\n" STAMP " stdout F \xff\n" STAMP " stdout F torn";
        char *tail;

        check_tail(text, 100, "one\n[stderr] two\nthree\n\\xff\n");
        check_tail(text, 2, "three\n\\xff\n");
        check_tail(text, 1, "\\xff\n");
        check_tail(text, 0, "");
        check_tail("", 100, "");
        check_tail(STAMP " stderr P one\n" STAMP " stderr F  line\n", 1, "[stderr] one line\n");
        assert_int_equal(cri_tail_text("/nonexistent/x.log", 1, &tail), -ENOENT);
}

static void test_tail_of_a_large_file(void **state) {
        struct buf text = BUF_INIT((size_t)64 * 1024 * 1024);
        char *tail;

        for (int i = 0; i < 20000; i++)
                assert_int_equal(buf_appendf(&text, STAMP " stdout F line %05d\n", i), 0);
        char *path = file_with(buf_data(&text), text.len);
        assert_int_equal(cri_tail_text(path, 3, &tail), 0);
        assert_string_equal(tail, "line 19997\nline 19998\nline 19999\n");
        free(tail);
        /* No more than the cap, and from a line's border on. */
        assert_int_equal(cri_tail_text(path, 20000, &tail), 0);
        assert_true(strlen(tail) < (size_t)256 * 1024);
        assert_memory_equal(tail, "line ", 5);
        free(tail);
        (void)unlink(path);
        free(path);
        buf_done(&text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole_lines),   cmocka_unit_test(test_unfinished_line),
                cmocka_unit_test(test_foreign_lines), cmocka_unit_test(test_endless_line),
                cmocka_unit_test(test_json),          cmocka_unit_test(test_json_is_whole_or_absent),
                cmocka_unit_test(test_tail),          cmocka_unit_test(test_tail_of_a_large_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
