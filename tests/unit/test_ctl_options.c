/* Command-line options from a table. */
#include <errno.h>
#include <string.h>

#include "options.h"
#include "strv.h"
#include "timeutil.h"
#include "unit.h"
#include "verb.h"

struct target {
        bool flag;
        bool other;
        const char *text;
        char **texts;
        int64_t number;
        usec_t span;
};

static const char *const words[] = {"red", "green", NULL};

#define MEMBER(member) .offset = offsetof(struct target, member)
static const struct option_row rows[] = {
        {.letter = 'f', .name = "flag", .kind = OPTION_FLAG, MEMBER(flag)},
        {.letter = 'o', .name = "other", .kind = OPTION_FLAG, MEMBER(other)},
        {.letter = 't', .name = "text", .value = "T", .kind = OPTION_STRING, MEMBER(text)},
        {.name = "word", .value = "W", .kind = OPTION_STRING, .words = words, MEMBER(text)},
        {.letter = 's', .name = "strings", .value = "S", .kind = OPTION_STRINGS, MEMBER(texts)},
        {.letter = 'n',
         .name = "number",
         .value = "N",
         .kind = OPTION_INTEGER,
         .minimum = -5,
         .maximum = 10,
         MEMBER(number)},
        {.name = "span", .value = "SPAN", .kind = OPTION_SPAN, MEMBER(span)},
        {0},
};

struct parsed {
        struct target target;
        struct global_options global;
        char **arguments;
        char *error;
        int used;
        int r;
};

static void parse(struct parsed *p, bool stop, const char *const *argv) {
        int argc = (int)strv_length((char *const *)(uintptr_t)argv);

        *p = (struct parsed){0};
        struct option_target targets[2] = {{rows, &p->target}, {global_rows, &p->global}};
        p->r = options_parse(targets, "test", argc, (char **)(uintptr_t)argv, stop, &p->arguments, &p->used, &p->error);
}

static void done(struct parsed *p) {
        struct option_target target = {rows, &p->target};

        options_free(&target);
        free(p->arguments);
        free(p->error);
}

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static void every_spelling_is_taken(void **state) {
        struct parsed p;

        parse(&p, false,
              ARGV("a", "-fo", "--text=x=y", "b", "-s", "1", "-s2", "--strings", "3", "-n-5", "--span", "1min 30s",
                   "--", "-f", "-o", "json"));
        assert_int_equal(p.r, 0);
        assert_true(p.target.flag && p.target.other);
        assert_string_equal(p.target.text, "x=y");
        _cleanup_free_ char *strings = strv_join(p.target.texts, ","), *arguments = strv_join(p.arguments, ",");
        assert_string_equal(strings, "1,2,3");
        assert_string_equal(arguments, "a,b,-f,-o,json");
        assert_int_equal(p.target.number, -5);
        assert_int_equal(p.target.span, 90 * USEC_PER_SEC);
        done(&p);
}

static void the_first_table_wins_and_the_last_value(void **state) {
        struct parsed p;

        parse(&p, false, ARGV("-o", "--output", "json", "--text=1", "-t", "2", "-", "--utc"));
        assert_int_equal(p.r, 0);
        assert_true(p.target.other && p.global.utc);
        assert_string_equal(p.global.output, "json");
        assert_string_equal(p.target.text, "2");
        assert_string_equal(p.arguments[0], "-");
        done(&p);
        parse(&p, true, ARGV("--utc", "verb", "--nonsense"));
        assert_int_equal(p.r, 0);
        assert_int_equal(p.used, 1);
        done(&p);
        parse(&p, true, ARGV("--utc"));
        assert_int_equal(p.used, 1);
        assert_null(p.arguments[0]);
        done(&p);
}

static void mistakes_are_named(void **state) {
        static const struct {
                const char *argv[2];
                const char *words;
        } cases[] = {
                {{"--flg", NULL}, "test has no option --flg; did you mean --flag?"},
                {{"--zzzzzz", NULL}, "--help lists them"},
                {{"-z", NULL}, "no option -z"},
                {{"-fz", NULL}, "no option -z"},
                {{"--flag=1", NULL}, "--flag takes no value"},
                {{"--text", NULL}, "--text needs a value: --text=T"},
                {{"-t", NULL}, "--text needs a value"},
                {{"--word", "blue"}, "--word takes one of red, green, not 'blue'"},
                {{"-n", "11"}, "--number takes a number from -5 to 10, not '11'"},
                {{"-n", "x"}, "not 'x'"},
                {{"--span", "1 fortnight"}, "a time span such as"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct parsed p;
                const char *const argv[] = {cases[i].argv[0], cases[i].argv[1], NULL};

                parse(&p, false, argv);
                assert_int_equal(p.r, -EINVAL);
                if (!strstr(p.error, cases[i].words))
                        fail_msg("'%s' is not in '%s'", cases[i].words, p.error);
                done(&p);
        }
}

/* No command has an option that another table hides, two rows with one letter, or a row without help. */
static void the_tables_are_sound(void **state) {
        for (const struct verb *const *v = verbs; *v; v++) {
                assert_non_null((*v)->summary);
                assert_non_null((*v)->examples);
                assert_non_null((*v)->run);
                assert_ptr_equal(verb_find((*v)->name), *v);
                for (const struct option_row *a = (*v)->options; a && a->name; a++) {
                        assert_non_null(a->help);
                        assert_null(options_find(global_rows, a->name));
                        assert_true(a->kind == OPTION_FLAG || a->kind == OPTION_HANDLER || a->value != NULL);
                        assert_true(a->offset < (*v)->options_size);
                        for (const struct option_row *b = a + 1; b->name; b++) {
                                assert_string_not_equal(a->name, b->name);
                                assert_true(a->letter == 0 || a->letter != b->letter);
                        }
                        for (const struct option_row *g = global_rows; g->name; g++)
                                assert_true(a->letter == 0 || a->letter != g->letter);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_spelling_is_taken),
                cmocka_unit_test(the_first_table_wins_and_the_last_value),
                cmocka_unit_test(mistakes_are_named),
                cmocka_unit_test(the_tables_are_sound),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
