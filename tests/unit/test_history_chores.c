/* Chores of the reader's thread: what goes over very many files does so in slices, and questions go in between. */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/stat.h>

#include "fileutil.h"
#include "history_internal.h"
#include "history_scene.h"
#include "store_internal.h"

#define FILES 1000U
#define QUESTIONS 20U

/* A question of the test's own: it waits until it may go on (gate), and looks how many files are there. */
struct look {
        struct reader_task task;
        sem_t *gate;
        const char *folder;
        unsigned full; /* files with something in them */
        unsigned *answers, place;
};

static unsigned count_full(const char *folder) {
        DIR *dir = opendir(folder);
        unsigned n = 0;
        struct dirent *entry;
        struct stat st;

        while (dir && (entry = readdir(dir)))
                n += fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
                     st.st_size > 0;
        if (dir)
                (void)closedir(dir);
        return n;
}

static bool look_work(struct reader_task *task, sqlite3 *db, const char *state_dir) {
        struct look *look = CONTAINER_OF(task, struct look, task);

        if (look->gate)
                (void)sem_wait(look->gate);
        if (look->folder)
                look->full = count_full(look->folder);
        return true;
}

static void look_done(struct reader_task *task) {
        struct look *look = CONTAINER_OF(task, struct look, task);

        look->place = ++*look->answers;
}

static void look_release(struct reader_task *task) {
}

static void submit_look(struct scene *scene, struct look *look, unsigned *answers, const char *folder, sem_t *gate) {
        *look = (struct look){
                .task = {.work = look_work, .done = look_done, .release = look_release},
                .gate = gate,
                .folder = folder,
                .answers = answers,
        };
        assert_int_equal(reader_submit(store_reader(scene->fixture->store), &look->task), 0);
}

static char *folder_of_files(struct scene *scene, const char *name, const char *suffix) {
        char *folder = xasprintf("%s/runs/%s", store_state_dir(scene->fixture->store), name);

        assert_int_equal(mkdir_parents(folder, 0700), 0);
        for (unsigned i = 0; i < FILES; i++) {
                _cleanup_free_ char *path = xasprintf("%s/%u%s", folder, i, suffix);
                _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                assert_true(fd >= 0);
                assert_int_equal(write_all(fd, "x", 1), 0);
        }
        return folder;
}

/* The chore's answer: how many had come before it. */
struct over {
        struct scene *scene;
        const unsigned *answers;
        unsigned before;
};

static void over(int error, const char *error_text, struct jval *answer, void *user) {
        struct over *self = user;

        self->before = *self->answers;
        answered(error, error_text, answer, self->scene);
}

/* The reader's thread is held until all is asked: the chore first, the questions behind it. */
static void check_order(struct scene *scene, const char *folder, int (*chore)(const char *folder, struct over *over)) {
        struct look first, looks[QUESTIONS];
        unsigned answers = 0, least = FILES;
        struct over end = {scene, &answers, 0};
        sem_t gate;

        assert_int_equal(sem_init(&gate, 0, 0), 0);
        submit_look(scene, &first, &answers, NULL, &gate);
        int submitted = chore(folder, &end);
        for (unsigned i = 0; i < QUESTIONS; i++)
                submit_look(scene, &looks[i], &answers, folder, NULL);
        assert_int_equal(sem_post(&gate), 0);
        (void)wait_answer(scene, submitted);
        assert_int_equal(end.before, 1 + QUESTIONS);
        assert_int_equal(count_full(folder), 0);
        for (unsigned i = 0; i < QUESTIONS; i++) {
                assert_int_equal(looks[i].place, i + 2);
                assert_true(looks[i].full <= least && least - looks[i].full <= CHORE_SLICE);
                least = looks[i].full;
        }
        assert_true(least < FILES); /* and it went on beside them */
        (void)sem_destroy(&gate);
}

static int tidy(const char *folder, struct over *end) {
        return history_tidy_run(end->scene->history, folder, 7, over, end);
}

