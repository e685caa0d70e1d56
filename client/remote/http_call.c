#include "http_call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "macro.h"
#include "route.h"
#include "strutil.h"
#include "xalloc.h"

#define PATH_MAX_LEN ((size_t)8 * 1024)

static void append_escaped(struct buf *out, const char *text) {
        for (; *text; text++) {
                bool plain = (*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') ||
                             (*text >= 'a' && *text <= 'z') || strchr("-._~", *text);

                (void)buf_appendf(out, plain ? "%c" : "%%%02X", (unsigned char)*text);
        }
}

/* A value as it stands in an address; new string. */
static char *text_of(const struct jval *value) {
        switch (jval_type_of(value)) {
        case JVAL_STRING:
                return xstrdup(jval_str(value));
        case JVAL_ARRAY: {
                _cleanup_buf_ struct buf joined = BUF_INIT(PATH_MAX_LEN);

                for (size_t i = 0; i < jval_array_size(value); i++)
                        (void)buf_appendf(&joined, "%s%s", i > 0 ? "," : "", str_or(jval_str(jval_at(value, i)), ""));
                return buf_steal(&joined);
        }
        case JVAL_NULL:
        case JVAL_BOOLEAN:
        case JVAL_INTEGER:
        case JVAL_REAL:
        case JVAL_OBJECT:
                break;
        }
        return jval_dump(value);
}

/* How many {names} the pattern has, all of which the params have; -1: one is missing. */
static int names_of(const struct route *route, const struct jval *params) {
        int n = 0;

        for (const char *open = strchr(route->pattern, '{'); open; open = strchr(open + 1, '{')) {
                _cleanup_free_ char *name = xstrndup(open + 1, strcspn(open + 1, "}"));

                if (!params || !jval_has(params, name))
                        return -1;
                n++;
        }
        return n;
}

/* The address that takes most of the params; of a method that takes a run, those that name none are only for calls that
 * name none. */
static const struct route *find_route(const struct method *method, const struct jval *params) {
        const struct route *found = NULL;
        int best = -1;

        for (size_t i = 0; i < n_routes; i++) {
                int n = routes[i].method == method->id && routes[i].kind == ROUTE_CALL ? names_of(&routes[i], params)
                                                                                       : -1;

                if (n > best) {
                        best = n;
                        found = &routes[i];
                }
        }
        return found;
}

static void append_path(struct buf *out, const struct route *route, struct jval *rest) {
        const char *pattern = route->pattern;

        (void)buf_append_str(out, API_PREFIX);
        while (*pattern) {
                size_t plain = strcspn(pattern, "{");

                (void)buf_append(out, pattern, plain);
                pattern += plain;
                if (*pattern == '{') {
                        size_t len = strcspn(pattern, "}");
                        _cleanup_free_ char *name = xstrndup(pattern + 1, len - 1),
                                            *text = text_of(jval_get(rest, name));

                        append_escaped(out, text);
                        jval_remove(rest, name);
                        pattern += len + 1;
                }
        }
}

static void append_argument(struct buf *out, const char *outer, const char *name, const struct jval *value) {
        _cleanup_free_ char *text = text_of(value);

        (void)buf_append_char(out, memchr(buf_data(out), '?', out->len) ? '&' : '?');
        if (outer) {
                append_escaped(out, outer);
                (void)buf_append_char(out, '.');
        }
        append_escaped(out, name);
        (void)buf_append_char(out, '=');
        append_escaped(out, text);
}

static void append_query(struct buf *out, const struct jval *rest) {
        for (void *i = jval_iter(rest); i; i = jval_iter_next(rest, i)) {
                const struct jval *value = jval_iter_value(i);

                if (!jval_is_object(value)) {
                        append_argument(out, NULL, jval_iter_key(i), value);
                        continue;
                }
                for (void *k = jval_iter(value); k; k = jval_iter_next(value, k))
                        append_argument(out, jval_iter_key(i), jval_iter_key(k), jval_iter_value(k));
        }
}

int http_call_make(enum method_id id, const struct jval *params, struct http_call *ret) {
        const struct method *method = method_by_id(id);
        const struct route *route = find_route(method, params);
        _cleanup_jval_ struct jval *rest = params ? jval_deep_copy(params) : jval_object();
        _cleanup_buf_ struct buf path = BUF_INIT(PATH_MAX_LEN);

        if (!route)
                return -ENOTSUP;
        append_path(&path, route, rest);
        *ret = (struct http_call){0};
        if (method->acts)
                ret->body = jval_dump(rest);
        else
                append_query(&path, rest);
        ret->path = buf_steal(&path);
        return 0;
}

int http_call_stream(const char *run_id, int64_t after, int64_t lines, struct http_call *ret) {
        *ret = (struct http_call){0};
        if (after >= 0)
                ret->path = xasprintf(API_PREFIX "/runs/%s/stream?after=%" PRIi64, run_id, after);
        else if (lines >= 0)
                ret->path = xasprintf(API_PREFIX "/runs/%s/stream?lines=%" PRIi64, run_id, lines);
        else
                ret->path = xasprintf(API_PREFIX "/runs/%s/stream", run_id);
        return 0;
}

void http_call_done(struct http_call *call) {
        free(call->path);
        free(call->body);
        *call = (struct http_call){0};
}
