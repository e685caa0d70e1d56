/* Server-Sent Events of a server that lies: however the bytes are cut, the same events come out. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "sse.h"

static void take(const char *event, const char *data, size_t len, void *user) {
        if (strlen(event) == 0 || data[len] != '\0')
                abort();
        (void)buf_appendf(user, "%s:%zu;", event, len);
        (void)buf_append(user, data, len);
}

static void feed(const uint8_t *data, size_t size, size_t piece, struct buf *seen) {
        struct sse sse;

        sse_init(&sse, take, seen);
        for (size_t at = 0; at < size; at += piece)
                if (sse_feed(&sse, (const char *)data + at, size - at < piece ? size - at : piece) < 0)
                        break;
        sse_done(&sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct buf whole = BUF_INIT((size_t)1024 * 1024), cut = BUF_INIT((size_t)1024 * 1024);

        feed(data, size, size + 1, &whole);
        feed(data, size, 1, &cut);
        if (whole.len != cut.len || memcmp(buf_data(&whole), buf_data(&cut), whole.len) != 0)
                abort();
        buf_done(&whole);
        buf_done(&cut);
        return 0;
}
