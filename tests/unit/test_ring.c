/* The ring of a run's last lines. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"
#include "unit.h"
#include "xalloc.h"

static void push(struct ring *ring, const char *text, size_t len) {
        ring_push(ring, &(struct ring_line){.len = (uint32_t)len}, text);
}

static void keeps_the_last_500_lines(void **state) {
        struct ring *ring = ring_new(1);
        const struct ring_line *line;
        const char *found;
        char text[32];

        (void)state;
        for (uint64_t i = 1; i <= 1234; i++) {
                int len = snprintf(text, sizeof(text), "line %" PRIu64, i);

                push(ring, text, (size_t)len);
        }
        assert_int_equal(ring_first_sequence(ring), 735);
        assert_null(ring_get(ring, 734, &found));
        assert_null(ring_get(ring, 1235, &found));
        for (uint64_t i = 735; i <= 1234; i++) {
                int len = snprintf(text, sizeof(text), "line %" PRIu64, i);

                line = ring_get(ring, i, &found);
                assert_non_null(line);
                assert_int_equal(line->len, len);
                assert_memory_equal(found, text, (size_t)len);
        }
        ring_free(ring);
}

static void keeps_at_most_256_KiB(void **state) {
        _cleanup_free_ char *text = xcalloc(1, RING_BYTES + 5);
        struct ring *ring = ring_new(100);
        const char *found;

        (void)state;
        memset(text, 'x', RING_BYTES + 5);
        for (int i = 0; i < 200; i++)
                push(ring, text, 16384);
        assert_int_equal(ring->count, RING_BYTES / 16384);
        assert_int_equal(ring->next_sequence, 300);
        assert_true(ring->text.len <= RING_BYTES);
        assert_true(ring->text.size <= 2 * RING_BYTES);
        push(ring, text, RING_BYTES + 5);
        assert_int_equal(ring->count, 1);
        assert_int_equal(ring_get(ring, 300, &found)->len, RING_BYTES);
        push(ring, "", 0);
        assert_int_equal(ring_get(ring, 301, &found)->len, 0);
        ring_free(ring);
}

static void skipped_lines_only_count(void **state) {
        struct ring *ring = ring_new(1);
        const char *found;

        (void)state;
        push(ring, "one", 3);
        push(ring, "two", 3);
        ring_skip(ring, 1000000);
        assert_int_equal(ring->next_sequence, 1000003);
        assert_int_equal(ring_first_sequence(ring), 1000003);
        assert_null(ring_get(ring, 2, &found));
        push(ring, "three", 5);
        assert_int_equal(ring_get(ring, 1000003, &found)->len, 5);
        assert_memory_equal(found, "three", 5);
        ring_free(ring);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(keeps_the_last_500_lines),
                cmocka_unit_test(keeps_at_most_256_KiB),
                cmocka_unit_test(skipped_lines_only_count),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
