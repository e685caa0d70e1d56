#include "buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xalloc.h"

void buf_done(struct buf *buf) {
        free(buf->data);
        *buf = BUF_INIT(buf->max);
}

/* Makes room for `len` bytes and the NUL behind the content: moves the content to the front when that is enough, else
 * grows to twice the size. */
char *buf_reserve(struct buf *buf, size_t len) {
        size_t need;

        if (len > buf->max || buf->len > buf->max - len)
                return NULL;
        need = buf->len + len + 1;
        if (buf->start + need > buf->size) {
                if (buf->start > 0 && need <= buf->size && buf->start >= buf->size / 2) {
                        memmove(buf->data, buf->data + buf->start, buf->len);
                } else {
                        size_t size = MAX(need, MIN(buf->size * 2, buf->max + 1));
                        char *data = xmalloc(MAX(size, (size_t)64));

                        if (buf->len > 0)
                                memcpy(data, buf->data + buf->start, buf->len);
                        free(buf->data);
                        buf->data = data;
                        buf->size = MAX(size, (size_t)64);
                }
                buf->start = 0;
                /* The NUL behind the content moves along: the caller may commit nothing. */
                buf->data[buf->len] = 0;
        }
        return buf->data + buf->start + buf->len;
}

void buf_commit(struct buf *buf, size_t len) {
        buf->len += len;
        if (buf->data)
                buf->data[buf->start + buf->len] = 0;
}

int buf_append(struct buf *buf, const void *data, size_t len) {
        char *to = buf_reserve(buf, len);

        if (!to)
                return -E2BIG;
        if (len > 0)
                memcpy(to, data, len);
        buf_commit(buf, len);
        return 0;
}

int buf_append_str(struct buf *buf, const char *text) {
        return buf_append(buf, text, strlen(text));
}

int buf_append_char(struct buf *buf, char c) {
        return buf_append(buf, &c, 1);
}

int buf_vappendf(struct buf *buf, const char *format, va_list arguments) {
        va_list again;
        int length;
        char *to;

        va_copy(again, arguments);
        length = vsnprintf(NULL, 0, format, again);
        va_end(again);
        if (length < 0)
                return -EINVAL;
        to = buf_reserve(buf, (size_t)length);
        if (!to)
                return -E2BIG;
        (void)vsnprintf(to, (size_t)length + 1, format, arguments);
        buf_commit(buf, (size_t)length);
        return 0;
}

int buf_appendf(struct buf *buf, const char *format, ...) {
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = buf_vappendf(buf, format, arguments);
        va_end(arguments);
        return r;
}

void buf_consume(struct buf *buf, size_t len) {
        if (len >= buf->len) {
                buf_clear(buf);
                return;
        }
        buf->start += len;
        buf->len -= len;
}

void buf_clear(struct buf *buf) {
        buf->start = 0;
        buf->len = 0;
        if (buf->data)
                buf->data[0] = 0;
}

char *buf_steal(struct buf *buf) {
        char *text;

        if (!buf->data)
                return xstrdup("");
        if (buf->start > 0)
                memmove(buf->data, buf->data + buf->start, buf->len + 1);
        text = buf->data;
        *buf = BUF_INIT(buf->max);
        return text;
}
