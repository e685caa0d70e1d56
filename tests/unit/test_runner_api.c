/* What daemon and runner share on disk and over sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attempt_file.h"
#include "attempt_state.h"
#include "cleanup.h"
#include "fields.h"
#include "runner_message.h"
#include "runner_path.h"
#include "runner_spec.h"
#include "strv.h"
#include "xalloc.h"

static int open_file(void) {
        char path[] = "/tmp/bt-attempt-XXXXXX";
        int fd = mkostemp(path, O_CLOEXEC);
        assert_true(fd >= 0);
        (void)unlink(path);
        assert_int_equal(attempt_file_create(fd), 0);
        return fd;
}

static void assert_content(int fd, const char *expected, uint64_t expected_generation) {
        _cleanup_free_ char *content = NULL;
        size_t len;
        uint64_t generation;
        assert_int_equal(attempt_file_read(fd, &content, &len, &generation), 0);
        assert_string_equal(content, expected);
        assert_int_equal(len, strlen(expected));
        assert_int_equal(generation, expected_generation);
}

static int read_result(int fd) {
        _cleanup_free_ char *content = NULL;
        size_t len;
        uint64_t generation;
        return attempt_file_read(fd, &content, &len, &generation);
}

static void test_attempt_file(void **state) {
        _cleanup_close_ int fd = open_file();
        uint64_t generation = 0;
        struct stat st;
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_size, ATTEMPT_FILE_SIZE);
        assert_int_equal(read_result(fd), -ENODATA);
        assert_int_equal(attempt_file_write(fd, &generation, "one", 3), 0);
        assert_content(fd, "one", 1);
        assert_int_equal(attempt_file_write(fd, &generation, "three", 5), 0);
        assert_content(fd, "three", 2);
        assert_int_equal(attempt_file_write(fd, &generation, "", 0), 0);
        assert_content(fd, "", 3);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_size, ATTEMPT_FILE_SIZE);
        assert_int_equal(attempt_file_write(fd, &generation, "x", ATTEMPT_FILE_CONTENT_MAX + 1), -E2BIG);
        assert_int_equal(generation, 3);
}

/* Whatever byte of the newest slot is wrong, the version before it is read. */
static void test_attempt_file_torn(void **state) {
        for (off_t at = 0; at < 16 + 6; at++) {
                _cleanup_close_ int fd = open_file();
                uint64_t generation = 0;
                assert_int_equal(attempt_file_write(fd, &generation, "before", 6), 0);
                assert_int_equal(attempt_file_write(fd, &generation, "behind", 6), 0);
                char byte;
                off_t offset = (off_t)ATTEMPT_FILE_HEAD_SIZE + at; /* generation 2 is in the first slot */
                assert_int_equal(pread(fd, &byte, 1, offset), 1);
                byte ^= 0x40;
                assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
                assert_content(fd, "before", 1);
                offset += (off_t)ATTEMPT_FILE_SLOT_SIZE;
                assert_int_equal(pread(fd, &byte, 1, offset), 1);
                byte ^= 0x40;
                assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
                assert_int_equal(read_result(fd), -EBADMSG);
        }
}

static void test_attempt_file_foreign(void **state) {
        _cleanup_close_ int fd = open_file();
        assert_int_equal(pwrite(fd, "x", 1, 3), 1);
        assert_int_equal(read_result(fd), -EBADMSG);
        assert_int_equal(ftruncate(fd, 10), 0);
        assert_int_equal(read_result(fd), -EBADMSG);
}

