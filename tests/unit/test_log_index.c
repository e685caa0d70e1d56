#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fileutil.h"
#include "log_index.h"
#include "xalloc.h"

#define RECORD 40

static int make_folder(void **state) {
        char *folder = xstrdup("/tmp/test_log_index.XXXXXX");

        assert_non_null(mkdtemp(folder));
        *state = folder;
        return 0;
}

static int remove_folder(void **state) {
        (void)remove_tree(*state);
        free(*state);
        return 0;
}

/* n entries of ten lines, by turns of the attempts 1 and 2. */
static void fill(const char *folder, unsigned n) {
        struct log_index *index;
        uint64_t next;

        assert_int_equal(log_index_open(&index, folder, &next), 0);
        for (unsigned i = 0; i < n; i++) {
                uint64_t offset = 100 * (uint64_t)(i / 2);
                struct log_index_entry entry = {
                        .first = next, .offset = offset, .end = offset + 100, .count = 10, .ordinal = 1 + i % 2};
                assert_int_equal(log_index_append(index, &entry), 0);
                next += entry.count;
        }
        (void)log_index_close(index);
}

struct seen {
        unsigned n;
        uint64_t first, last;
        unsigned stop_after;
};

static int note(const struct log_index_entry *entry, void *user) {
        struct seen *seen = user;

        if (seen->n++ == 0)
                seen->first = entry->first;
        else
                assert_true(entry->first > seen->last);
        seen->last = entry->first;
        return seen->n == seen->stop_after ? 42 : 0;
}

static void damage(const char *folder, off_t offset, size_t len) {
        char *path = path_join(folder, "sequence");
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        char *zeros = xcalloc(1, len);

        assert_int_equal(pwrite_all(fd, zeros, len, offset), 0);
        (void)close(fd);
        free(zeros);
        free(path);
}

static void test_numbers_go_on(void **state) {
        struct log_index *index;
        uint64_t next = 0;

        assert_int_equal(log_index_open(&index, *state, &next), 0);
        assert_true(next == 1);
        (void)log_index_close(index);
        fill(*state, 5);
        assert_int_equal(log_index_open(&index, *state, &next), 0);
        assert_true(next == 51);
        (void)log_index_close(index);
        next = 0;
        assert_int_equal(log_index_next(*state, &next), 0);
        assert_true(next == 51);
}

static void test_bad_entries(void **state) {
        const struct log_index_entry none = {.first = 11, .count = 0}, earlier = {.first = 10, .count = 1},
                                     backwards = {.first = 11, .count = 1, .offset = 2, .end = 1};
        struct log_index *index;
        uint64_t next;

        fill(*state, 1);
        assert_int_equal(log_index_open(&index, *state, &next), 0);
        assert_int_equal(log_index_append(index, &none), -EINVAL);
        assert_int_equal(log_index_append(index, &earlier), -EINVAL);
        assert_int_equal(log_index_append(index, &backwards), -EINVAL);
        (void)log_index_close(index);
}

static void test_torn_record_is_cut(void **state) {
        struct log_index *index;
        struct stat st;
        uint64_t next;
        char *path = path_join(*state, "sequence");

        for (off_t torn = 1; torn < RECORD; torn += 13) {
                (void)unlink(path);
                fill(*state, 4);
                assert_int_equal(truncate(path, 3 * RECORD + torn), 0);
                assert_int_equal(log_index_next(*state, &next), 0);
                assert_true(next == 31);
                assert_int_equal(log_index_open(&index, *state, &next), 0);
                assert_true(next == 31);
                assert_int_equal(stat(path, &st), 0);
                assert_int_equal(st.st_size, 3 * RECORD);
                (void)log_index_close(index);
        }
        free(path);
}

/* As a power cut leaves it: the size is there, the bytes are not. */
static void test_zeros_at_the_end(void **state) {
        struct seen seen = {0};
        struct log_index *index;
        uint64_t next;

        fill(*state, 6);
        damage(*state, 4 * RECORD, 2 * RECORD);
        assert_int_equal(log_index_scan(*state, 1, note, &seen), 0);
        assert_int_equal(seen.n, 4);
        assert_int_equal(log_index_open(&index, *state, &next), 0);
        assert_true(next == 41);
        (void)log_index_close(index);
}

static void test_scan_from_anywhere(void **state) {
        fill(*state, 1000);
        for (uint64_t from = 1; from <= 10000; from += 37) {
                struct seen seen = {0};
                assert_int_equal(log_index_scan(*state, from, note, &seen), 0);
                assert_true(seen.first <= from && from < seen.first + 10);
                assert_true(seen.last == 9991);
        }
        struct seen behind = {0}, stopped = {.stop_after = 3};
        assert_int_equal(log_index_scan(*state, 10001, note, &behind), 0);
        assert_int_equal(behind.n, 0);
        assert_int_equal(log_index_scan(*state, 5, note, &stopped), 42);
        assert_int_equal(stopped.n, 3);
}

/* A hole costs its own entries and no others, wherever the search meets it. */
static void test_scan_around_a_hole(void **state) {
        fill(*state, 300);
        damage(*state, 150 * RECORD, RECORD);
        for (uint64_t from = 1; from <= 3000; from += 7) {
                struct seen seen = {0};
                assert_int_equal(log_index_scan(*state, from, note, &seen), 0);
                if (from > 1500 && from <= 1510)
                        assert_true(seen.first == 1511);
                else
                        assert_true(seen.first <= from && from < seen.first + 10);
                assert_true(seen.last == 2991);
        }
}

static void test_resume_offsets(void **state) {
        uint64_t offset = 99;

        assert_int_equal(log_index_resume_offset(*state, 1, &offset), 0);
        assert_true(offset == 0);
        fill(*state, 301);
        assert_int_equal(log_index_resume_offset(*state, 1, &offset), 0);
        assert_true(offset == 15100);
        assert_int_equal(log_index_resume_offset(*state, 2, &offset), 0);
        assert_true(offset == 15000);
        assert_int_equal(log_index_resume_offset(*state, 3, &offset), 0);
        assert_true(offset == 0);
}

static void test_no_index(void **state) {
        struct seen seen = {0};
        uint64_t next = 0;

        assert_int_equal(log_index_scan(*state, 1, note, &seen), 0);
        assert_int_equal(seen.n, 0);
        assert_int_equal(log_index_next(*state, &next), 0);
        assert_true(next == 1);
}

static void check_name(char *name, const char *expected) {
        assert_string_equal(name, expected);
        free(name);
}

static void test_names(void **state) {
        char step[65] = {0}, item[400] = {0};

        check_name(log_file_name(1, "schedule", "", 1), "01-schedule.1.log");
        check_name(log_file_name(12, "schedule", NULL, 3), "12-schedule.3.log");
        check_name(log_file_name(2, "load", "team/../x", 1), "02-load.team%2F..%2Fx.1.log");
        memset(step, 's', sizeof(step) - 1);
        memset(item, 'i', sizeof(item) - 1);
        char *name = log_file_name(100, step, item, 1000);
        assert_true(strlen(name) <= 255);
        free(name);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_FOLDER(test_numbers_go_on),      WITH_FOLDER(test_bad_entries),
                WITH_FOLDER(test_torn_record_is_cut), WITH_FOLDER(test_zeros_at_the_end),
                WITH_FOLDER(test_scan_from_anywhere), WITH_FOLDER(test_scan_around_a_hole),
                WITH_FOLDER(test_resume_offsets),     WITH_FOLDER(test_no_index),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
