#include "sse.h"

#include <string.h>

#include "strutil.h"

/* The lines of one moment, each byte escaped. */
#define EVENT_MAX ((size_t)8 * 1024 * 1024)

void sse_init(struct sse *sse, sse_fn fn, void *user) {
        *sse = (struct sse){.line = BUF_INIT(EVENT_MAX),
                            .event = BUF_INIT(256),
                            .data = BUF_INIT(EVENT_MAX),
                            .fn = fn,
                            .user = user};
}

void sse_done(struct sse *sse) {
        buf_done(&sse->line);
        buf_done(&sse->event);
        buf_done(&sse->data);
}

static void dispatch(struct sse *sse) {
        if (sse->has_data)
                sse->fn(sse->event.len > 0 ? buf_data(&sse->event) : "message", buf_data(&sse->data), sse->data.len,
                        sse->user);
        buf_clear(&sse->event);
        buf_clear(&sse->data);
        sse->has_data = false;
}

/* "field: value"; one blank behind the colon belongs to it. Comments and fields that are not needed are passed over. */
static int take_line(struct sse *sse) {
        const char *line = buf_data(&sse->line), *value;
        int r = 0;

        if (sse->line.len == 0) {
                dispatch(sse);
                return 0;
        }
        value = startswith(line, "event:");
        if (value) {
                buf_clear(&sse->event);
                return buf_append_str(&sse->event, value + (*value == ' '));
        }
        value = startswith(line, "data:");
        if (value) {
                if (sse->has_data)
                        r = buf_append_char(&sse->data, '\n');
                sse->has_data = true;
                value += *value == ' ';
                return r < 0 ? r : buf_append(&sse->data, value, sse->line.len - (size_t)(value - line));
        }
        return 0;
}

int sse_feed(struct sse *sse, const char *bytes, size_t len) {
        while (len > 0) {
                size_t part = 0;
                int r;

                /* A line ends in CR, LF, or both. */
                if (sse->after_cr && *bytes == '\n') {
                        bytes++;
                        len--;
                        sse->after_cr = false;
                        continue;
                }
                sse->after_cr = false;
                while (part < len && bytes[part] != '\n' && bytes[part] != '\r')
                        part++;
                r = buf_append(&sse->line, bytes, part);
                if (r == 0 && part < len) {
                        sse->after_cr = bytes[part++] == '\r';
                        r = take_line(sse);
                        buf_clear(&sse->line);
                }
                if (r < 0)
                        return r;
                bytes += part;
                len -= part;
        }
        return 0;
}
