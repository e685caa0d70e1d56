/* Job files read, and read again: what is as it was stays, what is wrong is told each time, and folders with much in
 * them are read in one go. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fileutil.h"
#include "job_registry.h"
#include "strutil.h"
#include "xalloc.h"

#define RUNS_AFTER "[Job]\nAfterJob=%s\n[Step work]\nExec=/bin/true\n"
#define JOB "[Step work]\nExec=/bin/true\n"
#define MANY 500

struct folder {
        char path[32];
        struct job_registry registry;
        struct diagnostics diagnostics; /* of the last reading */
};

static void put(const struct folder *folder, const char *name, const char *text) {
        _cleanup_free_ char *path = path_join(folder->path, name);
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static void put_after(const struct folder *folder, unsigned number, unsigned after) {
        _cleanup_free_ char *name = xasprintf("job%04u.job", number), *other = xasprintf("job%04u", after),
                            *text = xasprintf(RUNS_AFTER, other);

        put(folder, name, text);
}

static void load(struct folder *folder) {
        diagnostics_done(&folder->diagnostics);
        job_registry_load(&folder->registry, &folder->diagnostics);
}

static const struct job *job_of(const struct folder *folder, const char *name) {
        const struct job_entry *entry = job_registry_find(&folder->registry, name);

        assert_non_null(entry);
        return entry->job;
}

static int setup(void **state) {
        struct folder *folder = NEW(struct folder);
        char *folders[2] = {folder->path, NULL};

        (void)snprintf(folder->path, sizeof(folder->path), "/tmp/test-jobs-XXXXXX");
        assert_non_null(mkdtemp(folder->path));
        job_registry_init(&folder->registry, folders);
        *state = folder;
        return 0;
}

static int teardown(void **state) {
        struct folder *folder = *state;

        (void)remove_tree(folder->path);
        diagnostics_done(&folder->diagnostics);
        job_registry_done(&folder->registry);
        free(folder);
        return 0;
}

static void what_is_as_it_was_stays(void **state) {
        struct folder *folder = *state;
        const struct job *same, *edited, *with_dropin;

        put(folder, "same.job", JOB);
        put(folder, "edited.job", JOB);
        put(folder, "with-dropin.job", JOB);
        load(folder);
        same = job_of(folder, "same");
        edited = job_of(folder, "edited");
        with_dropin = job_of(folder, "with-dropin");
        put(folder, "same.job", JOB);
        put(folder, "edited.job", "[Step work]\nExec=/bin/fals\n"); /* as long as it was */
        {
                _cleanup_free_ char *dropins = path_join(folder->path, "with-dropin.job.d");

                assert_int_equal(mkdir_parents(dropins, 0755), 0);
                put(folder, "with-dropin.job.d/more.conf", "[Job]\nDescription=more\n");
        }
        load(folder);
        assert_ptr_equal(job_of(folder, "same"), same);
        assert_ptr_not_equal(job_of(folder, "edited"), edited);
        assert_string_equal(job_of(folder, "edited")->steps[0].exec[0], "/bin/fals");
        assert_ptr_not_equal(job_of(folder, "with-dropin"), with_dropin);
        assert_string_equal(job_of(folder, "with-dropin")->description, "more");
}

/* Also when the bytes of a broken text would look like those of the good one once they are escaped. */
static void a_broken_file_is_told_each_time(void **state) {
        struct folder *folder = *state;
        const struct job *good;

        put(folder, "work.job", "[Job]\nDescription=\\\\xff\n" JOB);
        load(folder);
        assert_int_equal(folder->diagnostics.n_errors, 0);
        good = job_of(folder, "work");
        put(folder, "work.job", "[Job]\nDescription=\\\xff\n" JOB);
        for (int turn = 0; turn < 2; turn++) {
                load(folder);
                assert_int_equal(folder->diagnostics.n_errors, 1);
                assert_non_null(job_registry_find(&folder->registry, "work")->broken);
                assert_ptr_equal(job_of(folder, "work"), good);
        }
        put(folder, "work.job", "[Job]\nDescription=\\\\xff\n" JOB);
        load(folder);
        assert_int_equal(folder->diagnostics.n_errors, 0);
        assert_null(job_registry_find(&folder->registry, "work")->broken);
        assert_ptr_equal(job_of(folder, "work"), good);
}

static void a_warning_is_told_each_time(void **state) {
        struct folder *folder = *state;

        put(folder, "work.job", JOB "BreakerResetSec=1min\n");
        for (int turn = 0; turn < 3; turn++) {
                load(folder);
                assert_int_equal(folder->diagnostics.n_warnings, 1);
        }
}

/* A pipe would hold the daemon until somebody writes into it. */
static void what_is_no_file_holds_nobody_up(void **state) {
        struct folder *folder = *state;
        _cleanup_free_ char *path = path_join(folder->path, "pipe.job");

        put(folder, "work.job", JOB);
        assert_int_equal(mkfifo(path, 0600), 0);
        load(folder);
        assert_non_null(job_of(folder, "work"));
        assert_null(job_of(folder, "pipe"));
        assert_int_equal(folder->diagnostics.n_errors, 1);
}

static void long_chains_and_many_circles_are_followed_once(void **state) {
        struct folder *folder = *state;

        put(folder, "job0000.job", JOB);
        for (unsigned i = 1; i < MANY; i++)
                put_after(folder, i, i - 1);
        load(folder);
        assert_int_equal(folder->diagnostics.n_errors, 0);
        for (unsigned i = 0; i + 1 < MANY; i++)
                put_after(folder, i, i + 1);
        put(folder, "job0499.job", JOB);
        load(folder);
        assert_int_equal(folder->diagnostics.n_errors, 0);
        for (unsigned i = 0; i < MANY; i += 2) {
                put_after(folder, i, i + 1);
                put_after(folder, i + 1, i);
        }
        load(folder);
        assert_int_equal(folder->diagnostics.n_errors, MANY);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_is_as_it_was_stays, setup, teardown),
                cmocka_unit_test_setup_teardown(a_broken_file_is_told_each_time, setup, teardown),
                cmocka_unit_test_setup_teardown(a_warning_is_told_each_time, setup, teardown),
                cmocka_unit_test_setup_teardown(what_is_no_file_holds_nobody_up, setup, teardown),
                cmocka_unit_test_setup_teardown(long_chains_and_many_circles_are_followed_once, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
