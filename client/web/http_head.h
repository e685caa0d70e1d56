/* The head of an HTTP/1.x request (RFC 9112), read strictly: what two programs on a way could understand differently
 * (two lengths, folded lines, blanks before a colon) is refused. Knows no socket. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX ((size_t)16 * 1024)
#define HTTP_TARGET_MAX ((size_t)8 * 1024)
#define HTTP_HEADERS_MAX 64

struct http_header {
        const char *name, *value;
};

struct http_head {
        char *text; /* owned; what the others point into */
        const char *method, *target;
        struct http_header headers[HTTP_HEADERS_MAX];
        size_t n_headers;
        uint64_t content_length;
        bool keep_alive;
        bool expects_continue;
};

/* Looks at the front of what was received. Over 0: *ret is filled (http_head_done it) and that many bytes were the
 * head; 0: more are needed; below 0: the negative status that the client is owed (400, 411, 414, 431, 501, 505), and
 * *ret_why a sentence for it (a constant). */
int http_head_parse(const char *data, size_t len, struct http_head *ret, const char **ret_why);
void http_head_done(struct http_head *head);
/* Value of a header, by its name in any case; NULL when it is absent. */
const char *http_head_get(const struct http_head *head, const char *name);
/* Whether a comma-separated value has the word, in any case. */
bool http_value_has(const char *value, const char *word);
