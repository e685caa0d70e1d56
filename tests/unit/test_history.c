#include <sys/stat.h>

#include "history_scene.h"
#include "log_index.h"
#include "strutil.h"

#define STAMP "2026-11-22T12:00:00.000000000Z"

/* Runs 1 to 12: of `weekly` and `nightly` by turns, every third one failed; run 3 declared that it predicted. */
static void fill(struct scene *scene) {
        struct store_batch *batch = store_batch_new();

        for (int i = 1; i <= 12; i++) {
                struct run_record record =
                        fixture_run_record(i, i % 2 ? "weekly" : "nightly", i % 3 == 0 ? RUN_FAILED : RUN_SUCCESS);
                jval_set_int(record.parameters, "week", i);
                jval_set_str(record.parameters, "season_type", i > 6 ? "post" : "reg");
                if (i == 12)
                        record.triggered_by = TRIGGER_TIMER;
                store_batch_put_run(batch, &record);
                run_record_done(&record);
        }
        struct attempt_record attempt = fixture_attempt_record(3, "predictions", 1, STEP_SUCCESS);
        attempt.metadata = jval_object();
        jval_set(attempt.metadata, "result", jval_object());
        jval_set_str(jval_get(attempt.metadata, "result"), "batch_type", "prediction_generation");
        store_batch_put_attempt(batch, &attempt, NULL);
        attempt_record_done(&attempt);
        fixture_commit(scene->fixture, batch);
}

/* The numbers of the listed runs as text, and `next` behind a slash. */
static void check_list(struct scene *scene, const struct run_filter *filter, const char *expected) {
        struct jval *answer = wait_answer(scene, history_run_list(scene->history, filter, answered, scene));
        struct jval *runs = jval_get(answer, "runs");
        struct buf text = BUF_INIT(1024);

        assert_true(jval_is_array(runs));
        for (size_t i = 0; i < jval_array_size(runs); i++)
                (void)buf_appendf(&text, "%s%lld", i ? " " : "",
                                  (long long)jval_get_int(jval_at(runs, i), "run_number", -1));
        if (jval_has(answer, "next"))
                (void)buf_appendf(&text, "/%lld", (long long)jval_get_int(answer, "next", -1));
        assert_string_equal(buf_data(&text), expected);
        buf_done(&text);
}

static void test_list(void **state) {
        struct scene *scene = *state;

        check_list(scene, &(struct run_filter){0}, "");
        fill(scene);
        check_list(scene, &(struct run_filter){0}, "12 11 10 9 8 7 6 5 4 3 2 1");
        check_list(scene, &(struct run_filter){.limit = 5}, "12 11 10 9 8/8");
        check_list(scene, &(struct run_filter){.limit = 5, .before = 8}, "7 6 5 4 3/3");
        check_list(scene, &(struct run_filter){.limit = 5, .before = 3}, "2 1");
        check_list(scene, &(struct run_filter){.job = (char *)"weekly"}, "11 9 7 5 3 1");
        check_list(scene, &(struct run_filter){.job = (char *)"weekly", .status = (char *)"failed"}, "9 3");
        check_list(scene, &(struct run_filter){.job = (char *)"nothing"}, "");
        check_list(scene, &(struct run_filter){.status = (char *)"failed", .limit = 2}, "12 9/9");
        check_list(scene, &(struct run_filter){.triggered_by = (char *)"timer"}, "12");
        check_list(scene, &(struct run_filter){.mode = (char *)"odds_only"}, "");
        check_list(scene, &(struct run_filter){.mode = (char *)"full", .limit = 1}, "12/12");
}

static void test_list_by_time(void **state) {
        struct scene *scene = *state;

        fill(scene);
        check_list(scene, &(struct run_filter){.since = START + 10 * USEC_PER_SEC}, "12 11 10");
        check_list(scene, &(struct run_filter){.until = START + 3 * USEC_PER_SEC}, "2 1");
        check_list(
                scene,
                &(struct run_filter){.since = START + 3 * USEC_PER_SEC, .until = START + 6 * USEC_PER_SEC, .limit = 2},
                "5 4/4");
        check_list(
                scene,
                &(struct run_filter){
                        .since = START + 3 * USEC_PER_SEC, .until = START + 6 * USEC_PER_SEC, .limit = 2, .before = 4},
                "3");
}