static void test_spec(void **state) {
        char *argv[] = {(char[]){"/bin/echo"}, (char[]){"a=b"}, (char[]){""}, NULL};
        char *environment[] = {(char[]){"PATH=/bin"}, (char[]){"X=1=2\nline"}, NULL};
        struct runner_spec spec = {
                .version = 1,
                .number = 42,
                .run_id = (char[]){"id"},
                .label = (char[]){"7.odds.1"},
                .log_path = (char[]){"/x.log"},
                .argv = argv,
                .environment = environment,
                .timeout = UINT64_MAX,
                .run_timeout_left = 5,
                .heartbeat = 6,
                .kill_grace = 7,
                .drain = 8,
                .heartbeat_kill = true,
                .memory_max = 9,
                .tasks_max = 10,
                .cpu_quota_percent = 150,
                .nice = -3,
        };
        _cleanup_buf_ struct buf encoded = BUF_INIT(RUNNER_SPEC_MAX);
        _cleanup_runner_spec_ struct runner_spec read = {0};
        assert_int_equal(runner_spec_encode(&spec, &encoded), 0);
        assert_int_equal(fields_add(&encoded, "of_a_later_version", "1"), 0);
        assert_int_equal(runner_spec_decode(buf_data(&encoded), encoded.len, &read), 0);
        assert_true(strv_equal(read.argv, argv));
        assert_true(strv_equal(read.environment, environment));
        assert_string_equal(read.label, "7.odds.1");
        assert_null(read.working_directory);
        assert_true(read.number == 42 && read.timeout == UINT64_MAX && read.run_timeout_left == 5 &&
                    read.heartbeat == 6);
        assert_true(read.kill_grace == 7 && read.drain == 8 && read.heartbeat_kill && read.memory_max == 9);
        assert_true(read.tasks_max == 10 && read.cpu_quota_percent == 150 && read.nice == -3);
#define DECODE(text) runner_spec_decode(text, sizeof(text), &other)
        struct runner_spec other;
        assert_int_equal(runner_spec_decode(buf_data(&encoded), encoded.len - 1, &other), -EBADMSG);
        assert_int_equal(DECODE("version=2\0number=1\0argv=x\0log_path=y"), -EPROTONOSUPPORT);
        assert_int_equal(DECODE("version=1\0number=1\0log_path=y"), -EBADMSG);
        assert_int_equal(DECODE("version=1\0number=x\0argv=x\0log_path=y"), -EBADMSG);
        assert_int_equal(runner_spec_decode("", 0, &other), -EBADMSG);
}

static void test_spec_has_a_cap(void **state) {
        char *large = xmalloc(RUNNER_SPEC_MAX + 1);
        memset(large, 'x', RUNNER_SPEC_MAX);
        large[RUNNER_SPEC_MAX] = 0;
        char *argv[] = {large, NULL};
        struct runner_spec spec = {.version = 1, .number = 1, .argv = argv};
        _cleanup_buf_ struct buf encoded = BUF_INIT(RUNNER_SPEC_MAX);
        assert_int_equal(runner_spec_encode(&spec, &encoded), -E2BIG);
        free(large);
}

static void collect(const char *key, const char *value, void *user) {
        char *text = user;
        strcat(strcat(strcat(strcat(text, key), "~"), value), ";");
}

static void test_state(void **state) {
        _cleanup_attempt_state_ struct attempt_state written = ATTEMPT_STATE_INIT, read = ATTEMPT_STATE_INIT;
        struct report_set set = {0};
        char reports[256] = "";
        written.number = 7;
        written.label = xstrdup("1.a.1");
        written.is_starting = written.has_ended = true;
        written.exit_status = 3;
        written.memory_peak = -1;
        written.cpu_usec = 12;
        written.ended_by = xstrdup("timeout");
        assert_int_equal(report_set_put(&set, "metric=:x", "5"), 1);
        assert_int_equal(report_set_put(&set, "status", "a=b"), 1);
        _cleanup_buf_ struct buf encoded = BUF_INIT(ATTEMPT_FILE_CONTENT_MAX);
        assert_int_equal(attempt_state_encode(&written, &set, &encoded), 0);
        assert_int_equal(attempt_state_decode(buf_data(&encoded), encoded.len, &read, collect, reports), 0);
        assert_string_equal(reports, "metric=:x~5;status~a=b;");
        assert_true(read.number == 7 && read.is_starting && read.has_ended && read.exit_status == 3 &&
                    read.memory_peak == -1);
        assert_true(read.cpu_usec == 12 && read.signal_number == 0);
        assert_string_equal(read.label, "1.a.1");
        assert_int_equal(runner_ended_by_from_string(read.ended_by), RUNNER_ENDED_BY_TIMEOUT);
        assert_int_equal(runner_ended_by_from_string("nothing"), -EINVAL);
        report_set_done(&set);
}

