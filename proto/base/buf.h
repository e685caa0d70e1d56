/* A growable byte buffer with a cap set where it is made. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "cleanup.h"
#include "macro.h"

/* data[start .. start+len) is the content. A NUL always follows the content, so that text can be used as it is. */
struct buf {
        char *data;
        size_t start;
        size_t len;
        size_t size; /* allocated */
        size_t max;  /* content never exceeds this */
};

/* No allocation happens until the first append. max: the greatest content in bytes. */
#define BUF_INIT(maximum) ((struct buf){.max = (maximum)})
void buf_done(struct buf *buf);
#define _cleanup_buf_ _cleanup_(buf_done)

static inline const char *buf_data(const struct buf *buf) {
        return buf->data ? buf->data + buf->start : "";
}

/* All appends: 0, or -E2BIG when the cap would be passed (the buffer is then unchanged). */
int buf_append(struct buf *buf, const void *data, size_t len);
int buf_append_str(struct buf *buf, const char *text);
int buf_append_char(struct buf *buf, char c);
int buf_appendf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
int buf_vappendf(struct buf *buf, const char *format, va_list arguments) PRINTF_LIKE(2, 0);

/* Room for at least `len` more bytes after the content: a pointer to write to, to be followed by buf_commit.
 * NULL when the cap would be passed. */
char *buf_reserve(struct buf *buf, size_t len);
void buf_commit(struct buf *buf, size_t len);

/* Drops `len` bytes from the front (no copy until room is needed). */
void buf_consume(struct buf *buf, size_t len);
/* Forgets the content and keeps the memory. */
void buf_clear(struct buf *buf);
/* The content as a string of its own (never NULL); the buffer is empty afterwards. */
char *buf_steal(struct buf *buf);