static void test_list_by_type_and_parameters(void **state) {
        struct scene *scene = *state;
        struct jval *params = jval_object();

        fill(scene);
        check_list(scene, &(struct run_filter){.type = (char *)"nightly", .limit = 2}, "12 10/10");
        check_list(scene, &(struct run_filter){.type = (char *)"nightly", .limit = 2, .before = 10}, "8 6/6");
        /* The work done counts, not the job alone. */
        check_list(scene, &(struct run_filter){.type = (char *)"prediction_generation"}, "3");
        jval_set_str(params, "week", "7");
        check_list(scene, &(struct run_filter){.params = params}, "7");
        jval_set_int(params, "week", 7);
        jval_set_str(params, "season_type", "post");
        check_list(scene, &(struct run_filter){.params = params}, "7");
        jval_set_str(params, "season_type", "reg");
        check_list(scene, &(struct run_filter){.params = params}, "");
        (void)jval_unref(params);
}

static int64_t shown(struct scene *scene, const char *selector, const char *job) {
        struct jval *answer = wait_answer(scene, history_run_show(scene->history, selector, job, answered, scene));

        return jval_get_int(jval_get(answer, "run"), "run_number", -1);
}

static void test_selectors(void **state) {
        struct scene *scene = *state;

        wait_error(scene, history_run_show(scene->history, NULL, NULL, answered, scene), -ENOENT, "no run yet");
        fill(scene);
        assert_int_equal(shown(scene, NULL, NULL), 12);
        assert_int_equal(shown(scene, NULL, "weekly"), 11);
        assert_int_equal(shown(scene, "4", NULL), 4);
        assert_int_equal(shown(scene, "0000000a-0000-4000-8000-000000000000", NULL), 10);
        assert_int_equal(shown(scene, "0000000A", NULL), 10);
        assert_int_equal(shown(scene, "0000000b-00", NULL), 11);
        wait_error(scene, history_run_show(scene->history, "99", NULL, answered, scene), -ENOENT, "no run 99");
        wait_error(scene, history_run_show(scene->history, "0000000", NULL, answered, scene), -ENOENT,
                   "8 or more digits");
        wait_error(scene, history_run_show(scene->history, "abcdef01", NULL, answered, scene), -ENOENT, "abcdef01");
        wait_error(scene, history_run_show(scene->history, "' OR 1=1 --", NULL, answered, scene), -ENOENT, "no run");
        wait_error(scene, history_run_show(scene->history, NULL, "nothing", answered, scene), -ENOENT, "nothing");
        struct store_batch *batch = store_batch_new();
        for (int i = 100; i < 102; i++) {
                struct run_record record = fixture_run_record(i, "weekly", RUN_SUCCESS);
                memcpy(record.run_id, "abcdefab", 8);
                record.run_id[35] = i == 100 ? '0' : '1';
                store_batch_put_run(batch, &record);
                run_record_done(&record);
        }
        fixture_commit(scene->fixture, batch);
        wait_error(scene, history_run_show(scene->history, "abcdefab", NULL, answered, scene), -EINVAL, "several runs");
}