static void test_questions_go_between_the_files_of_a_run_that_ended(void **state) {
        struct scene *scene = *state;
        _cleanup_free_ char *folder = folder_of_files(scene, "one", ".attempt");

        check_order(scene, folder, tidy);
        assert_int_equal(jval_get_int(scene->answer, "run_number", 0), 7);
        assert_int_equal(jval_get_int(scene->answer, "bytes", -1), 0);
}

static int tidy_around(const char *folder, struct over *end) {
        _cleanup_free_ char *run = xstrndup(folder, strlen(folder) - strlen("/tmp"));

        return history_tidy_run(end->scene->history, run, 7, over, end);
}

static void test_questions_go_between_the_files_of_a_temporary_folder(void **state) {
        struct scene *scene = *state;
        _cleanup_free_ char *folder = folder_of_files(scene, "one/tmp", "");
        _cleanup_free_ char *log = xasprintf("%s/../00-step.1.log", folder);

        assert_int_equal(write_file_atomic(log, "line\n", 5, 0600), 0);
        check_order(scene, folder, tidy_around);
        assert_int_equal(access(folder, F_OK), -1);
        assert_true(jval_get_int(scene->answer, "bytes", 0) > 0);
}

#define RUN_ID "0b8c3d6e-3d0f-4b0a-9b1e-0d8f7c2a5e11"

static int remove_it(const char *folder, struct over *end) {
        struct jval *ids = jval_array();

        jval_add(ids, jval_string(RUN_ID));
        int r = history_remove_folders(end->scene->history, ids, over, end);
        jval_unref(ids);
        return r;
}

static void test_questions_go_between_the_files_of_a_run_that_goes(void **state) {
        struct scene *scene = *state;
        _cleanup_free_ char *folder = folder_of_files(scene, RUN_ID, ".log"), *mark = path_join(folder, "going");

        assert_int_equal(write_file_atomic(mark, "", 0, 0600), 0);
        check_order(scene, folder, remove_it);
        assert_int_equal(access(folder, F_OK), -1);
}

/* Only a marked folder goes: its mark is the last of it, whatever a crash leaves. */
static void test_the_mark_goes_last(void **state) {
        struct scene *scene = *state;
        _cleanup_free_ char *folder = folder_of_files(scene, RUN_ID, ".log"), *mark = path_join(folder, "going");

        unsigned answers = 0;

        (void)wait_answer(scene, remove_it(folder, &(struct over){scene, &answers, 0}));
        assert_int_equal(count_full(folder), FILES);
        assert_int_equal(write_file_atomic(mark, "", 0, 0600), 0);
        while (remove_tree_part(folder, 100, "going") == 1)
                assert_int_equal(access(mark, F_OK), 0);
        assert_int_equal(access(folder, F_OK), -1);
}

static void never(int error, const char *error_text, struct jval *answer, void *user) {
        fail_msg("called after history_close");
}

static void test_a_stop_with_a_chore_under_way(void **state) {
        struct scene *scene = *state;
        _cleanup_free_ char *folder = folder_of_files(scene, "one", ".attempt");
        struct look first;
        unsigned answers = 0;
        sem_t gate;

        assert_int_equal(sem_init(&gate, 0, 0), 0);
        submit_look(scene, &first, &answers, NULL, &gate);
        assert_int_equal(history_tidy_run(scene->history, folder, 7, never, NULL), 0);
        scene->history = history_close(scene->history);
        assert_int_equal(sem_post(&gate), 0);
        scene->fixture->store = store_close(scene->fixture->store);
        (void)sem_destroy(&gate);
}

#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_SCENE(test_questions_go_between_the_files_of_a_run_that_ended),
                WITH_SCENE(test_questions_go_between_the_files_of_a_temporary_folder),
                WITH_SCENE(test_questions_go_between_the_files_of_a_run_that_goes),
                WITH_SCENE(test_the_mark_goes_last),
                WITH_SCENE(test_a_stop_with_a_chore_under_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
