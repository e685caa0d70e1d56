/* The address of a request: its path, decoded and without tricks, and its query. */
#pragma once

#include <stddef.h>

struct http_pair {
        char *name, *value;
};

#define HTTP_QUERY_MAX 64

struct http_target {
        char *path; /* decoded, begins with '/' */
        struct http_pair query[HTTP_QUERY_MAX];
        size_t n_query;
};

/* 0, or -EINVAL and *ret_why (a constant): an escape that is none, bytes that are not UTF-8, a control character, an
 * empty segment, "." or "..", an encoded slash, more than HTTP_QUERY_MAX arguments. */
int http_target_parse(const char *target, struct http_target *ret, const char **ret_why);
void http_target_done(struct http_target *target);
/* The first value of a query argument; NULL when it is absent. */
const char *http_target_get(const struct http_target *target, const char *name);
