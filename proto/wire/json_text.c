/* JSON strings written straight into a buffer: runs of plain bytes are found with a table and copied whole. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "jval.h"
#include "utf8.h"

/* What a byte needs: 0 nothing, 'u' a \u00HH escape, 'x' (NUL) the text \x00, '8' a look at the UTF-8 sequence it
 * begins, else the letter behind the backslash (RFC 8259, section 7). */
static const char escape_table[128] = {
        [0x00] = 'x', [0x01] = 'u', [0x02] = 'u', [0x03] = 'u', [0x04] = 'u', [0x05] = 'u',  [0x06] = 'u',
        [0x07] = 'u', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', [0x0b] = 'u', ['\f'] = 'f',  ['\r'] = 'r',
        [0x0e] = 'u', [0x0f] = 'u', [0x10] = 'u', [0x11] = 'u', [0x12] = 'u', [0x13] = 'u',  [0x14] = 'u',
        [0x15] = 'u', [0x16] = 'u', [0x17] = 'u', [0x18] = 'u', [0x19] = 'u', [0x1a] = 'u',  [0x1b] = 'u',
        [0x1c] = 'u', [0x1d] = 'u', [0x1e] = 'u', [0x1f] = 'u', ['"'] = '"',  ['\\'] = '\\',
};

static char escape_of(char c) {
        return (unsigned char)c < 128 ? escape_table[(unsigned char)c] : '8';
}

/* Eight bytes at once: none of them is a control character, a quote, a backslash or above 0x7f. */
static bool eight_plain(const char *text) {
        const uint64_t ones = 0x0101010101010101ULL, tops = 0x8080808080808080ULL;
        uint64_t word;
        memcpy(&word, text, sizeof(word));
        uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
        uint64_t found = word | (word - ones * 0x20) | (quote - ones) | (backslash - ones);
        return (found & tops) == 0;
}

/* The length of the run at text that can be copied as it is. */
static size_t plain_run(const char *text, size_t len) {
        size_t i = 0;
        while (i < len) {
                while (len - i >= 8 && eight_plain(text + i))
                        i += 8;
                if (i == len)
                        break;
                char escape = escape_of(text[i]);
                if (escape == 0) {
                        i++;
                        continue;
                }
                size_t sequence = escape == '8' ? utf8_sequence_length(text + i, len - i) : 0;
                if (sequence == 0)
                        break;
                i += sequence;
        }
        return i;
}

static int append_escaped(struct buf *buf, unsigned char c) {
        static const char digits[] = "0123456789abcdef";
        char escape = escape_of((char)c);
        if (escape == 'u') {
                char text[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
                return buf_append(buf, text, sizeof(text));
        }
        if (escape == 'x' || escape == '8') {
                char text[5] = {'\\', '\\', 'x', digits[c >> 4], digits[c & 15]};
                return buf_append(buf, text, sizeof(text));
        }
        char text[2] = {'\\', escape};
        return buf_append(buf, text, sizeof(text));
}

static int append_quoted(struct buf *buf, const char *text, size_t len) {
        int r = buf_append_char(buf, '"');
        for (size_t i = 0; r >= 0 && i < len;) {
                size_t run = plain_run(text + i, len - i);
                if (run > 0)
                        r = buf_append(buf, text + i, run);
                i += run;
                if (r >= 0 && i < len)
                        r = append_escaped(buf, (unsigned char)text[i++]);
        }
        if (r >= 0)
                r = buf_append_char(buf, '"');
        return r;
}

int json_append_string(struct buf *buf, const char *text, size_t len) {
        size_t mark = buf->len;
        int r = append_quoted(buf, text, len);
        if (r < 0 && buf->data) {
                buf->len = mark;
                buf->data[buf->start + mark] = '\0';
        }
        return r;
}
