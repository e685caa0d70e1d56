#include "http_head.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "strutil.h"
#include "xalloc.h"

/* RFC 9110, 5.6.2 */
static bool is_token_char(char c) {
        return c != '\0' && (isalnum((unsigned char)c) || strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(const char *text) {
        if (*text == '\0')
                return false;
        for (; *text; text++)
                if (!is_token_char(*text))
                        return false;
        return true;
}

static int refuse(int status, const char *why, const char **ret_why) {
        *ret_why = why;
        return -status;
}

/* Length of the head with the empty line that ends it; 0 when that has not come. A line ends in CRLF, or in LF alone.
 */
static size_t head_length(const char *data, size_t len) {
        for (size_t i = 0; i + 1 < len; i++) {
                if (data[i] != '\n')
                        continue;
                if (data[i + 1] == '\n')
                        return i + 2;
                if (i + 2 < len && data[i + 1] == '\r' && data[i + 2] == '\n')
                        return i + 3;
        }
        return 0;
}

/* Cuts the next line off. NULL when it holds a control character. */
static char *next_line(char **position) {
        char *line = *position, *end = strchr(line, '\n');

        *position = end + 1;
        if (end > line && end[-1] == '\r')
                end--;
        *end = '\0';
        for (char *c = line; c < end; c++)
                if ((*c >= 0 && *c < ' ' && *c != '\t') || *c == 127)
                        return NULL;
        return line;
}

static int parse_request_line(char *line, struct http_head *head, const char **ret_why) {
        char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;

        if (!version)
                return refuse(400, "the first line is no \"METHOD TARGET HTTP/1.1\"", ret_why);
        *target++ = *version++ = '\0';
        if (!is_token(line))
                return refuse(400, "the method is no word", ret_why);
        if (strlen(target) > HTTP_TARGET_MAX)
                return refuse(414, "the address is longer than 8 KiB", ret_why);
        if (!streq(version, "HTTP/1.1") && !streq(version, "HTTP/1.0"))
                return refuse(startswith(version, "HTTP/") ? 505 : 400, "only HTTP/1.1 and HTTP/1.0 are spoken here",
                              ret_why);
        if (*target != '/')
                return refuse(400, "the address does not begin with a slash", ret_why);
        head->method = line;
        head->target = target;
        head->keep_alive = streq(version, "HTTP/1.1");
        return 0;
}

static int parse_header(char *line, struct http_head *head, const char **ret_why) {
        char *colon = strchr(line, ':');

        if (*line == ' ' || *line == '\t')
                return refuse(400, "a header is folded over two lines", ret_why);
        if (!colon)
                return refuse(400, "a header has no colon", ret_why);
        *colon = '\0';
        if (!is_token(line))
                return refuse(400, "the name of a header is no word", ret_why);
        if (head->n_headers == HTTP_HEADERS_MAX)
                return refuse(431, "more than 64 headers", ret_why);
        head->headers[head->n_headers++] = (struct http_header){line, strstrip(colon + 1)};
        return 0;
}

static size_t count_headers(const struct http_head *head, const char *name) {
        size_t n = 0;

        for (size_t i = 0; i < head->n_headers; i++)
                n += strcasecmp(head->headers[i].name, name) == 0;
        return n;
}

const char *http_head_get(const struct http_head *head, const char *name) {
        for (size_t i = 0; i < head->n_headers; i++)
                if (strcasecmp(head->headers[i].name, name) == 0)
                        return head->headers[i].value;
        return NULL;
}

bool http_value_has(const char *value, const char *word) {
        size_t len = strlen(word);

        while (value && *value) {
                value += strspn(value, " \t,");
                size_t part = strcspn(value, ",");
                size_t text = strcspn(value, ", \t;");

                if (text == len && strncasecmp(value, word, len) == 0)
                        return true;
                value += part;
        }
        return false;
}

static int check_framing(struct http_head *head, const char **ret_why) {
        const char *length = http_head_get(head, "Content-Length"), *connection = http_head_get(head, "Connection");

        if (count_headers(head, "Host") != 1 && (head->keep_alive || http_head_get(head, "Host")))
                return refuse(400, "exactly one Host header is needed", ret_why);
        if (http_head_get(head, "Transfer-Encoding"))
                return refuse(http_head_get(head, "Content-Length") ? 400 : 411,
                              "send the body with a Content-Length, not in chunks", ret_why);
        if (count_headers(head, "Content-Length") > 1)
                return refuse(400, "more than one Content-Length", ret_why);
        if (length &&
            (strspn(length, "0123456789") != strlen(length) || parse_uint64(length, &head->content_length) < 0))
                return refuse(400, "Content-Length is no number of bytes", ret_why);
        if (http_value_has(connection, "close"))
                head->keep_alive = false;
        else if (http_value_has(connection, "keep-alive"))
                head->keep_alive = true;
        head->expects_continue = http_value_has(http_head_get(head, "Expect"), "100-continue");
        return 0;
}

static int parse_lines(struct http_head *head, const char **ret_why) {
        char *position = head->text, *line = next_line(&position);
        int r = line ? parse_request_line(line, head, ret_why) : 0;

        while (line && r == 0) {
                line = next_line(&position);
                if (line && *line == '\0')
                        return check_framing(head, ret_why);
                if (line)
                        r = parse_header(line, head, ret_why);
        }
        return r < 0 ? r : refuse(400, "a control character in the head", ret_why);
}

int http_head_parse(const char *data, size_t len, struct http_head *ret, const char **ret_why) {
        struct http_head head = {0};
        size_t blank = 0, length;
        int r;

        /* Empty lines before a request are left over from the one before (RFC 9112, 2.2). */
        while (blank < len && blank < 8 && (data[blank] == '\r' || data[blank] == '\n'))
                blank++;
        length = head_length(data + blank, len - blank);
        if (length > HTTP_HEAD_MAX || (length == 0 && len - blank > HTTP_HEAD_MAX))
                return refuse(431, "the head is longer than 16 KiB", ret_why);
        if (length == 0)
                return 0;
        if (memchr(data + blank, '\0', length))
                return refuse(400, "a control character in the head", ret_why);
        head.text = xstrndup(data + blank, length);
        r = parse_lines(&head, ret_why);
        if (r < 0) {
                http_head_done(&head);
                return r;
        }
        *ret = head;
        return (int)(blank + length);
}

void http_head_done(struct http_head *head) {
        free(head->text);
        *head = (struct http_head){0};
}
