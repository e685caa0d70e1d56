/* Log files come from disk, where anything may stand after a crash: whatever it is, the reader moves on, stays within
 * the bytes, and what it takes for a line can be shown. */
#include <stdlib.h>
#include <string.h>

#include "cri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The members make an object, and say what was read. */
static void check_members(const struct buf *members, uint64_t sequence) {
        struct buf object = BUF_INIT((size_t)300 * 1024);
        struct jval *value = NULL;

        (void)buf_append_char(&object, '{');
        (void)buf_append(&object, buf_data(members), members->len);
        (void)buf_append_char(&object, '}');
        if (jval_parse(buf_data(&object), object.len, &value, NULL) < 0 ||
            jval_get_int(value, "seq", 0) != (int64_t)sequence)
                abort();
        (void)jval_unref(value);
        buf_done(&object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        /* A copy of its own, so that a sanitizer sees the first byte behind it. */
        char *text = malloc(size > 0 ? size : 1);
        struct buf json = BUF_INIT((size_t)256 * 1024);
        struct cri_line line;
        uint64_t sequence = 0;
        int r;

        if (!text)
                return 0;
        memcpy(text, data, size);
        for (size_t at = 0; (r = cri_parse(text + at, size - at, &line)) != 0; at += line.size) {
                if (line.size == 0 || line.size > size - at)
                        abort();
                if (r < 0)
                        continue;
                if (line.text < text + at || line.text + line.len >= text + at + line.size)
                        abort();
                buf_clear(&json);
                if (cri_append_json(&json, &line, ++sequence, "step", "item") < 0)
                        abort();
                check_members(&json, sequence);
        }
        buf_done(&json);
        free(text);
        return 0;
}
