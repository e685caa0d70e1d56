/* Lines of the log, and the sinks that take them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fileutil.h"
#include "jval.h"
#include "log.h"
#include "log_file.h"
#include "log_format.h"
#include "log_sink.h"
#include "strutil.h"
#include "xalloc.h"

#define NOON ((usec_t)1795348800 * USEC_PER_SEC) /* 2026-11-22T12:00:00Z */

static const struct log_context about = {.message_id = "0506715e3fab4832a02bf93cc58a8155",
                                         .run_id = "r-1",
                                         .job = "weekly",
                                         .step = "odds",
                                         .item = NULL};

static char folder[64];
static char path[128];

static int set_up(void **state) {
        (void)snprintf(folder, sizeof(folder), "/tmp/batchd-log.XXXXXX");
        assert_non_null(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/batchd.log", folder);
        return 0;
}

static int tear_down(void **state) {
        log_sink_done();
        (void)remove_tree(folder);
        return 0;
}

/* Formats */

static void assert_text(struct log_style style, const char *message, const char *expected) {
        struct buf out = BUF_INIT(4096);

        assert_int_equal(log_format_text(&out, style, LOG_LEVEL_WARNING, &about, message, NOON), 0);
        assert_string_equal(buf_data(&out), expected);
        buf_done(&out);
}

static void test_text(void **state) {
        struct buf out = BUF_INIT(16);

        assert_text((struct log_style){0}, "a\nb\x1b[31m\xff",
                    "2026-11-22T12:00:00.000000Z warning: a\\nb\\x1b[31m\\xff (run_id=r-1 job=weekly step=odds)\n");
        assert_text((struct log_style){.priority = true}, "text", "<4>text (run_id=r-1 job=weekly step=odds)\n");
        assert_int_equal(setenv("TZ", "UTC", 1), 0);
        assert_text((struct log_style){.colour = true}, "gr\xc3\xbcn",
                    "\x1b[2m12:00:00\x1b[0m \x1b[33mgr\xc3\xbcn\x1b[0m\n");
        assert_int_equal(buf_append_str(&out, "x"), 0);
        assert_int_equal(log_format_text(&out, (struct log_style){0}, LOG_LEVEL_INFO, NULL, "does not fit", NOON),
                         -E2BIG);
        assert_string_equal(buf_data(&out), "x");
        buf_done(&out);
}

static void test_json(void **state) {
        struct buf out = BUF_INIT(4096);
        struct jval *line;

        assert_int_equal(log_format_json(&out, LOG_LEVEL_ERR, &about, "a \"b\"\n\xff", NOON), 0);
        assert_int_equal(jval_parse(buf_data(&out), out.len, &line, NULL), 0);
        assert_string_equal(jval_get_str(line, "time"), "2026-11-22T12:00:00.000000Z");
        assert_string_equal(jval_get_str(line, "level"), "err");
        assert_string_equal(jval_get_str(line, "message"), "a \"b\"\n\\xff");
        assert_string_equal(jval_get_str(line, "run_id"), "r-1");
        assert_string_equal(jval_get_str(line, "step"), "odds");
        assert_false(jval_has(line, "item"));
        assert_int_equal(jval_get_int(line, "pid", 0), getpid());
        assert_int_equal(buf_data(&out)[out.len - 1], '\n');
        jval_unref(line);
        buf_done(&out);
}

static void test_words(void **state) {
        assert_int_equal(log_target_from_string("file"), LOG_TARGET_FILE);
        assert_int_equal(log_target_from_string("syslog"), -EINVAL);
        assert_int_equal(log_layout_from_string("json"), LOG_LAYOUT_JSON);
        assert_int_equal(log_layout_from_string("xml"), -EINVAL);
}

/* The file */

static char *content(const char *suffix) {
        _cleanup_free_ char *name = xasprintf("%s%s", path, suffix);
        char *text = NULL;

        return read_file(name, 1 << 20, &text, NULL) < 0 ? NULL : text;
}

static void assert_content(const char *suffix, const char *expected) {
        _cleanup_free_ char *text = content(suffix);

        if (!expected) {
                assert_null(text);
                return;
        }
        assert_non_null(text);
        assert_string_equal(text, expected);
}

static void test_rotation(void **state) {
        struct log_file *file;
        char line[16];

        assert_int_equal(log_file_open(&file, path, 14, 2), 0);
        for (int i = 1; i <= 8; i++) {
                (void)snprintf(line, sizeof(line), "line %d\n", i);
                assert_int_equal(log_file_write(file, line, 7), 0);
        }
        assert_content("", "line 7\nline 8\n");
        assert_content(".1", "line 5\nline 6\n");
        assert_content(".2", "line 3\nline 4\n");
        assert_content(".3", NULL);
        /* A line that is longer than the whole size is written all the same, to a file of its own. */
        assert_int_equal(log_file_write(file, "a line of 20 bytes.\n", 20), 0);
        assert_content("", "a line of 20 bytes.\n");
        assert_content(".1", "line 7\nline 8\n");
        log_file_close(file);
        /* A file that is there is gone on with. */
        assert_int_equal(log_file_open(&file, path, 14, 0), 0);
        assert_int_equal(log_file_write(file, "new\n", 4), 0);
        assert_content("", "new\n");
        log_file_close(file);
}

static void test_reopen(void **state) {
        _cleanup_free_ char *moved = xasprintf("%s.moved", path);
        const struct log_sink_config config = {.target = LOG_TARGET_FILE, .path = path, .identifier = "batchd"};
        _cleanup_free_ char *first = NULL, *second = NULL;

        assert_int_equal(log_sink_setup(&config, NULL), 0);
        log_notice("before");
        assert_int_equal(rename(path, moved), 0);
        log_notice("still there");
        assert_int_equal(log_sink_reopen(), 0);
        log_notice("after");
        first = content(".moved");
        second = content("");
        assert_non_null(strstr(first, " notice: before\n"));
        assert_non_null(strstr(first, " notice: still there\n"));
        assert_null(strstr(first, "after"));
        assert_non_null(strstr(second, " notice: after\n"));
}

static void test_file_that_cannot_be(void **state) {
        struct log_sink_config config = {.target = LOG_TARGET_FILE, .path = path, .identifier = "batchd"};
        _cleanup_free_ char *error = NULL, *text = NULL;

        assert_int_equal(log_sink_setup(&config, NULL), 0);
        config.path = "/nonexistent/batchd.log";
        assert_int_equal(log_sink_setup(&config, &error), -ENOENT);
        assert_non_null(strstr(error, "/nonexistent/batchd.log: cannot be opened as the log file"));
        /* The earlier one stays. */
        log_notice("here");
        text = content("");
        assert_non_null(strstr(text, "here"));
}

static void test_very_long_message(void **state) {
        const struct log_sink_config config = {
                .target = LOG_TARGET_FILE, .layout = LOG_LAYOUT_JSON, .path = path, .identifier = "batchd"};
        size_t len = 200 * 1000;
        _cleanup_free_ char *message = xmalloc(len + 1);
        _cleanup_free_ char *text = NULL;
        struct jval *line;

        memset(message, '\x01', len);
        message[len] = 0;
        assert_int_equal(log_sink_setup(&config, NULL), 0);
        log_notice("%s", message);
        text = content("");
        assert_in_range(strlen(text), 1000, 65536);
        assert_int_equal(jval_parse(text, strlen(text) - 1, &line, NULL), 0);
        jval_unref(line);
}

static void *log_lines(void *argument) {
        for (int i = 0; i < 500; i++)
                log_notice("thread %d says line %d", *(const int *)argument, i);
        return NULL;
}

static void test_threads(void **state) {
        const struct log_sink_config config = {.target = LOG_TARGET_FILE,
                                               .path = path,
                                               .rotate_size = 20000,
                                               .rotate_keep = 20,
                                               .identifier = "batchd"};
        int numbers[] = {1, 2, 3};
        pthread_t threads[3];
        unsigned lines = 0;

        assert_int_equal(log_sink_setup(&config, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, log_lines, &numbers[i]), 0);
        for (size_t i = 0; i < ELEMENTSOF(threads); i++)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (int i = 0; i <= 20; i++) {
                char suffix[8] = "";
                _cleanup_free_ char *text = NULL;

                if (i > 0)
                        (void)snprintf(suffix, sizeof(suffix), ".%d", i);
                text = content(suffix);
                for (const char *c = str_or(text, ""); *c; c++)
                        lines += *c == '\n';
        }
        assert_int_equal(lines, 1500);
}

/* The console: stderr is a pipe here */

static int old_stderr;

static int pipe_to_stderr(void) {
        int ends[2];

        assert_int_equal(pipe(ends), 0);
        old_stderr = dup(STDERR_FILENO);
        assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
        (void)close(ends[1]);
        return ends[0];
}

static void restore_stderr(void) {
        (void)dup2(old_stderr, STDERR_FILENO);
        (void)close(old_stderr);
}

static void test_console_that_nobody_reads(void **state) {
        const struct log_sink_config config = {.target = LOG_TARGET_CONSOLE, .identifier = "batchd"};
        int reader = pipe_to_stderr();
        size_t size = 1 << 20;
        _cleanup_free_ char *text = xmalloc(size);
        ssize_t n;

        assert_int_equal(log_sink_setup(&config, NULL), 0);
        /* Far more than a pipe holds: a sink that waited would hang here. */
        for (int i = 0; i < 3000; i++)
                log_notice("line %d of those that nobody reads", i);
        n = read(reader, text, size - 1);
        assert_true(n > 0);
        text[n] = 0;
        assert_non_null(strstr(text, "line 0 of"));
        assert_null(strstr(text, "line 2999 of"));
        log_notice("somebody reads again");
        n = read(reader, text, size - 1);
        restore_stderr();
        assert_true(n > 0);
        text[n] = 0;
        assert_non_null(strstr(text, "messages are missing here"));
        assert_non_null(strstr(text, "somebody reads again"));
        (void)close(reader);
}

static void test_console_is_the_journal(void **state) {
        const struct log_sink_config config = {.target = LOG_TARGET_CONSOLE, .identifier = "batchd"};
        int reader = pipe_to_stderr();
        struct stat status;
        char text[256];
        ssize_t n;

        assert_int_equal(fstat(STDERR_FILENO, &status), 0);
        (void)snprintf(text, sizeof(text), "%lu:%lu", (unsigned long)status.st_dev, (unsigned long)status.st_ino);
        assert_int_equal(setenv("JOURNAL_STREAM", text, 1), 0);
        assert_int_equal(log_target_default(), LOG_TARGET_JOURNAL);
        assert_int_equal(log_sink_setup(&config, NULL), 0);
        log_error("broken");
        n = read(reader, text, sizeof(text) - 1);
        restore_stderr();
        text[n > 0 ? n : 0] = 0;
        assert_string_equal(text, "<3>broken\n");
        (void)unsetenv("JOURNAL_STREAM");
        assert_int_equal(log_target_default(), LOG_TARGET_CONSOLE);
        (void)close(reader);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_words),
                TEST(test_rotation),
                TEST(test_reopen),
                TEST(test_file_that_cannot_be),
                TEST(test_very_long_message),
                TEST(test_threads),
                TEST(test_console_that_nobody_reads),
                TEST(test_console_is_the_journal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
