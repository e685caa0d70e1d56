/* JSON values: strict reading, writing, and bytes that are not text. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "jval.h"
#include "unit.h"
#include "xalloc.h"

static void assert_dump(struct jval *value, const char *expected) {
        _cleanup_jval_ struct jval *owned = value;
        _cleanup_free_ char *text = jval_dump(owned);

        assert_string_equal(text, expected);
}

static struct jval *parsed(const char *text) {
        _cleanup_free_ char *error = NULL;
        struct jval *value = NULL;

        if (jval_parse(text, strlen(text), &value, &error) < 0)
                fail_msg("%s: %s", text, error);
        return value;
}

static void what_is_written_is_read_again(void **state) {
        static const char *const texts[] = {
                "null",
                "true",
                "false",
                "0",
                "-9223372036854775808",
                "9223372036854775807",
                "1.5",
                "-1e+300",
                "\"\"",
                "\"é…😀\"",
                "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\"",
                "[]",
                "{}",
                "[[[1]],{\"b\":1,\"a\":[null]}]",
                "{\"z\":1,\"y\":2,\"x\":3}",
                "0.1",
                "12345678.5",
        };

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                assert_dump(parsed(texts[i]), texts[i]);
        assert_dump(parsed(" [ 1 , 2 ] "), "[1,2]");
        assert_dump(parsed("\"\\u00e9\\ud83d\\ude00\""), "\"é😀\"");
        assert_dump(parsed("1.0"), "1.0");
}

static void assert_refused(const char *text, size_t len, const char *words) {
        _cleanup_free_ char *error = NULL;
        struct jval *untouched = (struct jval *)(uintptr_t)1, *value = untouched;

        if (jval_parse(text, len, &value, &error) != -EINVAL)
                fail_msg("'%.*s' is taken", (int)len, text);
        assert_ptr_equal(value, untouched);
        assert_non_null(error);
        if (!strstr(error, words))
                fail_msg("'%s' is not in '%s'", words, error);
        assert_int_equal(jval_parse(text, len, &value, NULL), -EINVAL);
}

static void what_is_not_strict_json_is_refused(void **state) {
        static const struct {
                const char *text, *words;
        } cases[] = {
                {"", "empty"},
                {"{\"a\":1,\"a\":2}", "duplicate"},
                {"{\"a\":1,}", "line 1"},
                {"['a']", "line 1"},
                {"[1] 2", "end of file expected"},
                {"[1", "line 1"},
                {"[01]", "line 1"},
                {"[NaN]", "line 1"},
                {"[9223372036854775808]", "too big integer"},
                {"[1e999]", "overflow"},
                {"\"\xff\"", "0xff"},
                {"\"\xc0\x80\"", "0xc0"},
                {"\"\xed\xa0\x80\"", "line 1"},
                {"\"\\ud800\"", "line 1"},
                {"\"\\u0000\"", "\\u0000 is not allowed"},
                {"\"a\nb\"", "line 1"},
                {"// x\n1", "line 1"},
                {"{\n\"a\": x}", "line 2, column 6"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_refused(cases[i].text, strlen(cases[i].text), cases[i].words);
        assert_refused("1\0", 2, "column 2: a NUL byte");
        assert_refused("[1]\0x", 5, "column 4: a NUL byte");
}

static void nesting_has_a_limit(void **state) {
        char text[2 * 129 + 1];
        struct jval *value = NULL;

        memset(text, '[', 129);
        memset(text + 129, ']', 129);
        assert_refused(text, 258, "128 levels");
        assert_int_equal(jval_parse(text + 1, 256, &value, NULL), 0);
        jval_unref(value);
        /* brackets within strings are text */
        memset(text, '[', sizeof(text));
        text[0] = text[250] = '"';
        assert_int_equal(jval_parse(text, 251, &value, NULL), 0);
        jval_unref(value);
}

static void foreign_bytes_become_text(void **state) {
        assert_dump(jval_stringn("a\xff\0b\xe2\x82", 6), "\"a\\\\xff\\\\x00b\\\\xe2\\\\x82\"");
        assert_dump(jval_string(NULL), "null");
        struct jval *object = jval_object();
        jval_set_str(object, "k\xff", "v\x80");
        assert_dump(object, "{\"k\\\\xff\":\"v\\\\x80\"}");
        assert_dump(jval_real(INFINITY), "null");
        assert_dump(jval_real(NAN), "null");
}

