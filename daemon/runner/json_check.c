#include "json_check.h"

#include <string.h>

#define DEPTH_MAX 32

struct reader {
        const char *at;
        const char *end;
        unsigned depth;
};

static bool read_value(struct reader *reader);

static bool at_char(const struct reader *reader, char c) {
        return reader->at < reader->end && *reader->at == c;
}

static bool take(struct reader *reader, char c) {
        if (!at_char(reader, c))
                return false;
        reader->at++;
        return true;
}

static void skip_space(struct reader *reader) {
        while (reader->at < reader->end && memchr(" \t\r\n", *reader->at, 4))
                reader->at++;
}

static bool take_word(struct reader *reader, const char *word) {
        size_t len = strlen(word);
        if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
                return false;
        reader->at += len;
        return true;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool take_digits(struct reader *reader) {
        const char *start = reader->at;
        while (reader->at < reader->end && is_digit(*reader->at))
                reader->at++;
        return reader->at > start;
}

static bool read_number(struct reader *reader) {
        take(reader, '-');
        if (!take(reader, '0') && !take_digits(reader))
                return false;
        if (take(reader, '.') && !take_digits(reader))
                return false;
        if (take(reader, 'e') || take(reader, 'E')) {
                if (!take(reader, '+'))
                        take(reader, '-');
                return take_digits(reader);
        }
        return true;
}

static bool is_hex(char c) {
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool read_escape(struct reader *reader) {
        if (reader->at >= reader->end)
                return false;
        char c = *reader->at++;
        if (c != 'u')
                return c && strchr("\"\\/bfnrt", c);
        /* \u0000 is JSON, but PostgreSQL's jsonb refuses it. */
        if (reader->end - reader->at < 4 || memcmp(reader->at, "0000", 4) == 0)
                return false;
        for (int i = 0; i < 4; i++)
                if (!is_hex(*reader->at++))
                        return false;
        return true;
}

static bool read_string(struct reader *reader) {
        if (!take(reader, '"'))
                return false;
        while (reader->at < reader->end) {
                unsigned char c = (unsigned char)*reader->at++;
                if (c == '"')
                        return true;
                if (c < 0x20 || (c == '\\' && !read_escape(reader)))
                        return false;
        }
        return false;
}

static bool read_member(struct reader *reader) {
        skip_space(reader);
        if (!read_string(reader))
                return false;
        skip_space(reader);
        return take(reader, ':') && read_value(reader);
}

static bool read_list(struct reader *reader, char close, bool (*read_one)(struct reader *)) {
        reader->at++;
        skip_space(reader);
        if (take(reader, close))
                return true;
        do {
                if (!read_one(reader))
                        return false;
        } while (take(reader, ','));
        return take(reader, close);
}

static bool read_plain(struct reader *reader) {
        if (at_char(reader, '{'))
                return read_list(reader, '}', read_member);
        if (at_char(reader, '['))
                return read_list(reader, ']', read_value);
        if (at_char(reader, '"'))
                return read_string(reader);
        return take_word(reader, "true") || take_word(reader, "false") || take_word(reader, "null") ||
               read_number(reader);
}

static bool read_value(struct reader *reader) {
        if (++reader->depth > DEPTH_MAX)
                return false;
        skip_space(reader);
        if (!read_plain(reader))
                return false;
        skip_space(reader);
        reader->depth--;
        return true;
}

bool json_is_valid(const char *text, size_t len) {
        struct reader reader = {.at = text, .end = text + len};
        return read_value(&reader) && reader.at == reader.end;
}
