#include "ring.h"

#include <stdlib.h>

#include "macro.h"
#include "xalloc.h"

struct ring *ring_new(uint64_t next_sequence) {
        struct ring *ring = NEW(struct ring);

        ring->next_sequence = next_sequence;
        ring->text = BUF_INIT(RING_BYTES);
        return ring;
}

struct ring *ring_free(struct ring *ring) {
        if (!ring)
                return NULL;
        buf_done(&ring->text);
        free(ring);
        return NULL;
}

static void drop_oldest(struct ring *ring) {
        size_t len = ring->lines[ring->first].len;

        buf_consume(&ring->text, len);
        ring->text_position += len;
        ring->first = (ring->first + 1) % RING_LINES;
        ring->count--;
}

void ring_push(struct ring *ring, const struct ring_line *line, const char *text) {
        size_t len = MIN((size_t)line->len, RING_BYTES);
        struct ring_line *slot;

        while (ring->count > 0 && (ring->count == RING_LINES || ring->text.len + len > RING_BYTES))
                drop_oldest(ring);
        slot = &ring->lines[(ring->first + ring->count) % RING_LINES];
        *slot = *line;
        slot->len = (uint32_t)len;
        slot->position = ring->text_position + ring->text.len;
        /* Fits: room was made above. */
        (void)buf_append(&ring->text, text, len);
        ring->count++;
        ring->next_sequence++;
}

void ring_skip(struct ring *ring, uint64_t n) {
        ring->text_position += ring->text.len;
        buf_clear(&ring->text);
        ring->first = ring->count = 0;
        ring->next_sequence += n;
}

const struct ring_line *ring_get(const struct ring *ring, uint64_t sequence, const char **ret_text) {
        const struct ring_line *line;

        if (sequence >= ring->next_sequence || sequence < ring_first_sequence(ring))
                return NULL;
        line = &ring->lines[(ring->first + (sequence - ring_first_sequence(ring))) % RING_LINES];
        *ret_text = buf_data(&ring->text) + (line->position - ring->text_position);
        return line;
}
