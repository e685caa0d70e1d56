#include "utf8.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* RFC 3629, section 4: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t utf8_sequence_length(const char *text, size_t len) {
        const unsigned char *s = (const unsigned char *)text;
        unsigned char low = 0x80, high = 0xBF;
        size_t n;

        if (len == 0)
                return 0;
        if (s[0] < 0x80)
                return 1;
        if (s[0] >= 0xC2 && s[0] <= 0xDF)
                n = 2;
        else if (s[0] >= 0xE0 && s[0] <= 0xEF)
                n = 3;
        else if (s[0] >= 0xF0 && s[0] <= 0xF4)
                n = 4;
        else
                return 0;
        if (s[0] == 0xE0)
                low = 0xA0;
        else if (s[0] == 0xED)
                high = 0x9F;
        else if (s[0] == 0xF0)
                low = 0x90;
        else if (s[0] == 0xF4)
                high = 0x8F;
        if (len < n || s[1] < low || s[1] > high)
                return 0;
        for (size_t i = 2; i < n; i++)
                if (s[i] < 0x80 || s[i] > 0xBF)
                        return 0;
        return n;
}

/* Length of the leading run of ASCII other than NUL, eight bytes at a time. */
static size_t ascii_run(const char *text, size_t len) {
        size_t i = 0;

        for (; i + 8 <= len; i += 8) {
                uint64_t word;

                memcpy(&word, text + i, 8);
                if ((word | (word - 0x0101010101010101ULL)) & 0x8080808080808080ULL)
                        break;
        }
        while (i < len && text[i] != 0 && !((unsigned char)text[i] & 0x80))
                i++;
        return i;
}

bool utf8_is_valid(const char *text, size_t len) {
        size_t i = 0;

        while (i < len) {
                size_t n = ascii_run(text + i, len - i);

                if (n == 0)
                        n = utf8_sequence_length(text + i, len - i);
                if (n == 0)
                        return false;
                i += n;
        }
        return true;
}

int utf8_append_escaped(struct buf *buf, const char *text, size_t len) {
        size_t i = 0;

        while (i < len) {
                size_t run = i;
                int r;

                /* The longest stretch that can be copied as it is. */
                while (run < len) {
                        size_t n = ascii_run(text + run, len - run);

                        if (n == 0 && text[run] != 0)
                                n = utf8_sequence_length(text + run, len - run);
                        if (n == 0)
                                break;
                        run += n;
                }
                r = buf_append(buf, text + i, run - i);
                if (r < 0)
                        return r;
                i = run;
                if (i < len) {
                        r = buf_appendf(buf, "\\x%02x", (unsigned char)text[i]);
                        if (r < 0)
                                return r;
                        i++;
                }
        }
        return 0;
}

char *utf8_escape(const char *text, size_t len, size_t max) {
        struct buf buf = BUF_INIT(SIZE_MAX / 2);

        /* Bytes behind the cap can only be cut off again; 3 more let a character at the border be whole. */
        (void)utf8_append_escaped(&buf, text, len > max ? MIN(len, max + 3) : len);
        if (buf.len > max) {
                size_t cut = max;

                while (cut > 0 && ((unsigned char)buf_data(&buf)[cut] & 0xC0) == 0x80)
                        cut--;
                buf.len = cut;
                buf.data[buf.start + cut] = 0;
        }
        return buf_steal(&buf);
}

static uint32_t decode(const char *text, size_t n) {
        const unsigned char *s = (const unsigned char *)text;
        uint32_t c = n == 1 ? s[0] : n == 2 ? s[0] & 0x1Fu : n == 3 ? s[0] & 0x0Fu : s[0] & 0x07u;

        for (size_t i = 1; i < n; i++)
                c = c << 6 | (s[i] & 0x3Fu);
        return c;
}

/* Unicode's East Asian Width (UAX #11) in the ranges that occur in text: wide, or combining. */
static size_t character_width(uint32_t c) {
        if (c < 0x20 || (c >= 0x7F && c < 0xA0))
                return 0;
        if ((c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F))
                return 0;
        if ((c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
            (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
            (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD))
                return 2;
        return 1;
}

size_t utf8_width(const char *text) {
        size_t width = 0, len = strlen(text);

        for (size_t i = 0; i < len;) {
                size_t n = utf8_sequence_length(text + i, len - i);

                if (n == 0) {
                        width++;
                        i++;
                        continue;
                }
                width += character_width(decode(text + i, n));
                i += n;
        }
        return width;
}
