#include "frame.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

static void buf_truncate(struct buf *buf, size_t len) {
        buf->len = len;
        if (buf->data)
                buf->data[buf->start + len] = '\0';
}

int frame_peek(const struct buf *buf, const char **ret_payload, size_t *ret_len) {
        if (buf->len < FRAME_HEADER_SIZE)
                return 0;
        uint32_t header;
        memcpy(&header, buf_data(buf), sizeof(header));
        size_t len = be32toh(header);
        if (len > FRAME_MAX) {
                *ret_len = len;
                return -E2BIG;
        }
        if (len == 0)
                return -EINVAL;
        if (buf->len - FRAME_HEADER_SIZE < len)
                return 0;
        *ret_payload = buf_data(buf) + FRAME_HEADER_SIZE;
        *ret_len = len;
        return 1;
}

void frame_consume(struct buf *buf, size_t payload_len) {
        buf_consume(buf, FRAME_HEADER_SIZE + payload_len);
}

int frame_append(struct buf *buf, const void *payload, size_t len) {
        if (len > FRAME_MAX)
                return -E2BIG;
        char *room = buf_reserve(buf, FRAME_HEADER_SIZE + len);
        if (!room)
                return -E2BIG;
        uint32_t header = htobe32((uint32_t)len);
        memcpy(room, &header, sizeof(header));
        memcpy(room + FRAME_HEADER_SIZE, payload, len);
        buf_commit(buf, FRAME_HEADER_SIZE + len);
        return 0;
}

size_t frame_begin(struct buf *buf) {
        size_t mark = buf->len;
        static const char header[FRAME_HEADER_SIZE];
        /* When the cap leaves no room for the header nothing is appended, and frame_end sees that from the length. */
        (void)buf_append(buf, header, sizeof(header));
        return mark;
}

int frame_end(struct buf *buf, size_t mark) {
        if (buf->len <= mark + FRAME_HEADER_SIZE || buf->len - mark - FRAME_HEADER_SIZE > FRAME_MAX) {
                buf_truncate(buf, mark);
                return -E2BIG;
        }
        uint32_t header = htobe32((uint32_t)(buf->len - mark - FRAME_HEADER_SIZE));
        memcpy(buf->data + buf->start + mark, &header, sizeof(header));
        return 0;
}