static void test_report_set(void **state) {
        struct report_set set = {0};
        assert_int_equal(report_set_put(&set, "status", "x"), 1);
        assert_int_equal(report_set_put(&set, "status", "x"), 0);
        assert_int_equal(set.n_unsent, 1);
        report_set_mark_sent(&set, &set.reports[0]);
        assert_int_equal(set.n_unsent, 0);
        assert_int_equal(report_set_put(&set, "status", "x"), 0);
        assert_int_equal(set.n_unsent, 0);
        assert_int_equal(report_set_put(&set, "status", "y"), 1);
        assert_int_equal(set.n_unsent, 1);
        char *large = xmalloc(REPORT_SET_MAX + 1);
        memset(large, 'x', REPORT_SET_MAX);
        large[REPORT_SET_MAX] = 0;
        assert_int_equal(report_set_put(&set, "status", large), -E2BIG);
        assert_string_equal(report_set_get(&set, "status"), "y");
        large[REPORT_SET_MAX - 100] = 0;
        assert_int_equal(report_set_put(&set, "status", large), 1);
        /* All that a set may hold fits into the attempt file, beside the state. */
        struct attempt_state plain = ATTEMPT_STATE_INIT;
        _cleanup_buf_ struct buf encoded = BUF_INIT(ATTEMPT_FILE_CONTENT_MAX);
        assert_int_equal(attempt_state_encode(&plain, &set, &encoded), 0);
        report_set_done(&set);
        free(large);
}

static void test_log_message(void **state) {
        char message[RUNNER_LOG_HEAD_SIZE + 3];
        struct runner_log_message log;
        runner_log_head_encode(message, 1000);
        memcpy(message + RUNNER_LOG_HEAD_SIZE, "abc", 3);
        assert_int_equal(runner_log_decode(message, sizeof(message), &log), 0);
        assert_true(log.size == 1000 && log.len == 3 && memcmp(log.data, "abc", 3) == 0);
        assert_int_equal(runner_log_decode(message, RUNNER_LOG_HEAD_SIZE - 1, &log), -EBADMSG);
        runner_log_head_encode(message, 2); /* more bytes than the file has */
        assert_int_equal(runner_log_decode(message, sizeof(message), &log), -EBADMSG);
}

static void test_paths(void **state) {
        _cleanup_free_ char *plain = runner_notify_path("/run/batchd", 12);
        assert_string_equal(plain, "/run/batchd/n/12");
        char deep[120];
        memset(deep, 'd', sizeof(deep) - 1);
        deep[0] = '/';
        deep[sizeof(deep) - 1] = 0;
        _cleanup_free_ char *far = runner_notify_path(deep, 9999999999), *again = runner_notify_path(deep, 9999999999);
        assert_true(strlen(far) <= 60);
        assert_string_equal(far, again);
        deep[sizeof(deep) - 2] = 'e';
        _cleanup_free_ char *other = runner_notify_path(deep, 9999999999);
        assert_string_not_equal(far, other);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_attempt_file),
                cmocka_unit_test(test_attempt_file_torn),
                cmocka_unit_test(test_attempt_file_foreign),
                cmocka_unit_test(test_spec),
                cmocka_unit_test(test_spec_has_a_cap),
                cmocka_unit_test(test_state),
                cmocka_unit_test(test_report_set),
                cmocka_unit_test(test_log_message),
                cmocka_unit_test(test_paths),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
