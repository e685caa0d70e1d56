#include "unit_word.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "errortext.h"
#include "unit_lexer.h"
#include "utf8.h"

#define WHITESPACE " \t\r\n"

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* `count` digits of the base (8 or 16) at text, as a number; -1 when they are not there. */
static int64_t digits(const char *text, size_t count, int base) {
        int64_t number = 0;

        for (size_t i = 0; i < count; i++) {
                int digit = hex_digit(text[i]);

                if (digit < 0 || digit >= base)
                        return -1;
                number = number * base + digit;
        }
        return number;
}

static int append_code_point(struct buf *out, uint32_t c) {
        char bytes[4];
        size_t n = 0;

        if (c < 0x80) {
                bytes[n++] = (char)c;
        } else if (c < 0x800) {
                bytes[n++] = (char)(0xC0 | (c >> 6));
        } else if (c < 0x10000) {
                bytes[n++] = (char)(0xE0 | (c >> 12));
                bytes[n++] = (char)(0x80 | ((c >> 6) & 0x3F));
        } else {
                bytes[n++] = (char)(0xF0 | (c >> 18));
                bytes[n++] = (char)(0x80 | ((c >> 12) & 0x3F));
                bytes[n++] = (char)(0x80 | ((c >> 6) & 0x3F));
        }
        if (c >= 0x80)
                bytes[n++] = (char)(0x80 | (c & 0x3F));
        return buf_append(out, bytes, n);
}

static char simple_escape(char c) {
        static const char from[] = "abfnrtvs\\\"';", to[] = "\a\b\f\n\r\t\v \\\"';";
        const char *at = c ? strchr(from, c) : NULL;

        return at ? to[at - from] : '\0';
}

/* The escape behind the backslash at *p, which moves behind it. */
static int take_escape(const char **p, struct buf *out, char **ret_error) {
        const char *text = *p + 1;
        char simple = simple_escape(*text);
        bool is_unicode = *text == 'u' || *text == 'U';
        size_t count = *text == 'x' ? 2 : *text == 'u' ? 4 : *text == 'U' ? 8 : 3;
        const char *start = *text == 'x' || is_unicode ? text + 1 : text;
        int64_t number;

        if (simple) {
                *p = text + 1;
                return buf_append_char(out, simple);
        }
        number = digits(start, count, start == text ? 8 : 16);
        if (number < 0)
                return error_set(ret_error, -EINVAL, "\"\\%.*s\" is no escape; a backslash itself is written \\\\",
                                 (int)utf8_sequence_length(text, strlen(text)), text);
        if (number == 0)
                return error_set(ret_error, -EINVAL, "an escape stands for NUL, which no argument can hold");
        if (is_unicode ? number > 0x10FFFF || (number >= 0xD800 && number <= 0xDFFF) : number > 0xFF)
                return error_set(ret_error, -EINVAL, "\"\\%.*s\" stands for no character",
                                 (int)(count + (start == text ? 0 : 1)), text);
        *p = start + count;
        return is_unicode ? append_code_point(out, (uint32_t)number) : buf_append_char(out, (char)number);
}

/* Up to the first white space outside quotes. */
static int take_word(const char **p, struct buf *out, bool *quoted, char **ret_error) {
        char quote = '\0';
        int r = 0;

        for (; **p && (quote || !strchr(WHITESPACE, **p)); r = 0) {
                if (**p == '\\') {
                        *quoted = true;
                        r = take_escape(p, out, ret_error);
                } else if (quote ? **p == quote : **p == '"' || **p == '\'') {
                        *quoted = true;
                        quote = quote ? '\0' : **p;
                        (*p)++;
                } else {
                        r = buf_append_char(out, *(*p)++);
                }
                if (r < 0)
                        return r;
        }
        if (quote)
                return error_set(ret_error, -EINVAL, "a %c is not closed", quote);
        return 0;
}

int unit_word_next(const char **position, char **ret, bool *ret_quoted, char **ret_error) {
        _cleanup_buf_ struct buf word = BUF_INIT(UNIT_LINE_MAX);
        const char *p = *position + strspn(*position, WHITESPACE);
        bool quoted = false;
        int r;

        if (!*p) {
                *position = p;
                return 0;
        }
        r = take_word(&p, &word, &quoted, ret_error);
        if (r < 0)
                return r;
        if (!utf8_is_valid(buf_data(&word), word.len))
                return error_set(ret_error, -EINVAL, "the escapes give invalid UTF-8; write \\uXXXX for a character");
        *position = p;
        *ret = buf_steal(&word);
        if (ret_quoted)
                *ret_quoted = quoted;
        return 1;
}
