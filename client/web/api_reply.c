#include "api_reply.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

static const int statuses[] = {
        [ERROR_KIND_PARSE] = 400,           [ERROR_KIND_METHOD] = 404,    [ERROR_KIND_INVALID_PARAMS] = 422,
        [ERROR_KIND_ALREADY_RUNNING] = 409, [ERROR_KIND_NOT_FOUND] = 404, [ERROR_KIND_RATE_LIMITED] = 429,
        [ERROR_KIND_NOT_PERMITTED] = 403,   [ERROR_KIND_PAUSED] = 409,    [ERROR_KIND_TOO_LARGE] = 413,
        [ERROR_KIND_UNAVAILABLE] = 503,     [ERROR_KIND_VERSION] = 503,   [ERROR_KIND_INTERNAL] = 500,
};
static_assert(ELEMENTSOF(statuses) == _ERROR_KIND_MAX, "a status for every kind");

int api_status_of(enum error_kind kind) {
        assert(kind < _ERROR_KIND_MAX);
        return statuses[kind];
}

/* retry_after: seconds, 0: not said. allowed: verbs, NULL: not said. */
static void send_json(struct http_conn *conn, int status, const struct jval *value, int64_t retry_after,
                      const char *allowed) {
        _cleanup_free_ char *text = jval_dump(value);
        struct http_reply reply = {.status = status, .type = "application/json", .body = text, .len = strlen(text)};
        char seconds[24];

        http_reply_add(&reply, "Cache-Control", "no-store");
        if (retry_after > 0) {
                (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)retry_after);
                http_reply_add(&reply, "Retry-After", seconds);
        }
        if (allowed)
                http_reply_add(&reply, "Allow", allowed);
        if (status == 401)
                http_reply_add(&reply, "WWW-Authenticate", "Bearer realm=\"batchd\"");
        http_conn_reply(conn, &reply);
}

void api_reply_value(struct http_conn *conn, int status, const struct jval *value) {
        send_json(conn, status, value, 0, NULL);
}

static int64_t seconds_to_wait(enum error_kind kind, const struct jval *data) {
        if (kind == ERROR_KIND_RATE_LIMITED)
                return jval_get_int(data, "retry_after_seconds", 60);
        return kind == ERROR_KIND_UNAVAILABLE ? 2 : 0;
}

/* Takes data over, sets its kind. */
static struct jval *error_body(enum error_kind kind, struct jval *data, const char *message) {
        struct jval *body = jval_object(), *error = jval_object();

        jval_set_str(data, "kind", error_kind_to_string(kind));
        jval_set_int(error, "code", error_kind_code(kind));
        jval_set_str(error, "message", message);
        jval_set(error, "data", data);
        jval_set(body, "error", error);
        return body;
}

void api_reply_error_as(struct http_conn *conn, int status, enum error_kind kind, struct jval *data,
                        const char *message) {
        struct jval *of_kind = data ? data : jval_object();
        int64_t retry_after = seconds_to_wait(kind, of_kind);
        _cleanup_jval_ struct jval *body = error_body(kind, of_kind, message);

        send_json(conn, status, body, retry_after, NULL);
}

void api_reply_wrong_verb(struct http_conn *conn, const char *allowed) {
        _cleanup_free_ char *message = xasprintf("this address takes %s", allowed);
        _cleanup_jval_ struct jval *body = error_body(ERROR_KIND_METHOD, jval_object(), message);

        send_json(conn, 405, body, 0, allowed);
}

void api_reply_error(struct http_conn *conn, enum error_kind kind, struct jval *data, const char *format, ...) {
        _cleanup_free_ char *message = NULL;
        va_list arguments;

        va_start(arguments, format);
        message = xvasprintf(format, arguments);
        va_end(arguments);
        api_reply_error_as(conn, statuses[kind], kind, data, message);
}

void api_reply_message(struct http_conn *conn, const struct client_message *message, const char *why) {
        if (!message)
                api_reply_error(conn, ERROR_KIND_UNAVAILABLE, NULL, "%s", why);
        else if (message->kind == CLIENT_ANSWER)
                api_reply_value(conn, 200, message->value);
        else
                api_reply_error(conn, message->error_kind,
                                jval_is_object(message->value) ? jval_ref(message->value) : NULL, "%s",
                                message->error_text);
}