static void test_a_page_has_steps_and_attempts(void **state) {
        struct scene *scene = *state;
        struct store_batch *batch = store_batch_new();
        struct run_record record = fixture_run_record(1, "weekly", RUN_FAILED);
        static const struct {
                const char *item;
                int attempt;
                enum step_status status;
        } rows[] = {{"P1", 1, STEP_FAILED},
                    {"P1", 2, STEP_SUCCESS},
                    {"P2", 1, STEP_FAILED},
                    {"P2", 2, STEP_PENDING},
                    {"P3", 1, STEP_SKIPPED}};

        store_batch_put_run(batch, &record);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct attempt_record attempt = fixture_attempt_record(1, "load", rows[i].attempt, rows[i].status);

                free(attempt.item);
                attempt.item = xstrdup(rows[i].item);
                attempt.output_log = xstrdup("it is in the log");
                attempt.started_at = rows[i].status == STEP_PENDING || rows[i].status == STEP_SKIPPED ? 0 : START;
                store_batch_put_attempt(batch, &attempt, NULL);
                attempt_record_done(&attempt);
        }
        fixture_commit(scene->fixture, batch);
        struct jval *answer = wait_answer(scene, history_run_page(scene->history, "1", 0, 10, answered, scene));
        struct jval *steps = jval_get(answer, "steps"), *attempts = jval_get(answer, "attempts");
        assert_int_equal(jval_array_size(steps), 3);
        assert_int_equal(jval_array_size(attempts), 3);
        assert_int_equal(jval_get_int(jval_at(steps, 0), "attempts", 0), 2);
        assert_string_equal(jval_get_str(jval_at(steps, 0), "status"), "success");
        assert_int_equal(jval_get_int(jval_at(steps, 1), "attempts", 0), 1); /* the second is to come */
        assert_string_equal(jval_get_str(jval_at(steps, 1), "status"), "pending");
        assert_int_equal(jval_get_int(jval_at(steps, 2), "attempt", -1), 0);
        assert_false(jval_has(jval_at(attempts, 0), "output_log"));
        assert_int_equal(jval_get_int(answer, "total", 0), 3);
        assert_int_equal(jval_get_int(answer, "completed", 0), 2);
        assert_int_equal(jval_get_int(answer, "failed", -1), 0);
        answer = wait_answer(scene, history_run_page(scene->history, "1", 1, 1, answered, scene));
        assert_string_equal(jval_get_str(jval_at(jval_get(answer, "steps"), 0), "item"), "P2");
        assert_int_equal(jval_get_int(jval_at(jval_get(answer, "attempts"), 0), "attempt", 0), 2);
        assert_int_equal(jval_get_int(answer, "total", 0), 3);
        run_record_done(&record);
}

static void test_requests_and_last_runs(void **state) {
        struct scene *scene = *state;
        struct store_batch *batch = store_batch_new();

        store_batch_put_request(batch, "r1", 1000, "{\"run_number\":1}");
        fixture_commit(scene->fixture, batch);
        struct jval *answer = wait_answer(scene, history_request(scene->history, "r1", 1000, answered, scene));
        assert_string_equal(jval_get_str(answer, "answer"), "{\"run_number\":1}");
        wait_error(scene, history_request(scene->history, "r1", 1001, answered, scene), -ENOENT, NULL);
        wait_error(scene, history_request(scene->history, "r2", 1000, answered, scene), -ENOENT, NULL);
        answer = wait_answer(scene, history_last_runs(scene->history, answered, scene));
        assert_int_equal(jval_object_size(answer), 0);
        fill(scene);
        answer = wait_answer(scene, history_last_runs(scene->history, answered, scene));
        assert_int_equal(jval_object_size(answer), 2);
        assert_int_equal(jval_get_int(jval_get(answer, "weekly"), "run_number", 0), 11);
        assert_int_equal(jval_get_int(jval_get(answer, "nightly"), "run_number", 0), 12);
}

