/* The worker's JSON reader: what it takes, what it refuses, and the text numbers of the API. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "macro.h"
#include "xalloc.h"

struct parsed {
        char *text;
        struct json_doc doc;
        int result;
        char *error;
};

static struct parsed parse(const char *text) {
        struct parsed parsed = {.text = xstrdup(text)};
        parsed.result = json_parse(parsed.text, strlen(text), &parsed.doc, &parsed.error);
        return parsed;
}

static void release(struct parsed *parsed) {
        json_done(&parsed->doc);
        free(parsed->text);
        free(parsed->error);
}

static void test_tree(void **state) {
        struct parsed p = parse(" {\"a\": [1, {\"x\": null}, \"two\"], \"b\": {}, \"c\": true , \"d\":[]} ");
        assert_int_equal(p.result, 0);
        const struct json_node *root = p.doc.nodes;
        assert_int_equal(root->length, 4);
        const struct json_node *list = json_member(root, "a");
        assert_true(json_is(list, JSON_ARRAY));
        assert_int_equal(list->length, 3);
        const enum json_type expected[] = {JSON_NUMBER, JSON_OBJECT, JSON_STRING};
        size_t n = 0;
        JSON_FOREACH(node, list)
        assert_int_equal(node->type, expected[n++]);
        assert_int_equal(n, 3);
        n = 0;
        JSON_FOREACH(key, root)
        assert_int_equal(key->text[0], "abcd"[n++]);
        assert_int_equal(n, 4);
        assert_true(json_is_nothing(json_member(root, "b")));
        assert_true(json_is_nothing(json_member(root, "d")));
        assert_true(json_is_nothing(json_member(root, "missing")));
        assert_false(json_is_nothing(json_member(root, "c")));
        assert_null(json_member(list, "a"));
        release(&p);
}

static void test_strings(void **state) {
        struct parsed p = parse("[\"\\u00e9\\ud83c\\udfc8\\n\\\"\\\\\\/\", \"\xc3\xa9\"]");
        assert_int_equal(p.result, 0);
        assert_string_equal(json_text(p.doc.nodes + 1), "\xc3\xa9\xf0\x9f\x8f\x88\n\"\\/");
        assert_string_equal(json_text(p.doc.nodes + 2), "\xc3\xa9");
        release(&p);
        /* Plain text before, between and behind escapes. */
        p = parse("[\"ab\\tcd\\u00e9 ef\xc3\xa9\", \"\"]");
        assert_int_equal(p.result, 0);
        assert_string_equal(json_text(p.doc.nodes + 1), "ab\tcd\xc3\xa9 ef\xc3\xa9");
        assert_int_equal(p.doc.nodes[1].length, 12);
        assert_string_equal(json_text(p.doc.nodes + 2), "");
        release(&p);
}

static void test_refused(void **state) {
        static const char *const texts[] = {
                "",           " ",           "{",           "[1,]",      "{\"a\":}",  "{\"a\" 1}",
                "{a:1}",      "[1 2]",       "nul",         "01",        "-",         "1.",
                "1e",         "\"abc",       "\"\\x\"",     "\"\\u12\"", "[1] x",     "\"\\ud800\"",
                "'a'",        "\"\\udc00\"", "\"\\u0000\"", "\"\xff\"",  "\"a\x80\"", "\"\\n\xc3\"",
                "{\"a\":1,}", "\"a\nb\"",    "<html>",      "+1",        "]",         "\"\\ud800\\u0041\"",
        };
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                struct parsed p = parse(texts[i]);
                if (p.result != -EBADMSG || !p.error || p.doc.nodes)
                        fail_msg("taken or unexplained: %s", texts[i]);
                release(&p);
        }
}

static void test_depth(void **state) {
        char text[201];
        memset(text, '[', 100);
        memset(text + 100, ']', 100);
        text[200] = '\0';
        struct parsed p = parse(text);
        assert_int_equal(p.result, -EBADMSG);
        assert_non_null(strstr(p.error, "deeply"));
        release(&p);
        text[50] = '\0';
        memset(text + 25, ']', 25);
        p = parse(text);
        assert_int_equal(p.result, 0);
        release(&p);
}

static void test_integers(void **state) {
        static const struct {
                const char *text;
                int result;
                int64_t value;
        } rows[] = {
                {"7", 0, 7},
                {"\"7\"", 0, 7},
                {"\"-34\"", 0, -34},
                {"\"+5\"", 0, 5},
                {"\"\"", 0, 99},
                {"null", 0, 99},
                {"{}", 0, 99},
                {"\"1757031600.0\"", 0, 1757031600},
                {"\"0\"", 0, 0},
                {"3.0", 0, 3},
                {"\"1.5\"", -EBADMSG, 0},
                {"\"abc\"", -EBADMSG, 0},
                {"\"-\"", -EBADMSG, 0},
                {"\"1 \"", -EBADMSG, 0},
                {"true", -EBADMSG, 0},
                {"[1]", -EBADMSG, 0},
                {"\"99999999999999999999\"", -EBADMSG, 0},
                {"\".0\"", -EBADMSG, 0},
                {"1e3", -EBADMSG, 0},
        };
        int64_t value;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct parsed p = parse(rows[i].text);
                assert_int_equal(p.result, 0);
                value = -1;
                if (json_integer(p.doc.nodes, 99, &value) != rows[i].result ||
                    (rows[i].result == 0 && value != rows[i].value))
                        fail_msg("%s: %lld", rows[i].text, (long long)value);
                release(&p);
        }
        assert_int_equal(json_integer(NULL, 3, &value), 0);
        assert_int_equal(value, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tree),  cmocka_unit_test(test_strings),  cmocka_unit_test(test_refused),
                cmocka_unit_test(test_depth), cmocka_unit_test(test_integers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
