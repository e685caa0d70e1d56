/* Lists of items: what is a name, what is dropped, what is refused, and that a list survives being kept as text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "item_list.h"
#include "macro.h"

static void check_text(const char *text, size_t len, const char *expected, size_t expected_dropped) {
        struct item_list list = {0}, again = {0};
        _cleanup_free_ char *error = NULL, *kept = NULL;
        size_t dropped = 99;

        assert_int_equal(item_list_from_text(&list, text, len, &dropped, &error), 0);
        assert_null(error);
        kept = item_list_to_text(&list);
        assert_string_equal(kept, expected);
        assert_int_equal(dropped, expected_dropped);
        assert_int_equal(item_list_from_text(&again, kept, strlen(kept), &dropped, NULL), 0);
        assert_int_equal(again.n, list.n);
        for (size_t i = 0; i < list.n; i++)
                assert_string_equal(item_list_at(&again, i), item_list_at(&list, i));
        item_list_done(&list);
        item_list_done(&again);
}

static void test_lines_are_items(void **state) {
        static const char text[] = "one\n\n  two words \t\r\none\nthree";

        check_text("", 0, "", 0);
        check_text("\n \n", 3, "", 0);
        check_text(text, strlen(text), "one\ntwo words\nthree\n", 1);
        check_text("a\xc3\xa4\n", 4, "a\xc3\xa4\n", 0);
}

static void check_refused(const char *text, size_t len, int code, const char *word) {
        struct item_list list = {0};
        _cleanup_free_ char *error = NULL;
        size_t dropped;

        assert_int_equal(item_list_from_text(&list, text, len, &dropped, &error), code);
        assert_non_null(strstr(error, word));
        assert_null(list.text);
}

static void test_what_is_no_name_is_refused(void **state) {
        char longest[ITEM_MAX + 2];
        struct item_list list;
        size_t dropped;

        check_refused("a\nb\x01\n", 5, -EINVAL, "line 2 of the list of items (\"b");
        check_refused("a\0b\n", 4, -EINVAL, "line 1");
        check_refused("\xff\n", 2, -EINVAL, "(\"\\xff\")");
        memset(longest, 'x', sizeof(longest));
        check_refused(longest, ITEM_MAX + 1, -EINVAL, "at most 255 bytes");
        assert_int_equal(item_list_from_text(&list, longest, ITEM_MAX, &dropped, NULL), 0);
        item_list_done(&list);
}

static void test_lists_have_an_end(void **state) {
        struct buf text = BUF_INIT(SIZE_MAX / 2);
        struct item_list list;
        size_t dropped, whole;

        for (size_t i = 0; i < ITEMS_MAX; i++)
                (void)buf_appendf(&text, "%zu\n", i);
        whole = text.len;
        assert_int_equal(item_list_from_text(&list, buf_data(&text), whole, &dropped, NULL), 0);
        assert_int_equal(list.n, ITEMS_MAX);
        assert_string_equal(item_list_at(&list, ITEMS_MAX - 1), "99999");
        item_list_done(&list);
        (void)buf_appendf(&text, "5\n");
        assert_int_equal(item_list_from_text(&list, buf_data(&text), text.len, &dropped, NULL), 0);
        assert_int_equal(dropped, 1);
        item_list_done(&list);
        (void)buf_appendf(&text, "one more\n");
        check_refused(buf_data(&text), text.len, -E2BIG, "too long");
        buf_clear(&text);
        for (size_t i = 0; i < 5000; i++)
                (void)buf_appendf(&text, "%0250zu\n", i);
        check_refused(buf_data(&text), text.len, -E2BIG, "1048576 bytes");
        buf_done(&text);
}

static void test_words_are_items(void **state) {
        char a[] = "a", b[] = "b c", none[] = "", c[] = "b\n";
        char *words[] = {a, b, none, a, NULL}, *wrong[] = {a, c, NULL};
        struct item_list list;
        _cleanup_free_ char *error = NULL;
        size_t dropped;

        assert_int_equal(item_list_from_words(&list, words, &dropped, NULL), 0);
        assert_int_equal(list.n, 2);
        assert_int_equal(dropped, 1);
        assert_string_equal(item_list_at(&list, 1), "b c");
        item_list_done(&list);
        assert_int_equal(item_list_from_words(&list, wrong, &dropped, &error), -EINVAL);
        assert_non_null(strstr(error, "word 2"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines_are_items),
                cmocka_unit_test(test_what_is_no_name_is_refused),
                cmocka_unit_test(test_lists_have_an_end),
                cmocka_unit_test(test_words_are_items),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
