/* Tables, durations and the progress line: their layout, to the column. */
#include <string.h>

#include "jval.h"
#include "macro.h"
#include "progress.h"
#include "table.h"
#include "text.h"
#include "unit.h"
#include "utf8.h"

static const struct term plain = {.columns = 80, .rows = 24, .unicode = true};
static const struct term narrow = {.columns = 30, .rows = 24, .is_terminal = true, .unicode = true};
static const struct term ascii = {.columns = 30, .rows = 24, .is_terminal = true};
static const struct term coloured = {.columns = 80, .rows = 24, .is_terminal = true, .colours = true, .unicode = true};

static const struct table_column columns[] = {
        {.title = "N", .right = true}, {.title = "NAME"}, {.title = "EMPTY"}, {.title = "TEXT", .flexible = true}};

static void assert_table(const struct term *term, const char *expected) {
        _cleanup_table_ struct table table;
        _cleanup_buf_ struct buf out = BUF_INIT(4096);

        table_init(&table, columns, ELEMENTSOF(columns));
        table_add(&table, STYLE_PLAIN, "1");
        table_add(&table, STYLE_BOLD, "größer");
        table_add(&table, STYLE_PLAIN, NULL);
        table_add(&table, STYLE_PLAIN, "a text that is long\tand\x1b[2J wide");
        table_addf(&table, STYLE_PLAIN, "%d", 1234);
        table_add(&table, STYLE_PLAIN, "日本");
        table_add(&table, STYLE_PLAIN, "");
        table_add(&table, STYLE_PLAIN, "");
        table_render(&table, term, 1, &out);
        assert_string_equal(buf_data(&out), expected);
}

static void columns_are_aligned_and_empty_ones_left_out(void **state) {
        assert_table(&plain, "    N  NAME    TEXT\n"
                             "    1  größer  a text that is long and\\x1b[2J wide\n"
                             " 1234  日本\n");
        assert_table(&narrow, "    N  NAME    TEXT\n"
                              "    1  größer  a text that is…\n"
                              " 1234  日本\n");
        assert_table(&ascii, "    N  NAME    TEXT\n"
                             "    1  größer  a text that ...\n"
                             " 1234  日本\n");
        assert_table(&coloured, "    \033[1mN\033[0m  \033[1mNAME\033[0m    \033[1mTEXT\033[0m\n"
                                "    1  \033[1mgrößer\033[0m  a text that is long and\\x1b[2J wide\n"
                                " 1234  日本\n");
}

