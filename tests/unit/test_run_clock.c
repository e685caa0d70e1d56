/* What a restarted daemon measures on from: daemon/engine/run_clock.h. */
#include "run_clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "fileutil.h"
#include "unit.h"

static int make_folder(void **state) {
        char template[] = "/tmp/test_run_clock.XXXXXX";

        *state = strdup(mkdtemp(template));
        return 0;
}

static int remove_folder(void **state) {
        int r = remove_tree(*state);

        free(*state);
        return r;
}

static void append(const char *dir, const char *text) {
        _cleanup_free_ char *path = path_join(dir, "clock");
        _cleanup_close_ int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

        assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

static void test_the_last_note_counts(void **state) {
        assert_int_equal(run_clock_find(*state, RUN_CLOCK_BEGAN), 0);
        assert_int_equal(run_clock_note(*state, RUN_CLOCK_BEGAN, 1000), 0);
        assert_int_equal(run_clock_note(*state, 3, 77), 0);
        assert_int_equal(run_clock_note(*state, 13, 78), 0);
        assert_int_equal(run_clock_note(*state, 3, 79), 0);
        assert_int_equal(run_clock_find(*state, RUN_CLOCK_BEGAN), 1000);
        assert_int_equal(run_clock_find(*state, 3), 79);
        assert_int_equal(run_clock_find(*state, 13), 78);
        assert_int_equal(run_clock_find(*state, 1), 0);
}

static void test_another_boot_says_nothing(void **state) {
        append(*state, "00000000-0000-4000-8000-000000000000 0 1000\n");
        assert_int_equal(run_clock_find(*state, RUN_CLOCK_BEGAN), 0);
        assert_int_equal(run_clock_note(*state, RUN_CLOCK_BEGAN, 2000), 0);
        append(*state, "00000000-0000-4000-8000-000000000000 0 3000\n");
        assert_int_equal(run_clock_find(*state, RUN_CLOCK_BEGAN), 2000);
}

static void test_what_makes_no_sense_is_passed_over(void **state) {
        char boot[37];

        assert_int_equal(boot_id(boot), 0);
        append(*state, "nonsense\n\n");
        assert_int_equal(run_clock_note(*state, 1, 5), 0);
        append(*state, boot);
        append(*state, " 1\n");
        append(*state, boot);
        append(*state, " 1 x\n");
        append(*state, boot);
        append(*state, " 1 99"); /* torn: its end was never written */
        assert_int_equal(run_clock_find(*state, 1), 5);
}

static void test_a_folder_that_is_gone(void **state) {
        assert_true(run_clock_note("/nonexistent", 1, 5) < 0);
        assert_int_equal(run_clock_find("/nonexistent", 1), 0);
        (void)state;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_the_last_note_counts, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_another_boot_says_nothing, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_what_makes_no_sense_is_passed_over, make_folder, remove_folder),
                cmocka_unit_test(test_a_folder_that_is_gone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
