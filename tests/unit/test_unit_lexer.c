/* The lexical syntax of unit files, as systemd.syntax(7) describes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "macro.h"
#include "strutil.h"
#include "unit_lexer.h"
#include "xalloc.h"

/* "1[A] 2 key|value ..." and errors as "3!": all on one line, so that a row shows what a text is. */
static char *lex(const char *text, size_t len) {
        struct diagnostics diagnostics = {0};
        struct buf out = BUF_INIT(65536);
        struct unit_lexer lexer;
        struct unit_token token;

        unit_lexer_init(&lexer, "test", text, len, &diagnostics);
        while (unit_lexer_next(&lexer, &token)) {
                if (token.type == UNIT_SECTION)
                        (void)buf_appendf(&out, "%u[%s] ", token.line, str_or(token.name, "?"));
                else
                        (void)buf_appendf(&out, "%u(%s|%s) ", token.line, token.name, token.value);
        }
        unit_lexer_done(&lexer);
        for (size_t i = 0; i < diagnostics.count; i++)
                (void)buf_appendf(&out, "%u! ", diagnostics.items[i].line);
        diagnostics_done(&diagnostics);
        return buf_steal(&out);
}

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct {
        const char *text;
        size_t len;
        const char *expected;
} rows[] = {
        {TEXT(""), ""},
        {TEXT("\n\n"), ""},
        {TEXT("[A]\nk=v\n"), "1[A] 2(k|v) "},
        {TEXT("[A]\nk=v"), "1[A] 2(k|v) "},
        /* White space around lines and the first '=' is dropped, what is within stays. */
        {TEXT("  [A]  \n\t k \t=  a = b  \t\n"), "1[A] 2(k|a = b) "},
        {TEXT("[Step name with words]\n"), "1[Step name with words] "},
        {TEXT("[ A ]\n"), "1[A] "},
        /* Comments: '#' and ';', also indented; not behind a value. */
        {TEXT("# one\n; two\n   # three\n\t;four\nk=v # text\n"), "5(k|v # text) "},
        {TEXT("#k=v\\\nk=w\n"), "2(k|w) "},
        /* Empty assignments. */
        {TEXT("k=\nl=   \n"), "1(k|) 2(l|) "},
        /* Continued lines: the backslash becomes a space, the line is that of the beginning. */
        {TEXT("k=a\\\nb\nl=c\n"), "1(k|a b) 3(l|c) "},
        {TEXT("k=a \\\n   b \\\n c\nl=d\n"), "1(k|a     b   c) 4(l|d) "},
        {TEXT("k=a\\\n# comment\n  ; comment \\\nb\nl=c\n"), "1(k|a b) 5(l|c) "},
        {TEXT("k=a\\\n\nl=c\n"), "1(k|a) 3(l|c) "},
        {TEXT("k=\\\n\\\na\n"), "1(k|a) "},
        {TEXT("k\\\n=a\n"), "1(k|a) "},
        /* At the end of the file there is nothing to join. */
        {TEXT("k=a\\"), "1(k|a) "},
        {TEXT("k=a\\\n"), "1(k|a) "},
        {TEXT("k=a\\\n# comment"), "1(k|a) "},
        /* Pairs of backslashes are text; behind white space nothing is continued. */
        {TEXT("k=a\\\\\nl=b\n"), "1(k|a\\\\) 2(l|b) "},
        {TEXT("k=a\\\\\\\nb\n"), "1(k|a\\\\ b) "},
        {TEXT("k=a\\ \nl=b\n"), "1(k|a\\) 2(l|b) "},
        /* Line ends of other systems, byte order mark. */
        {TEXT("[A]\r\nk=v\r\nl=a\\\r\nb\r\n"), "1[A] 2(k|v) 3(l|a b) "},
        {TEXT("\xEF\xBB\xBF[A]\nk=v\n"), "1[A] 2(k|v) "},
        /* '%' is no specifier. */
        {TEXT("k=%i %%\n"), "1(k|%i %%) "},
        {TEXT("k=\xC3\xA9\n"), "1(k|\xC3\xA9) "},
        /* Errors: the rest of the file is read. */
        {TEXT("k\nl=v\n"), "2(l|v) 1! "},
        {TEXT("=v\nl=w\n"), "2(l|w) 1! "},
        {TEXT("[A\nk=v\n"), "1[?] 2(k|v) 1! "},
        {TEXT("[]\n"), "1[?] 1! "},
        {TEXT("[\n"), "1[?] 1! "},
        {TEXT("[A]B]\n"), "1[?] 1! "},
        {TEXT("[A] x\n"), "1[?] 1! "},
        {TEXT("k=a\0b\nl=v\n"), "2(l|v) 1! "},
        {TEXT("k=\xFF\nl=v\n"), "2(l|v) 1! "},
        {TEXT("# \xFF\nl=v\n"), "2(l|v) 1! "},
        {TEXT("k=a\\\n\xFF\\\nb\nl=v\n"), "4(l|v) 2! "},
        {TEXT("k=a\\\n b\nnothing\nl=c\\\nd\nm\\\nn\n"), "1(k|a  b) 4(l|c d) 3! 6! "},
};

static void test_rows(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *found = lex(rows[i].text, rows[i].len);

                if (!streq(found, rows[i].expected))
                        fail_msg("row %zu:\n%s\nexpected: %s\nis:       %s", i, rows[i].text, rows[i].expected, found);
                free(found);
        }
}

static void test_long_lines(void **state) {
        size_t len = UNIT_LINE_MAX + 100;
        char *text = xmalloc(len + 1), *found;

        memset(text, 'x', len);
        memcpy(text, "k=", 2);
        memcpy(text + len - 5, "\nl=v\n", 5);
        found = lex(text, len);
        assert_string_equal(found, "2(l|v) 1! ");
        free(found);

        /* The sum of the parts counts; the message is at the first. */
        memcpy(text, "\nk=", 3);
        memcpy(text + len / 2, "\\\n", 2);
        found = lex(text, len);
        assert_string_equal(found, "4(l|v) 2! ");
        free(found);
        free(text);
}

static void test_messages(void **state) {
        static const char text[] = "no assignment\n[open\nk=\xFF\n";
        struct diagnostics diagnostics = {0};
        struct unit_lexer lexer;
        struct unit_token token;

        unit_lexer_init(&lexer, "a.job", text, strlen(text), &diagnostics);
        while (unit_lexer_next(&lexer, &token))
                continue;
        unit_lexer_done(&lexer);
        assert_int_equal(diagnostics.n_errors, 3);
        assert_string_equal(diagnostics.items[0].text, "\"no assignment\" has no \"=\"; write Key=value");
        assert_string_equal(diagnostics.items[1].text,
                            "\"[open\" is no section header; write [Name] alone on its line");
        assert_string_equal(diagnostics.items[2].text, "the line has invalid UTF-8; save the file as UTF-8");
        diagnostics_done(&diagnostics);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_long_lines),
                cmocka_unit_test(test_messages),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
