#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errortext.h"
#include "json.h"
#include "utf8.h"
#include "xalloc.h"

#define DEPTH_MAX 64
#define INTEGER_MAX 1000000000000000LL

struct parser {
        char *start;
        char *at;
        char *end;
        struct json_doc *doc;
        const char *problem;
};

static bool fail(struct parser *parser, const char *problem) {
        if (!parser->problem)
                parser->problem = problem;
        return false;
}

static size_t add_node(struct parser *parser, enum json_type type) {
        struct json_doc *doc = parser->doc;
        GROW(doc->nodes, doc->count, doc->capacity);
        doc->nodes[doc->count] = (struct json_node){.type = type, .span = 1};
        return doc->count++;
}

static void skip_space(struct parser *parser) {
        while (parser->at < parser->end &&
               (*parser->at == ' ' || *parser->at == '\n' || *parser->at == '\r' || *parser->at == '\t'))
                parser->at++;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* Four hexadecimal digits at `at`, or -1. */
static int32_t hex_quad(const char *at, const char *end) {
        if (end - at < 4)
                return -1;
        int32_t value = 0;
        for (int i = 0; i < 4; i++) {
                int digit = hex_digit(at[i]);
                if (digit < 0)
                        return -1;
                value = value * 16 + digit;
        }
        return value;
}

static char *put_utf8(char *out, uint32_t code) {
        if (code < 0x80) {
                *out++ = (char)code;
        } else if (code < 0x800) {
                *out++ = (char)(0xc0 | code >> 6);
                *out++ = (char)(0x80 | (code & 0x3f));
        } else if (code < 0x10000) {
                *out++ = (char)(0xe0 | code >> 12);
                *out++ = (char)(0x80 | (code >> 6 & 0x3f));
                *out++ = (char)(0x80 | (code & 0x3f));
        } else {
                *out++ = (char)(0xf0 | code >> 18);
                *out++ = (char)(0x80 | (code >> 12 & 0x3f));
                *out++ = (char)(0x80 | (code >> 6 & 0x3f));
                *out++ = (char)(0x80 | (code & 0x3f));
        }
        return out;
}

/* \uXXXX behind parser->at, a surrogate pair as one character. */
static bool unescape_unicode(struct parser *parser, char **out) {
        int32_t code = hex_quad(parser->at, parser->end);
        if (code <= 0)
                return fail(parser, code == 0 ? "NUL in a string" : "\\u needs four hexadecimal digits");
        parser->at += 4;
        if (code >= 0xdc00 && code <= 0xdfff)
                return fail(parser, "lone surrogate");
        if (code >= 0xd800 && code <= 0xdbff) {
                int32_t low = -1;
                if (parser->end - parser->at >= 6 && parser->at[0] == '\\' && parser->at[1] == 'u')
                        low = hex_quad(parser->at + 2, parser->end);
                if (low < 0xdc00 || low > 0xdfff)
                        return fail(parser, "lone surrogate");
                parser->at += 6;
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        *out = put_utf8(*out, (uint32_t)code);
        return true;
}

static bool unescape(struct parser *parser, char **out) {
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        if (parser->at == parser->end)
                return fail(parser, "string without an end");
        char c = *parser->at++;
        if (c == 'u')
                return unescape_unicode(parser, out);
        const char *found = c ? strchr(from, c) : NULL;
        if (!found)
                return fail(parser, "unknown escape in a string");
        *(*out)++ = to[found - from];
        return true;
}

/* Bytes that end the plain part of a string: the quote, the backslash and control characters. */
static bool is_plain(char c) {
        return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* parser->at is behind the opening quote. Most strings are plain to their end and stay where they are. */
static bool parse_string(struct parser *parser) {
        size_t index = add_node(parser, JSON_STRING);
        char *text = parser->at, *out = text;
        unsigned char bits = 0;
        for (;;) {
                char *from = parser->at, *at = from, *end = parser->end;
                while (at < end && is_plain(*at))
                        bits |= (unsigned char)*at++;
                parser->at = at;
                size_t plain = (size_t)(at - from);
                if (out != from)
                        memmove(out, from, plain);
                out += plain;
                if (parser->at == parser->end)
                        return fail(parser, "string without an end");
                char c = *parser->at++;
                if (c == '"')
                        break;
                if (c != '\\')
                        return fail(parser, "control character in a string");
                if (!unescape(parser, &out))
                        return false;
        }
        if (bits >= 0x80 && !utf8_is_valid(text, (size_t)(out - text)))
                return fail(parser, "invalid UTF-8 in a string");
        *out = '\0';
        parser->doc->nodes[index].text = text;
        parser->doc->nodes[index].length = (uint32_t)(out - text);
        return true;
}

static bool is_digit(const struct parser *parser) {
        return parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9';
}

static bool skip_digits(struct parser *parser) {
        if (!is_digit(parser))
                return fail(parser, "a digit is missing in a number");
        while (is_digit(parser))
                parser->at++;
        return true;
}

static bool parse_number(struct parser *parser) {
        size_t index = add_node(parser, JSON_NUMBER);
        char *text = parser->at;
        if (*parser->at == '-')
                parser->at++;
        if (parser->at < parser->end && *parser->at == '0')
                parser->at++;
        else if (!skip_digits(parser))
                return false;
        if (parser->at < parser->end && *parser->at == '.') {
                parser->at++;
                if (!skip_digits(parser))
                        return false;
        }
        if (parser->at < parser->end && (*parser->at == 'e' || *parser->at == 'E')) {
                parser->at++;
                if (parser->at < parser->end && (*parser->at == '+' || *parser->at == '-'))
                        parser->at++;
                if (!skip_digits(parser))
                        return false;
        }
        parser->doc->nodes[index].text = text;
        parser->doc->nodes[index].length = (uint32_t)(parser->at - text);
        return true;
}

static bool parse_word(struct parser *parser, const char *word, enum json_type type) {
        size_t length = strlen(word);
        if ((size_t)(parser->end - parser->at) < length || memcmp(parser->at, word, length) != 0)
                return fail(parser, "not a value");
        parser->at += length;
        (void)add_node(parser, type);
        return true;
}

static bool parse_value(struct parser *parser, int depth);

/* The key and the colon before a member's value. */
static bool parse_key(struct parser *parser) {
        skip_space(parser);
        if (parser->at == parser->end || *parser->at != '"')
                return fail(parser, "a key in quotes is missing");
        parser->at++;
        if (!parse_string(parser))
                return false;
        skip_space(parser);
        if (parser->at == parser->end || *parser->at != ':')
                return fail(parser, "':' is missing");
        parser->at++;
        return true;
}

/* An array or object; parser->at is behind the opening bracket. */
static bool parse_container(struct parser *parser, enum json_type type, char closing, int depth) {
        if (depth >= DEPTH_MAX)
                return fail(parser, "too deeply nested");
        size_t index = add_node(parser, type);
        uint32_t length = 0;
        skip_space(parser);
        bool more = parser->at == parser->end || *parser->at != closing;
        if (!more)
                parser->at++;
        while (more) {
                if (type == JSON_OBJECT && !parse_key(parser))
                        return false;
                if (!parse_value(parser, depth + 1))
                        return false;
                length++;
                skip_space(parser);
                if (parser->at == parser->end || (*parser->at != ',' && *parser->at != closing))
                        return fail(parser, type == JSON_OBJECT ? "',' or '}' is missing" : "',' or ']' is missing");
                more = *parser->at++ == ',';
        }
        parser->doc->nodes[index].length = length;
        parser->doc->nodes[index].span = (uint32_t)(parser->doc->count - index);
        return true;
}

static bool parse_value(struct parser *parser, int depth) {
        skip_space(parser);
        if (parser->at == parser->end)
                return fail(parser, "the text ends where a value is missing");
        char c = *parser->at;
        if (c == '"') {
                parser->at++;
                return parse_string(parser);
        }
        if (c == '{' || c == '[') {
                parser->at++;
                return parse_container(parser, c == '{' ? JSON_OBJECT : JSON_ARRAY, c == '{' ? '}' : ']', depth);
        }
        if (c == '-' || (c >= '0' && c <= '9'))
                return parse_number(parser);
        if (c == 't')
                return parse_word(parser, "true", JSON_TRUE);
        if (c == 'f')
                return parse_word(parser, "false", JSON_FALSE);
        return parse_word(parser, "null", JSON_NULL);
}

int json_parse(char *text, size_t length, struct json_doc *ret, char **ret_error) {
        struct json_doc doc = {0};
        struct parser parser = {.start = text, .at = text, .end = text + length, .doc = &doc};
        bool ok = length < UINT32_MAX ? parse_value(&parser, 0) : fail(&parser, "too long");
        if (ok) {
                skip_space(&parser);
                ok = parser.at == parser.end || fail(&parser, "text behind the value");
        }
        if (!ok) {
                json_done(&doc);
                return error_set(ret_error, -EBADMSG, "byte %zu: %s", (size_t)(parser.at - parser.start),
                                 parser.problem);
        }
        *ret = doc;
        return 0;
}

void json_done(struct json_doc *doc) {
        free(doc->nodes);
        *doc = (struct json_doc){0};
}

const char *json_type_name(const struct json_node *node) {
        static const char *const names[] = {
                [JSON_NULL] = "null",        [JSON_FALSE] = "false",     [JSON_TRUE] = "true",
                [JSON_NUMBER] = "a number",  [JSON_STRING] = "a string", [JSON_ARRAY] = "an array",
                [JSON_OBJECT] = "an object",
        };
        return node ? names[node->type] : "nothing";
}

const struct json_node *json_member(const struct json_node *object, const char *key) {
        if (!json_is(object, JSON_OBJECT))
                return NULL;
        size_t length = strlen(key);
        JSON_FOREACH(name, object)
        if (name->length == length && memcmp(name->text, key, length) == 0)
                return name + 1;
        return NULL;
}

const char *json_text(const struct json_node *node) {
        return json_is(node, JSON_STRING) ? node->text : NULL;
}

const char *json_member_text(const struct json_node *object, const char *key) {
        return json_text(json_member(object, key));
}

bool json_is_nothing(const struct json_node *node) {
        if (!node || node->type == JSON_NULL)
                return true;
        return (node->type == JSON_STRING || node->type == JSON_ARRAY || node->type == JSON_OBJECT) &&
               node->length == 0;
}

int json_integer(const struct json_node *node, int64_t otherwise, int64_t *ret) {
        if (json_is_nothing(node)) {
                *ret = otherwise;
                return 0;
        }
        if (node->type != JSON_STRING && node->type != JSON_NUMBER)
                return -EBADMSG;
        const char *at = node->text, *end = node->text + node->length;
        bool negative = *at == '-';
        if (*at == '-' || *at == '+')
                at++;
        if (at == end)
                return -EBADMSG;
        int64_t value = 0;
        for (; at < end && *at >= '0' && *at <= '9'; at++) {
                value = value * 10 + (*at - '0');
                if (value > INTEGER_MAX)
                        return -EBADMSG;
        }
        if (at < end && *at == '.' && at + 1 < end && at[-1] >= '0' && at[-1] <= '9')
                for (at++; at < end && *at == '0'; at++)
                        ;
        if (at != end)
                return -EBADMSG;
        *ret = negative ? -value : value;
        return 0;
}
