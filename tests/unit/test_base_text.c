/* Strings, UTF-8, vectors and buffers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "strutil.h"
#include "strv.h"
#include "unit.h"
#include "utf8.h"
#include "xalloc.h"

static void numbers_are_whole_and_in_range(void **state) {
        static const struct {
                const char *text;
                int code;
                int64_t value;
        } cases[] = {
                {"0", 0, 0},
                {"-9223372036854775808", 0, INT64_MIN},
                {"9223372036854775807", 0, INT64_MAX},
                {"9223372036854775808", -ERANGE, 0},
                {"", -EINVAL, 0},
                {" 1", -EINVAL, 0},
                {"1 ", -EINVAL, 0},
                {"1x", -EINVAL, 0},
                {"0x10", -EINVAL, 0},
                {"-", -EINVAL, 0},
                {"+7", 0, 7},
        };
        int64_t value;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                value = 99;
                assert_int_equal(parse_int64(cases[i].text, &value), cases[i].code);
                assert_int_equal(value, cases[i].code == 0 ? cases[i].value : 99);
        }
        assert_int_equal(parse_int64_range("19", 1, 18, &value), -ERANGE);
        assert_int_equal(parse_int64_range("18", 1, 18, &value), 0);
}

static void fractions_are_decimal(void **state) {
        double value;

        (void)state;
        assert_int_equal(parse_double("0.87", &value), 0);
        assert_true(value > 0.869 && value < 0.871);
        assert_int_equal(parse_double("1e3", &value), 0);
        assert_true(value > 999.0 && value < 1001.0);
        for (const char *const *bad = (const char *const[]){"inf", "nan", "0x1p3", "1,5", ".", "1e", "", "1.2.3", NULL};
             *bad; bad++)
                assert_int_equal(parse_double(*bad, &value), -EINVAL);
}

static void sizes_have_suffixes(void **state) {
        uint64_t value;

        (void)state;
        assert_int_equal(parse_size("512M", &value), 0);
        assert_true(value == 512ULL << 20);
        assert_int_equal(parse_size("99999999T", &value), -ERANGE);
        assert_int_equal(parse_size("5X", &value), -EINVAL);
        assert_int_equal(parse_size("5MB", &value), -EINVAL);
}

static void booleans_are_systemds(void **state) {
        (void)state;
        assert_int_equal(parse_boolean("Yes"), 1);
        assert_int_equal(parse_boolean("off"), 0);
        assert_int_equal(parse_boolean("maybe"), -EINVAL);
}

static void names_are_checked_and_suggested(void **state) {
        static const char *const known[] = {"TimeoutSec", "Retries", "RetryDelaySec", NULL};

        (void)state;
        assert_true(name_is_valid("weekly_update"));
        assert_false(name_is_valid("../etc"));
        assert_false(name_is_valid(".hidden"));
        assert_false(name_is_valid("a b"));
        assert_false(name_is_valid(""));
        assert_string_equal(nearest_name("TimoutSec", known), "TimeoutSec");
        assert_string_equal(nearest_name("retries", known), "Retries");
        assert_null(nearest_name("Nice", known));
}

static void invalid_utf8_is_told_apart(void **state) {
        static const struct {
                const char *bytes;
                size_t len;
                bool valid;
        } cases[] = {
                {"plain", 5, true},
                {"gr\xc3\xbc\xc3\x9f", 6, true},
                {"\xf0\x9f\x8f\x88", 4, true},
                {"\xc0\x80", 2, false},         /* overlong */
                {"\xed\xa0\x80", 3, false},     /* surrogate */
                {"\xf4\x90\x80\x80", 4, false}, /* above U+10FFFF */
                {"\xe2\x82", 2, false},         /* cut off */
                {"\x80", 1, false},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(utf8_is_valid(cases[i].bytes, cases[i].len), cases[i].valid);
}

static void foreign_bytes_are_shown_as_hex(void **state) {
        _cleanup_free_ char *text = utf8_escape("a\xff\x00z\xc3\xa9", 6, 100);
        _cleanup_free_ char *cut = utf8_escape("ab\xc3\xa9", 4, 3);

        (void)state;
        assert_string_equal(text, "a\\xff\\x00z\xc3\xa9");
        assert_string_equal(cut, "ab");
}

static void width_counts_columns(void **state) {
        (void)state;
        assert_int_equal(utf8_width("abc"), 3);
        assert_int_equal(utf8_width("gr\xc3\xbc\xc3\x9f"), 4);
        assert_int_equal(utf8_width("\xe6\x97\xa5\xe6\x9c\xac"), 4);
}

static void buffers_keep_their_cap(void **state) {
        struct buf buf = BUF_INIT(10);
        _cleanup_free_ char *text = NULL;

        (void)state;
        assert_int_equal(buf_append_str(&buf, "12345"), 0);
        assert_int_equal(buf_append_str(&buf, "678901"), -E2BIG);
        assert_string_equal(buf_data(&buf), "12345");
        buf_consume(&buf, 3);
        assert_int_equal(buf_appendf(&buf, "%s", "abcdefgh"), 0);
        assert_string_equal(buf_data(&buf), "45abcdefgh");
        assert_null(buf_reserve(&buf, 1));
        text = buf_steal(&buf);
        assert_string_equal(text, "45abcdefgh");
        assert_int_equal(buf.len, 0);
}

/* Against a model: the same operations on a plain string. */
static void buffers_are_queues(void **state) {
        struct buf buf = BUF_INIT(4096);
        char model[4097] = "";
        size_t len = 0;

        (void)state;
        srandom(7);
        for (int i = 0; i < 20000; i++) {
                char piece[64];
                size_t n = (size_t)random() % sizeof(piece);

                if (random() % 2) {
                        memset(piece, 'a' + (int)(random() % 26), n);
                        if (buf_append(&buf, piece, n) == 0) {
                                memcpy(model + len, piece, n);
                                len += n;
                        } else {
                                assert_true(len + n > 4096);
                        }
                } else {
                        n = n > len ? len : n;
                        buf_consume(&buf, n);
                        memmove(model, model + n, len - n);
                        len -= n;
                }
                assert_int_equal(buf.len, len);
                assert_memory_equal(buf_data(&buf), model, len);
        }
        buf_done(&buf);
}

static void vectors_split_and_join(void **state) {
        _cleanup_strv_ char **vector = strv_split("  a b\tc ", " \t");
        _cleanup_free_ char *text = strv_join(vector, "+");

        (void)state;
        assert_int_equal(strv_length(vector), 3);
        assert_string_equal(text, "a+b+c");
        assert_true(strv_contains(vector, "b"));
        assert_null(strv_split("   ", " "));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_are_whole_and_in_range),
                cmocka_unit_test(fractions_are_decimal),
                cmocka_unit_test(sizes_have_suffixes),
                cmocka_unit_test(booleans_are_systemds),
                cmocka_unit_test(names_are_checked_and_suggested),
                cmocka_unit_test(invalid_utf8_is_told_apart),
                cmocka_unit_test(foreign_bytes_are_shown_as_hex),
                cmocka_unit_test(width_counts_columns),
                cmocka_unit_test(buffers_keep_their_cap),
                cmocka_unit_test(buffers_are_queues),
                cmocka_unit_test(vectors_split_and_join),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
