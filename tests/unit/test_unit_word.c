/* Quoting and escaping within values. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "buf.h"
#include "macro.h"
#include "strutil.h"
#include "unit_word.h"

static const struct {
        const char *value;
        const char *expected; /* each word in <>; at an error "!" and a part of its text */
} rows[] = {
        {"", ""},
        {"   \t ", ""},
        {"a", "<a>"},
        {"a b\tc  d ", "<a><b><c><d>"},
        {"\"a b\" 'c d'", "<a b><c d>"},
        {"\"\" ''", "<><>"},
        {"\"it's\" '\"x\"'", "<it's><\"x\">"},
        {"a\"b c\"d", "<ab cd>"},
        {"'a'\"b\"c", "<abc>"},
        {"\\x41\\101\\u20ac\\U0001f600", "<AA\xE2\x82\xAC\xF0\x9F\x98\x80>"},
        {"'\\x41' \"\\x42\"", "<A><B>"},
        {"\\a\\b\\f\\n\\r\\t\\v", "<\a\b\f\n\r\t\v>"},
        {"a\\sb \\\\ \\\" \\'", "<a b><\\><\"><'>"},
        {"\\;", "<;>"},
        {"\\xc3\\xa9", "<\xC3\xA9>"},
        {"%i $x ${y} $$", "<%i><$x><${y}><$$>"},
        {"\"a", "!is not closed"},
        {"a 'b c", "<a>!is not closed"},
        {"\\q", "!\"\\q\" is no escape"},
        {"\\", "!\"\\\" is no escape"},
        {"\\x4", "!is no escape"},
        {"\\x4g", "!is no escape"},
        {"\\u12", "!is no escape"},
        {"\\18", "!is no escape"},
        {"\\x00", "!NUL"},
        {"\\000", "!NUL"},
        {"\\u0000", "!NUL"},
        {"\\ud800", "!\"\\ud800\" stands for no character"},
        {"\\U00110000", "!stands for no character"},
        {"\\777", "!\"\\777\" stands for no character"},
        {"\\xff", "!invalid UTF-8"},
};

static char *split(const char *value) {
        struct buf out = BUF_INIT(4096);
        char *word = NULL, *error = NULL;
        int r;

        while ((r = unit_word_next(&value, &word, NULL, &error)) > 0) {
                (void)buf_appendf(&out, "<%s>", word);
                free(word);
        }
        if (r < 0) {
                assert_int_equal(r, -EINVAL);
                (void)buf_appendf(&out, "!%s", error);
        }
        free(error);
        return buf_steal(&out);
}

static void test_rows(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *found = split(rows[i].value);
                const char *mark = strchr(rows[i].expected, '!');
                bool fits = mark ? strncmp(found, rows[i].expected, (size_t)(mark - rows[i].expected) + 1) == 0 &&
                                            strstr(found, mark + 1)
                                 : streq(found, rows[i].expected);

                if (!fits)
                        fail_msg("%s\nexpected: %s\nis:       %s", rows[i].value, rows[i].expected, found);
                free(found);
        }
}

static void test_quoted_is_told(void **state) {
        const char *position = "| '|' \\x7c a";
        static const bool expected[] = {false, true, true, false};

        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                char *word;
                bool quoted;

                assert_int_equal(unit_word_next(&position, &word, &quoted, NULL), 1);
                assert_int_equal(quoted, expected[i]);
                free(word);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_quoted_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