/* Two attempts whose lines came by turns, three lines at a time: 30 lines in the order of their sequence. */
static void make_logs(struct scene *scene, char run_id[static UUID_SIZE]) {
        struct run_record record = fixture_run_record(1, "weekly", RUN_SUCCESS);
        struct store_batch *batch = store_batch_new();
        struct log_index *index;
        struct buf texts[2] = {BUF_INIT(65536), BUF_INIT(65536)};
        uint64_t next;

        memcpy(run_id, record.run_id, UUID_SIZE);
        char *runs = path_join(scene->fixture->folder, "runs"), *folder = path_join(runs, run_id);
        assert_int_equal(mkdir_parents(folder, 0700), 0);
        assert_int_equal(log_index_open(&index, folder, &next), 0);
        for (int i = 0; i < 30; i += 3) {
                struct buf *text = &texts[i / 3 % 2];
                struct log_index_entry entry = {
                        .first = next, .offset = text->len, .count = 3, .ordinal = 1 + (unsigned)i / 3 % 2};
                for (int k = i; k < i + 3; k++)
                        (void)buf_appendf(text, STAMP " %s F line %d\n", k % 5 ? "stdout" : "stderr", k + 1);
                entry.end = text->len;
                assert_int_equal(log_index_append(index, &entry), 0);
                next += 3;
        }
        (void)log_index_close(index);
        for (int i = 0; i < 2; i++) {
                struct attempt_record attempt = fixture_attempt_record(1, i ? "odds" : "load", 1, STEP_SUCCESS);
                attempt.ordinal = attempt.step_order = i + 1;
                char *name = log_file_name(i + 1, attempt.step_name, "", 1), *path = path_join(folder, name);
                attempt.log_path = xasprintf("runs/%s/%s", run_id, name);
                (void)buf_append_str(&texts[i], STAMP " stdout F not shown yet\n");
                assert_int_equal(write_file_atomic(path, buf_data(&texts[i]), texts[i].len, 0600), 0);
                store_batch_put_attempt(batch, &attempt, NULL);
                attempt_record_done(&attempt);
                free(name);
                free(path);
                buf_done(&texts[i]);
        }
        store_batch_put_run(batch, &record);
        fixture_commit(scene->fixture, batch);
        run_record_done(&record);
        free(folder);
        free(runs);
}

static void check_lines(struct scene *scene, const char *run_id, uint64_t after, unsigned last, unsigned limit,
                        int64_t first_seq, int64_t last_seq, int64_t next) {
        struct jval *answer =
                wait_answer(scene, history_run_lines(scene->history, run_id, after, last, limit, answered, scene));
        struct jval *lines = jval_get(answer, "lines");

        assert_int_equal(jval_array_size(lines), first_seq ? last_seq - first_seq + 1 : 0);
        for (size_t i = 0; i < jval_array_size(lines); i++) {
                struct jval *line = jval_at(lines, i);
                int64_t seq = jval_get_int(line, "seq", 0);
                char text[32];
                assert_int_equal(seq, first_seq + (int64_t)i);
                (void)snprintf(text, sizeof(text), "line %lld", (long long)seq);
                assert_string_equal(jval_get_str(line, "text"), text);
                assert_string_equal(jval_get_str(line, "stream"), (seq - 1) % 5 ? "stdout" : "stderr");
                assert_string_equal(jval_get_str(line, "step"), (seq - 1) / 3 % 2 ? "odds" : "load");
                assert_string_equal(jval_get_str(line, "time"), "2026-11-22T12:00:00.000000Z");
        }
        assert_int_equal(jval_get_int(answer, "first", -1), first_seq);
        assert_int_equal(jval_get_int(answer, "last", -1), last_seq);
        assert_int_equal(jval_get_int(answer, "next", 0), next);
}

static void test_lines(void **state) {
        struct scene *scene = *state;
        char run_id[UUID_SIZE];

        make_logs(scene, run_id);
        check_lines(scene, run_id, 0, 0, 0, 1, 30, 0);
        check_lines(scene, run_id, 4, 0, 0, 5, 30, 0);
        check_lines(scene, run_id, 4, 0, 3, 5, 7, 7);
        check_lines(scene, run_id, 27, 0, 3, 28, 30, 0);
        check_lines(scene, run_id, 30, 0, 0, 0, 0, 0);
        check_lines(scene, run_id, 0, 7, 0, 24, 30, 0);
        check_lines(scene, run_id, 26, 7, 0, 27, 30, 0);
        check_lines(scene, run_id, 0, 100, 0, 1, 30, 0);
        check_lines(scene, "00000099-0000-4000-8000-000000000000", 0, 0, 0, 0, 0, 0);
        wait_error(scene, history_run_lines(scene->history, "../../etc", 0, 0, 0, answered, scene), -EINVAL,
                   "no run id");
}