/* json_append_string against the writer of values, for every length of plain run before and behind a special byte. */
static void strings_are_escaped_at_every_offset(void **state) {
        for (int c = 0; c < 256; c++)
                for (size_t before = 0; before < 18; before++) {
                        _cleanup_buf_ struct buf buf = BUF_INIT(1000);
                        _cleanup_jval_ struct jval *again = NULL, *direct = NULL;
                        char text[40];

                        memset(text, 'x', sizeof(text));
                        text[before] = (char)c;
                        assert_int_equal(json_append_string(&buf, text, before + 10), 0);
                        assert_int_equal(jval_parse(buf_data(&buf), buf.len, &again, NULL), 0);
                        direct = jval_stringn(text, before + 10);
                        assert_true(jval_equal(again, direct));
                        if (c >= 0x20 && c < 0x80) {
                                assert_int_equal(strlen(jval_str(again)), before + 10);
                                assert_memory_equal(jval_str(again), text, before + 10);
                        }
                }
}

static void a_full_buffer_stays_as_it_was(void **state) {
        _cleanup_jval_ struct jval *value = parsed("{\"a\":[1,2,3],\"b\":\"cdefgh\"}");

        for (size_t max = 3; max < 40; max++) {
                _cleanup_buf_ struct buf buf = BUF_INIT(max);
                (void)buf_append(&buf, "abc", 3);
                int r = jval_append(value, &buf);
                assert_int_equal(r, max < 3 + 26 ? -E2BIG : 0);
                if (r < 0)
                        assert_string_equal(buf_data(&buf), "abc");
                buf_clear(&buf);
                (void)buf_append(&buf, "abc", 3);
                r = json_append_string(&buf, "12\n4567890", 10);
                assert_int_equal(r, max < 3 + 13 ? -E2BIG : 0);
                if (r < 0)
                        assert_string_equal(buf_data(&buf), "abc");
        }
}

static void members_that_are_missing_give_the_default(void **state) {
        _cleanup_jval_ struct jval *object = parsed("{\"s\":\"x\",\"i\":7,\"r\":1.5,\"b\":true,\"n\":null,\"a\":[1]}");

        assert_string_equal(jval_get_str(object, "s"), "x");
        assert_null(jval_get_str(object, "i"));
        assert_null(jval_get_str(NULL, "s"));
        assert_int_equal(jval_get_int(object, "i", 1), 7);
        assert_int_equal(jval_get_int(object, "r", 1), 1);
        assert_int_equal(jval_get_int(object, "missing", 1), 1);
        assert_true(jval_get_real(object, "i", 0) == 7.0);
        assert_true(jval_get_real(object, "r", 0) == 1.5);
        assert_true(jval_get_bool(object, "b", false));
        assert_false(jval_get_bool(object, "i", false));
        assert_int_equal(jval_type_of(jval_get(object, "n")), JVAL_NULL);
        assert_int_equal(jval_type_of(NULL), JVAL_NULL);
        assert_int_equal(jval_array_size(jval_get(object, "a")), 1);
        assert_int_equal(jval_array_size(object), 0);
        assert_null(jval_at(jval_get(object, "a"), 1));
        assert_int_equal(jval_object_size(object), 6);
}

static void times_and_order_and_indentation(void **state) {
        _cleanup_jval_ struct jval *object = jval_object(), *copy = NULL;

        jval_set_time(object, "z", 1790000000 * USEC_PER_SEC + 5);
        jval_set_time(object, "none", 0);
        jval_set(object, "list", jval_array());
        jval_add(jval_get(object, "list"), NULL);
        jval_set_int(object, "a", -5);
        _cleanup_free_ char *pretty = jval_dump_pretty(object);
        assert_string_equal(pretty, "{\n  \"z\": \"2026-09-21T14:13:20.000005Z\",\n  \"none\": null,\n  \"list\": [\n  "
                                    "  null\n  ],\n  \"a\": -5\n}");
        copy = jval_deep_copy(object);
        assert_true(jval_equal(copy, object));
        jval_remove(copy, "a");
        assert_false(jval_equal(copy, object));
        size_t n = 0;
        static const char *const keys[] = {"z", "none", "list", "a"};
        for (void *i = jval_iter(object); i; i = jval_iter_next(object, i))
                assert_string_equal(jval_iter_key(i), keys[n++]);
        assert_int_equal(n, 4);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_written_is_read_again),
                cmocka_unit_test(what_is_not_strict_json_is_refused),
                cmocka_unit_test(nesting_has_a_limit),
                cmocka_unit_test(foreign_bytes_become_text),
                cmocka_unit_test(strings_are_escaped_at_every_offset),
                cmocka_unit_test(a_full_buffer_stays_as_it_was),
                cmocka_unit_test(members_that_are_missing_give_the_default),
                cmocka_unit_test(times_and_order_and_indentation),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
