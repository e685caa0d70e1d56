#include "http_target.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "strutil.h"
#include "utf8.h"
#include "xalloc.h"

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes %HH in place; in a query '+' is a blank. False: an escape that is none, or one of a control character. */
static bool decode(char *text, bool is_query) {
        char *out = text;

        for (; *text; text++) {
                if (*text == '%') {
                        int high = hex_value(text[1]), low = high < 0 ? -1 : hex_value(text[2]);

                        if (low < 0 || (high << 4 | low) == 0)
                                return false;
                        *out++ = (char)(high << 4 | low);
                        text += 2;
                } else {
                        *out++ = (char)(*text == '+' && is_query ? ' ' : *text);
                }
        }
        *out = '\0';
        return true;
}

static bool has_control(const char *text) {
        for (; *text; text++)
                if (((unsigned char)*text < ' ') || *text == 127)
                        return true;
        return false;
}

/* Each segment is decoded by itself, so that an encoded slash or dot is seen as what it is. */
static int decode_path(char *path, char **ret, const char **ret_why) {
        _cleanup_free_ char *decoded = xcalloc(1, strlen(path) + 1);
        char *end = decoded, *next = path + 1;

        *ret_why = "the address has an empty segment, \"..\" or an escape that is none";
        for (;;) {
                char *segment = strsep(&next, "/");

                if (!decode(segment, false) || strchr(segment, '/') || strchr(segment, '\\') || streq(segment, ".") ||
                    streq(segment, ".."))
                        return -EINVAL;
                if (*segment == '\0' && next)
                        return -EINVAL;
                *end++ = '/';
                end = stpcpy(end, segment);
                if (!next)
                        break;
        }
        if (has_control(decoded) || !utf8_is_valid(decoded, strlen(decoded)))
                return -EINVAL;
        *ret = STEAL_PTR(decoded);
        return 0;
}

static int parse_query(char *query, struct http_target *target, const char **ret_why) {
        for (char *part; (part = strsep(&query, "&"));) {
                char *value = strchr(part, '=');

                if (*part == '\0')
                        continue;
                if (value)
                        *value++ = '\0';
                else
                        value = part + strlen(part);
                *ret_why = "an argument of the address has an escape that is none, or is not UTF-8";
                if (!decode(part, true) || !decode(value, true) || !utf8_is_valid(part, strlen(part)) ||
                    !utf8_is_valid(value, strlen(value)))
                        return -EINVAL;
                *ret_why = "more than 64 arguments in the address";
                if (target->n_query == HTTP_QUERY_MAX)
                        return -EINVAL;
                target->query[target->n_query++] = (struct http_pair){xstrdup(part), xstrdup(value)};
        }
        return 0;
}

int http_target_parse(const char *text, struct http_target *ret, const char **ret_why) {
        _cleanup_free_ char *copy = xstrdup(text);
        struct http_target target = {0};
        char *query;
        int r;

        copy[strcspn(copy, "#")] = '\0';
        query = strchr(copy, '?');
        if (query)
                *query++ = '\0';
        r = decode_path(copy, &target.path, ret_why);
        if (r == 0 && query)
                r = parse_query(query, &target, ret_why);
        if (r < 0) {
                http_target_done(&target);
                return r;
        }
        *ret = target;
        return 0;
}

void http_target_done(struct http_target *target) {
        free(target->path);
        for (size_t i = 0; i < target->n_query; i++) {
                free(target->query[i].name);
                free(target->query[i].value);
        }
        *target = (struct http_target){0};
}

const char *http_target_get(const struct http_target *target, const char *name) {
        for (size_t i = 0; i < target->n_query; i++)
                if (streq(target->query[i].name, name))
                        return target->query[i].value;
        return NULL;
}