/* Page by page until there is no next: all of it, byte for byte. */
static void read_pages(struct scene *scene, const char *step, uint64_t limit, bool base64, struct buf *text) {
        uint64_t offset = 0;

        for (int pages = 0; pages < 1000; pages++) {
                struct jval *answer = wait_answer(scene, history_log_read(scene->history, "1", step, NULL, 0, offset,
                                                                          limit, base64, answered, scene));
                assert_int_equal(buf_append_str(text, jval_get_str(answer, base64 ? "base64" : "text")), 0);
                if (!jval_has(answer, "next")) {
                        assert_true(pages > 0 || limit == 0 || limit > 1000);
                        return;
                }
                assert_true((uint64_t)jval_get_int(answer, "next", 0) > offset);
                offset = (uint64_t)jval_get_int(answer, "next", 0);
        }
        fail_msg("no end");
}

static void test_log_read(void **state) {
        struct scene *scene = *state;
        struct buf text = BUF_INIT(65536), pages = BUF_INIT(65536), raw = BUF_INIT(65536);
        char run_id[UUID_SIZE];

        make_logs(scene, run_id);
        read_pages(scene, "load", 0, false, &text);
        read_pages(scene, "load", 100, false, &pages);
        assert_string_equal(buf_data(&pages), buf_data(&text));
        assert_memory_equal(buf_data(&text), STAMP " stderr F line 1\n", strlen(STAMP " stderr F line 1\n"));
        assert_true(endswith(buf_data(&text), "not shown yet\n"));
        read_pages(scene, "load", 0, true, &raw);
        assert_memory_equal(buf_data(&raw), "MjAyNi0xMS0yMlQxMjow", 20);
        /* Without a step: the last one of a run in which all succeeded. */
        struct jval *answer =
                wait_answer(scene, history_log_read(scene->history, NULL, NULL, NULL, 0, 0, 0, false, answered, scene));
        assert_string_equal(jval_get_str(answer, "step"), "odds");
        wait_error(scene, history_log_read(scene->history, "1", "nothing", NULL, 0, 0, 0, false, answered, scene),
                   -ENOENT, "no step nothing");
        wait_error(scene, history_log_read(scene->history, "1", "load", NULL, 2, 0, 0, false, answered, scene), -ENOENT,
                   "load");
        buf_done(&text);
        buf_done(&pages);
        buf_done(&raw);
}

/* The worst text for an answer: each byte takes five in JSON, and the frame has room for 1 MiB. */
static void test_log_of_rubbish_fits_a_frame(void **state) {
        struct scene *scene = *state;
        char run_id[UUID_SIZE];
        size_t len = (size_t)512 * 1024;
        char *rubbish = xmalloc(len);

        make_logs(scene, run_id);
        memset(rubbish, 0xff, len);
        char *path = xasprintf("%s/runs/%s/01-load.1.log", scene->fixture->folder, run_id);
        assert_int_equal(write_file_atomic(path, rubbish, len, 0600), 0);
        struct jval *answer = wait_answer(
                scene, history_log_read(scene->history, "1", "load", NULL, 0, 0, len, false, answered, scene));
        char *dump = jval_dump(answer);
        assert_true(strlen(dump) < (size_t)1024 * 1024);
        assert_true(jval_get_int(answer, "next", 0) > 0);
        free(dump);
        free(rubbish);
        free(path);
}

static void never(int error, const char *error_text, struct jval *answer, void *user) {
        fail_msg("called after history_close");
}

static void test_close_with_questions_under_way(void **state) {
        struct scene *scene = *state;
        int r = 0;

        for (unsigned i = 0; i < 1000 && r >= 0; i++)
                r = history_run_list(scene->history, &(struct run_filter){0}, never, NULL);
        assert_true(r == 0 || r == -EAGAIN);
        scene->history = history_close(scene->history);
        assert_false(fixture_run(scene->fixture, 50 * USEC_PER_MSEC));
}

#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_SCENE(test_list),
                WITH_SCENE(test_list_by_time),
                WITH_SCENE(test_list_by_type_and_parameters),
                WITH_SCENE(test_selectors),
                WITH_SCENE(test_a_page_has_steps_and_attempts),
                WITH_SCENE(test_requests_and_last_runs),
                WITH_SCENE(test_lines),
                WITH_SCENE(test_log_read),
                WITH_SCENE(test_log_of_rubbish_fits_a_frame),
                WITH_SCENE(test_close_with_questions_under_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