static void what_is_optional_makes_room(void **state) {
        static const struct table_column some[] = {{.title = "A"},
                                                   {.title = "BBBBBBBBBB", .optional = true},
                                                   {.title = "CCCC", .optional = true},
                                                   {.title = "TEXT", .flexible = true}};
        static const struct {
                int columns;
                const char *expected;
        } cases[] = {
                {40, "A  BBBBBBBBBB  CCCC  TEXT\na  b           c     long text of words\n"},
                {33, "A  BBBBBBBBBB  CCCC  TEXT\na  b           c     long text o…\n"},
                {32, "A  BBBBBBBBBB  TEXT\na  b           long text of wor…\n"},
                {20, "A  TEXT\na  long text of wor…\n"},
                {15, "A  TEXT\na  long text o…\n"},
                {5, "A\na\n"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_table_ struct table table;
                _cleanup_buf_ struct buf out = BUF_INIT(4096);
                struct term term = {.columns = cases[i].columns, .is_terminal = true, .unicode = true};

                table_init(&table, some, ELEMENTSOF(some));
                table_add(&table, STYLE_PLAIN, "a");
                table_add(&table, STYLE_PLAIN, "b");
                table_add(&table, STYLE_PLAIN, "c");
                table_add(&table, STYLE_PLAIN, "long text of words");
                table_render(&table, &term, 0, &out);
                assert_string_equal(buf_data(&out), cases[i].expected);
        }
}

static void names_are_cut_last_and_never_left_out(void **state) {
        static const struct table_column some[] = {{.title = "N", .right = true},
                                                   {.title = "JOB", .name = true},
                                                   {.title = "STARTED"},
                                                   {.title = "TEXT", .flexible = true}};
        static const struct {
                int columns;
                const char *expected;
        } cases[] = {
                {60,
                 "N  JOB                          STARTED     TEXT\n1  a_job_with_a_name_that_is_l  2026-11-22  long text\n"},
                {50,
                 "N  JOB                       STARTED     TEXT\n1  a_job_with_a_name_that_…  2026-11-22  long text\n"},
                {40, "N  JOB                        STARTED\n1  a_job_with_a_name_that_i…  2026-11-22\n"},
                {30, "N  JOB\n1  a_job_with_a_name_that_is_l\n"},
                {24, "N  JOB\n1  a_job_with_a_name_th…\n"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_table_ struct table table;
                _cleanup_buf_ struct buf out = BUF_INIT(4096);
                struct term term = {.columns = cases[i].columns, .is_terminal = true, .unicode = true};

                table_init(&table, some, ELEMENTSOF(some));
                table_add(&table, STYLE_PLAIN, "1");
                table_add(&table, STYLE_PLAIN, "a_job_with_a_name_that_is_l");
                table_add(&table, STYLE_PLAIN, "2026-11-22");
                table_add(&table, STYLE_PLAIN, "long text");
                table_render(&table, &term, 0, &out);
                assert_string_equal(buf_data(&out), cases[i].expected);
        }
}

static void text_is_wrapped_at_blanks(void **state) {
        struct term wide = {.columns = 44, .is_terminal = true, .unicode = true}, pipe = {.columns = 44};
        _cleanup_buf_ struct buf out = BUF_INIT(4096);

        append_wrapped(&out, &wide, "unknown: ", STYLE_PLAIN, 2, STYLE_PLAIN,
                       "6 players are not in the table players, among them one größer than");
        assert_string_equal(buf_data(&out), "unknown: 6 players are not in the table\n"
                                            "  players, among them one größer than\n");
        buf_clear(&out);
        append_wrapped(&out, &pipe, "unknown: ", STYLE_PLAIN, 2, STYLE_PLAIN,
                       "6 players are not in the table players, and that is one line\x1b");
        assert_string_equal(buf_data(&out),
                            "unknown: 6 players are not in the table players, and that is one line\\x1b\n");
}

static void cuts_never_split_a_character(void **state) {
        for (size_t width = 1; width < 12; width++) {
                _cleanup_buf_ struct buf out = BUF_INIT(4096);
                size_t used = append_cut(&out, &plain, "日本語日本語日本語", width);

                assert_true(used <= MAX(width, (size_t)1));
                assert_int_equal(utf8_width(buf_data(&out)), used);
                assert_true(utf8_is_valid(buf_data(&out), out.len));
        }
}

static void assert_duration(double seconds, const char *expected) {
        char text[TEXT_SIZE];

        assert_string_equal(text_duration(text, seconds), expected);
}

static void durations_and_sizes(void **state) {
        char text[TEXT_SIZE];

        assert_duration(-1, "-");
        assert_duration(0, "0s");
        assert_duration(0.0123, "12ms");
        assert_duration(1.5, "1.5s");
        assert_duration(59.9, "59s");
        assert_duration(320, "5min 20s");
        assert_duration(90061, "1d 1h");
        assert_string_equal(text_bytes(text, 999), "999 bytes");
        assert_string_equal(text_bytes(text, 6291456), "6.3 MB");
        assert_string_equal(text_count(text, 1, "run"), "1 run");
        assert_string_equal(text_count(text, 0, "run"), "0 runs");
}

static void assert_line(const char *state_text, size_t width, const char *expected) {
        _cleanup_jval_ struct jval *state = NULL;
        _cleanup_progress_ struct progress progress = {0};
        _cleanup_buf_ struct buf out = BUF_INIT(4096);

        assert_int_equal(jval_parse(state_text, strlen(state_text), &state, NULL), 0);
        progress_take(&progress, state, 1000 * USEC_PER_SEC);
        progress_append_line(&progress, &ascii, width, 1002 * USEC_PER_SEC + 900000, &out);
        assert_string_equal(buf_data(&out), expected);
}

static void the_progress_line_fits_what_there_is(void **state) {
        static const char text[] = "{\"run_number\":42,\"job\":\"weekly\",\"status\":\"running\",\"elapsed_seconds\":"
                                   "60.2,\"current_step\":\"game_logs\","
                                   "\"current_item\":\"KC\",\"step_done\":3,\"step_total\":15,"
                                   "\"progress\":{\"total\":4,\"completed\":1,\"failed\":0,\"percent\":30.0}}";

        assert_line(text, 120,
                    "weekly #42 ############----------------------------  30%  game_logs KC 3/15  1/4 done  0 failed  "
                    "1min 3s");
        assert_line(text, 80, "weekly #42 #####-----------  30%  game_logs KC 3/15  1/4 done  0 failed  1min 3s");
        assert_line(text, 70, "#####------------  30%  game_logs KC 3/15  1/4 done  0 failed  1min 3s");
        assert_line(text, 55, "  30%  game_logs KC 3/15  1/4 done  0 failed  1min 3s");
        assert_line(text, 45, "  30%  game_l...  1/4 done  0 failed  1min 3s");
}

static void the_flat_form_and_the_waiting_run(void **state) {
        assert_line("{\"run_number\":1,\"job\":\"j\",\"status\":\"queued\",\"total\":2,\"completed\":0,\"failed\":0,"
                    "\"progress_percent\":0.0}",
                    60, "j #1 ------------------   0%  queued  0/2 done  0 failed  0s");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(columns_are_aligned_and_empty_ones_left_out),
                cmocka_unit_test(what_is_optional_makes_room),
                cmocka_unit_test(names_are_cut_last_and_never_left_out),
                cmocka_unit_test(text_is_wrapped_at_blanks),
                cmocka_unit_test(cuts_never_split_a_character),
                cmocka_unit_test(durations_and_sizes),
                cmocka_unit_test(the_progress_line_fits_what_there_is),
                cmocka_unit_test(the_flat_form_and_the_waiting_run),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
