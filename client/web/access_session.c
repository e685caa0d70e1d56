/* /api/v1/session: who am I, log in, log out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access_internal.h"
#include "api_reply.h"
#include "log.h"
#include "strutil.h"
#include "xalloc.h"

struct login {
        struct access *access;
        struct http_conn *conn;
        struct client_origin origin;
};

static struct jval *describe(const struct access *access, const struct caller *caller) {
        struct jval *value = jval_object();

        jval_set_str(value, "user", caller->name[0] ? caller->name : NULL);
        jval_set_bool(value, "may_read", caller->name[0] || access->config->read_access == READ_ACCESS_OPEN);
        jval_set_bool(value, "may_act", caller->may_act);
        jval_set_str(value, "csrf_token", caller->csrf);
        jval_set_str(value, "read_access", access->config->read_access == READ_ACCESS_OPEN ? "open" : "login");
        jval_set_bool(value, "login_possible", access->hash != NULL);
        jval_set_bool(value, "stream", access->config->stream);
        jval_set_int(value, "actions_per_minute", access->config->actions_per_minute);
        jval_set_str(value, "address", caller->origin.address);
        return value;
}

static void reply_with_cookie(const struct access *access, struct http_conn *conn, const struct caller *caller,
                              const char *id, bool expires) {
        _cleanup_jval_ struct jval *value = describe(access, caller);
        _cleanup_free_ char *text = jval_dump(value),
                            *cookie = xasprintf(SESSION_COOKIE "=%s; Path=%s/; HttpOnly; SameSite=Strict%s%s", id,
                                                str_or(access->config->path_prefix, ""),
                                                caller->origin.secure ? "; Secure" : "", expires ? "; Max-Age=0" : "");
        struct http_reply reply = {.status = 200, .type = "application/json", .body = text, .len = strlen(text)};

        http_reply_add(&reply, "Cache-Control", "no-store");
        http_reply_add(&reply, "Set-Cookie", cookie);
        http_conn_reply(conn, &reply);
}

static void checked(bool is_right, void *user) {
        _cleanup_free_ struct login *login = user;
        struct access *access = login->access;
        struct caller caller = {.origin = login->origin, .may_act = true, .name = "admin"};
        struct web_session *session;

        if (!is_right) {
                log_warning("a wrong password from %s", login->origin.address);
                api_reply_error(login->conn, ERROR_KIND_NOT_PERMITTED, NULL, "the password is wrong");
                return;
        }
        throttle_password_was_right(access->throttle, login->origin.key);
        session = sessions_add(access->sessions, now_boottime());
        caller.csrf = session->csrf;
        log_info("admin has logged in from %s", login->origin.address);
        reply_with_cookie(access, login->conn, &caller, session->id, false);
}

static void refuse_password(struct http_conn *conn, const char *message) {
        struct jval *data = jval_object();

        jval_set_str(data, "parameter", "password");
        api_reply_error(conn, ERROR_KIND_INVALID_PARAMS, data, "%s", message);
}

static void check(struct access *access, struct http_conn *conn, const struct caller *caller, const char *password) {
        usec_t wait = throttle_try_password(access->throttle, caller->origin.key, now_boottime());
        struct login *login;

        if (wait > 0) {
                access_refuse_wait(conn, wait, "after a wrong password the next one is looked at later");
                return;
        }
        login = NEW(struct login);
        *login = (struct login){.access = access, .conn = conn, .origin = caller->origin};
        if (password_check(access->checker, password, access->hash, checked, login) < 0) {
                free(login);
                api_reply_error(conn, ERROR_KIND_UNAVAILABLE, NULL,
                                "too many passwords are being looked at; try again");
        }
}

static void log_in(struct access *access, struct http_conn *conn, const struct http_request *request,
                   const struct caller *caller) {
        _cleanup_jval_ struct jval *body = NULL;
        const char *password;

        if (jval_parse(request->body, request->body_len, &body, NULL) < 0 ||
            !(password = jval_get_str(body, "password")))
                refuse_password(conn, "send {\"password\": \"...\"}");
        else if (!client_origin_is_own(request, &caller->origin))
                api_reply_error(conn, ERROR_KIND_NOT_PERMITTED, NULL,
                                "log in from the status page, not from another site");
        else if (!access->hash)
                api_reply_error(conn, ERROR_KIND_NOT_PERMITTED, NULL,
                                "no admin password is set; batch-web(8) says how to set one");
        else
                check(access, conn, caller, password);
}

static void log_out(struct access *access, struct http_conn *conn, const struct http_request *request,
                    const struct caller *caller) {
        struct web_session *session = access_session_of(access, request);
        struct caller nobody = {.origin = caller->origin};
        const char *given = http_head_get(&request->head, "X-CSRF-Token");

        if (session && (!given || !secret_equal(given, session->csrf))) {
                api_reply_error(conn, ERROR_KIND_NOT_PERMITTED, NULL, "send the csrf_token as X-CSRF-Token to log out");
                return;
        }
        if (session)
                sessions_remove(access->sessions, session->id);
        reply_with_cookie(access, conn, &nobody, "", true);
}

void access_session(struct access *access, struct http_conn *conn, const struct http_request *request) {
        _cleanup_jval_ struct jval *value = NULL;
        struct caller caller;

        access_identify(access, request, &caller);
        if (streq(request->head.method, "POST")) {
                log_in(access, conn, request, &caller);
        } else if (streq(request->head.method, "DELETE")) {
                log_out(access, conn, request, &caller);
        } else if (http_head_get(&request->head, "Authorization")) {
                if (!access_allows(access, ACCESS_READ, conn, request, &caller))
                        return;
                value = describe(access, &caller);
                api_reply_value(conn, 200, value);
        } else {
                value = describe(access, &caller);
                api_reply_value(conn, 200, value);
        }
}
