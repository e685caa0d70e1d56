#include "rpc.h"

#include <errno.h>
#include <string.h>

#include "errortext.h"
#include "frame.h"
#include "strutil.h"
#include "xalloc.h"

/* Longest text id; it is kept while the request is in flight. */
#define ID_MAX 256

static int take_id(const struct jval *root, const struct jval **ret, char **ret_error) {
        const struct jval *id = jval_get(root, "id");

        if (!id)
                return 0;
        if (jval_type_of(id) != JVAL_INTEGER && !(jval_is_string(id) && strlen(jval_str(id)) <= ID_MAX))
                return error_set(ret_error, -EINVAL, "\"id\" must be an integer or a string of at most %d bytes",
                                 ID_MAX);
        *ret = id;
        return 0;
}

static int take_members(struct rpc_request *request, char **ret_error) {
        const char *version = jval_get_str(request->root, "jsonrpc");
        const struct jval *params = jval_get(request->root, "params");
        int r = take_id(request->root, &request->id, ret_error);

        if (r < 0)
                return r;
        request->silent = !request->id;
        if (!version || !streq(version, "2.0"))
                return error_set(ret_error, -EINVAL, "\"jsonrpc\" must be \"2.0\"");
        request->method = jval_get_str(request->root, "method");
        if (!request->method)
                return error_set(ret_error, -EINVAL, "\"method\" must be a string such as \"daemon.status\"");
        if (params && jval_type_of(params) != JVAL_NULL) {
                if (!jval_is_object(params))
                        return error_set(ret_error, -EINVAL, "\"params\" must be an object: parameters go by name");
                request->params = params;
        }
        return 0;
}

int rpc_parse(const char *payload, size_t len, struct rpc_request *ret, char **ret_error) {
        _cleanup_free_ char *where = NULL;
        int r;

        *ret = (struct rpc_request){0};
        r = jval_parse(payload, len, &ret->root, &where);
        if (r < 0)
                return error_set(ret_error, -EINVAL, "the frame is not JSON: %s", where ? where : "cannot be parsed");
        if (jval_is_array(ret->root))
                return error_set(ret_error, -EINVAL,
                                 "a frame takes one request; send the requests of a batch in frames of their own");
        if (!jval_is_object(ret->root))
                return error_set(ret_error, -EINVAL, "a request must be a JSON object");
        return take_members(ret, ret_error);
}

void rpc_request_done(struct rpc_request *request) {
        jval_unref(request->root);
        *request = (struct rpc_request){0};
}

static int append_head(struct buf *out, const struct jval *id, const char *member) {
        int r = buf_append_str(out, "{\"jsonrpc\":\"2.0\",\"id\":");

        if (r >= 0)
                r = id ? jval_append(id, out) : buf_append_str(out, "null");
        return r >= 0 ? buf_appendf(out, ",\"%s\":", member) : r;
}

/* Ends a frame that was begun at mark; after a failure nothing of it stays. */
static int finish(struct buf *out, size_t mark, size_t len_before, int r) {
        int end = frame_end(out, mark);

        if (r < 0 && out->len > len_before) {
                out->len = len_before;
                out->data[out->start + out->len] = 0;
        }
        return r < 0 ? r : end;
}

int rpc_append_result(struct buf *out, const struct jval *id, const struct jval *result) {
        size_t before = out->len;
        size_t mark = frame_begin(out);
        int r = append_head(out, id, "result");

        if (r >= 0)
                r = jval_append(result, out);
        if (r >= 0)
                r = buf_append_char(out, '}');
        return finish(out, mark, before, r);
}

/* ,"name":value for each member but kind, which the error has already. */
static int append_members(struct buf *out, const struct jval *data) {
        for (void *i = data ? jval_iter(data) : NULL; i; i = jval_iter_next(data, i)) {
                int r;

                if (streq(jval_iter_key(i), "kind"))
                        continue;
                r = buf_append_char(out, ',');
                if (r >= 0)
                        r = json_append_string(out, jval_iter_key(i), strlen(jval_iter_key(i)));
                if (r >= 0)
                        r = buf_append_char(out, ':');
                if (r >= 0)
                        r = jval_append(jval_iter_value(i), out);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* In one line and without anything that steers a terminal, whatever was quoted in it from a request. */
static int append_message(struct buf *out, const char *message) {
        _cleanup_free_ char *line = xstrdup(message);

        for (char *c = line; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7F)
                        *c = ' ';
        return json_append_string(out, line, strlen(line));
}

int rpc_append_error(struct buf *out, const struct jval *id, enum error_kind kind, const char *message,
                     const struct jval *data) {
        size_t before = out->len;
        size_t mark = frame_begin(out);
        int r = append_head(out, id, "error");

        if (r >= 0)
                r = buf_appendf(out, "{\"code\":%d,\"message\":", error_kind_code(kind));
        if (r >= 0)
                r = append_message(out, message);
        if (r >= 0)
                r = buf_appendf(out, ",\"data\":{\"kind\":\"%s\"", error_kind_to_string(kind));
        if (r >= 0)
                r = append_members(out, data);
        if (r >= 0)
                r = buf_append_str(out, "}}}");
        return finish(out, mark, before, r);
}

int rpc_append_notification(struct buf *out, const char *method, const struct jval *params) {
        size_t before = out->len;
        size_t mark = frame_begin(out);
        int r = buf_append_str(out, "{\"jsonrpc\":\"2.0\",\"method\":");

        if (r >= 0)
                r = json_append_string(out, method, strlen(method));
        if (r >= 0)
                r = buf_append_str(out, ",\"params\":");
        if (r >= 0)
                r = jval_append(params, out);
        if (r >= 0)
                r = buf_append_char(out, '}');
        return finish(out, mark, before, r);
}
