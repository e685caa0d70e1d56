/* UTF-8 (RFC 3629): validation, and making foreign bytes fit to show. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* Length in bytes of the valid sequence at text (1..4), or 0 when the bytes there are not valid UTF-8. */
size_t utf8_sequence_length(const char *text, size_t len);
bool utf8_is_valid(const char *text, size_t len);
/* Appends text with each invalid byte, and NUL, as the four characters \xHH. 0 or -E2BIG. */
int utf8_append_escaped(struct buf *buf, const char *text, size_t len);
/* A new string, as utf8_append_escaped; at most max bytes long, cut at a character's border. */
char *utf8_escape(const char *text, size_t len, size_t max);
/* Columns that the text takes on a terminal (wcwidth-like for the common ranges; control characters count 0). */
size_t utf8_width(const char *text);
