/* Frames: cut anywhere, too long, empty. */
#include <errno.h>
#include <string.h>

#include "frame.h"
#include "unit.h"
#include "xalloc.h"

static void frames_come_out_as_they_went_in(void **state) {
        _cleanup_buf_ struct buf out = BUF_INIT(100), in = BUF_INIT(100);
        const char *payload = NULL;
        size_t len = 0, taken = 0;

        assert_int_equal(frame_append(&out, "{}", 2), 0);
        size_t mark = frame_begin(&out);
        assert_int_equal(buf_append_str(&out, "[1,2]"), 0);
        assert_int_equal(frame_end(&out, mark), 0);
        assert_memory_equal(buf_data(&out), "\0\0\0\2{}\0\0\0\5[1,2]", 15);
        /* byte by byte: a frame is there with its last byte and not before */
        for (size_t i = 0; i < 15; i++) {
                (void)buf_append(&in, buf_data(&out) + i, 1);
                int r = frame_peek(&in, &payload, &len);
                assert_int_equal(r, i == 5 || i == 14);
                if (r == 0)
                        continue;
                assert_int_equal(len, taken == 0 ? 2 : 5);
                assert_memory_equal(payload, taken == 0 ? "{}" : "[1,2]", len);
                frame_consume(&in, len);
                taken++;
        }
        assert_int_equal(taken, 2);
        assert_int_equal(in.len, 0);
}

static void lengths_out_of_bounds_are_refused(void **state) {
        _cleanup_buf_ struct buf in = BUF_INIT(100);
        const char *payload = NULL;
        size_t len = 0;

        (void)buf_append(&in, "\0\x10\0\1", 4);
        assert_int_equal(frame_peek(&in, &payload, &len), -E2BIG);
        assert_int_equal(len, FRAME_MAX + 1);
        buf_clear(&in);
        (void)buf_append(&in, "\0\x10\0\0", 4);
        assert_int_equal(frame_peek(&in, &payload, &len), 0);
        buf_clear(&in);
        (void)buf_append(&in, "\0\0\0\0", 4);
        assert_int_equal(frame_peek(&in, &payload, &len), -EINVAL);
}

static void what_does_not_fit_leaves_the_buffer_as_it_was(void **state) {
        _cleanup_buf_ struct buf small = BUF_INIT(10), large = BUF_INIT(4 * FRAME_MAX);
        _cleanup_free_ char *text = xcalloc(1, FRAME_MAX + 1);

        assert_int_equal(frame_append(&small, "1234567", 7), -E2BIG);
        assert_int_equal(small.len, 0);
        assert_int_equal(frame_append(&small, "123456", 6), 0);
        assert_int_equal(frame_append(&large, text, FRAME_MAX + 1), -E2BIG);
        assert_int_equal(frame_append(&large, text, FRAME_MAX), 0);
        size_t before = large.len, mark = frame_begin(&large);
        assert_int_equal(buf_append(&large, text, FRAME_MAX + 1), 0);
        assert_int_equal(frame_end(&large, mark), -E2BIG);
        assert_int_equal(large.len, before);
        /* no room for so much as the header, and nothing written behind it */
        mark = frame_begin(&small);
        assert_int_equal(frame_end(&small, mark), -E2BIG);
        assert_int_equal(small.len, 10);
        mark = frame_begin(&large);
        assert_int_equal(frame_end(&large, mark), -E2BIG);
        assert_int_equal(large.len, before);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(frames_come_out_as_they_went_in),
                cmocka_unit_test(lengths_out_of_bounds_are_refused),
                cmocka_unit_test(what_does_not_fit_leaves_the_buffer_as_it_was),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
