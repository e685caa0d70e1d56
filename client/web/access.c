#include "access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access_internal.h"
#include "api_reply.h"
#include "fileutil.h"
#include "log.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

#define HASH_MAX ((size_t)4096)

static char *credential_path(const char *configured, const char *name) {
        const char *folder = getenv("CREDENTIALS_DIRECTORY");

        if (configured)
                return xstrdup(configured);
        return folder && *folder ? path_join(folder, name) : NULL;
}

static void load_password(struct access *access) {
        _cleanup_free_ char *path = credential_path(access->config->password_file, "batch-web-password"), *text = NULL;
        int r = path ? read_file(path, HASH_MAX, &text, NULL) : -ENOENT;

        if (r == 0 && !password_hash_is_usable(strstrip(text))) {
                log_error("%s holds no usable hash; `batch-web --hash-password` makes one", path);
                return;
        }
        if (r < 0 && r != -ENOENT) {
                log_error("%s: %s", path, strerror(-r));
                return;
        }
        free(access->hash);
        access->hash = r == 0 ? xstrdup(strstrip(text)) : NULL;
        if (!access->hash)
                log_notice("no admin password is set: nobody can log in, and only tokens can act");
}

static void load_tokens(struct access *access) {
        _cleanup_free_ char *path = credential_path(access->config->token_file, "batch-web-tokens"), *error = NULL;

        if (path && tokens_load(&access->tokens, path, &error) < 0)
                log_error("%s", error);
}

void access_reload(struct access *access) {
        load_password(access);
        sessions_set_password(access->sessions, str_or(access->hash, ""));
        load_tokens(access);
}

int access_new(struct access **ret, const struct web_config *config, struct loop *loop, int sessions_fd) {
        struct access *access = NEW(struct access);
        int r = sessions_new(&access->sessions, config->session_lifetime, sessions_fd);

        if (r == 0)
                r = password_checker_new(&access->checker, loop);
        if (r < 0) {
                sessions_free(access->sessions);
                free(access);
                return r;
        }
        access->config = config;
        access->throttle = throttle_new(config->actions_per_minute);
        access_reload(access);
        *ret = access;
        return 0;
}

int access_sessions_fd(const struct access *access) {
        return sessions_fd(access->sessions);
}

struct access *access_free(struct access *access) {
        if (!access)
                return NULL;
        password_checker_free(access->checker);
        sessions_free(access->sessions);
        throttle_free(access->throttle);
        tokens_done(&access->tokens);
        free(access->hash);
        free(access);
        return NULL;
}

/* Value of a cookie, into ret. */
static bool read_cookie(const struct http_request *request, const char *name, char ret[static SECRET_SIZE]) {
        const char *cookies = http_head_get(&request->head, "Cookie");
        size_t len = strlen(name);

        while (cookies && *cookies) {
                cookies += strspn(cookies, "; ");
                if (strncmp(cookies, name, len) == 0 && cookies[len] == '=') {
                        size_t value = strcspn(cookies + len + 1, "; ");

                        if (value >= SECRET_SIZE)
                                return false;
                        memcpy(ret, cookies + len + 1, value);
                        ret[value] = '\0';
                        return true;
                }
                cookies += strcspn(cookies, ";");
        }
        return false;
}

struct web_session *access_session_of(struct access *access, const struct http_request *request) {
        char id[SECRET_SIZE];

        return read_cookie(request, SESSION_COOKIE, id) ? sessions_find(access->sessions, id, now_boottime()) : NULL;
}

void access_identify(struct access *access, const struct http_request *request, struct caller *ret) {
        const struct web_session *session = access_session_of(access, request);

        *ret = (struct caller){0};
        client_origin_find(request, access->config->proxies, access->config->n_proxies, &ret->origin);
        if (session) {
                (void)snprintf(ret->name, sizeof(ret->name), "admin");
                ret->may_act = true;
                ret->csrf = session->csrf;
        }
}

/* The token of "Bearer TOKEN" (RFC 6750, 2.1; the word in any case); NULL: something else. */
static const char *bearer_of(const char *authorization) {
        static const char word[] = "bearer ";

        return strncasecmp(authorization, word, strlen(word)) == 0
                       ? authorization + strlen(word) + strspn(authorization + strlen(word), " ")
                       : NULL;
}

/* False: a token was given and is nobody's, which has been answered. */
static bool identify(struct access *access, struct http_conn *conn, const struct http_request *request,
                     struct caller *ret) {
        const char *authorization = http_head_get(&request->head, "Authorization"),
                   *given = authorization ? bearer_of(authorization) : NULL;
        const struct token *token;

        access_identify(access, request, ret);
        if (!authorization)
                return true;
        token = given ? tokens_find(&access->tokens, given) : NULL;
        if (!token) {
                api_reply_error_as(conn, 401, ERROR_KIND_NOT_PERMITTED, NULL,
                                   "this token is not known here; `batch-web --make-token NAME` makes one");
                return false;
        }
        (void)snprintf(ret->name, sizeof(ret->name), "token %s", token->name);
        ret->is_token = true;
        ret->may_act = token->may_act;
        ret->csrf = NULL;
        return true;
}

static void refuse(struct http_conn *conn, int status, const char *message) {
        struct jval *data = jval_object();

        jval_set_bool(data, "login_needed", status == 401);
        api_reply_error_as(conn, status, ERROR_KIND_NOT_PERMITTED, data, message);
}

/* A browser sends the cookie along with whatever another site makes it post; the token of the session only our page
 * has. */
static bool check_own_page(struct http_conn *conn, const struct http_request *request, const struct caller *caller) {
        const char *given = http_head_get(&request->head, "X-CSRF-Token");

        if (caller->is_token)
                return true;
        if (client_origin_is_own(request, &caller->origin) && given && secret_equal(given, caller->csrf))
                return true;
        refuse(conn, 403,
               "this did not come from the status page: send the csrf_token of /api/v1/session as X-CSRF-Token, from "
               "the same origin");
        return false;
}

bool access_allows(struct access *access, enum access_need need, struct http_conn *conn,
                   const struct http_request *request, struct caller *ret) {
        if (!identify(access, conn, request, ret))
                return false;
        if (need == ACCESS_READ) {
                if (ret->name[0] != '\0' || access->config->read_access == READ_ACCESS_OPEN)
                        return true;
                refuse(conn, 401, "log in first: reading is not open here (ReadAccess=login)");
                return false;
        }
        if (ret->name[0] == '\0')
                refuse(conn, 401, "log in as admin, or send a token, to do this");
        else if (!ret->may_act)
                refuse(conn, 403, "this token may watch, not act; make one with: batch-web --make-token NAME");
        else
                return check_own_page(conn, request, ret);
        return false;
}

void access_refuse_wait(struct http_conn *conn, usec_t wait, const char *what) {
        struct jval *data = jval_object();
        int64_t seconds = (int64_t)((wait + USEC_PER_SEC - 1) / USEC_PER_SEC);

        jval_set_int(data, "retry_after_seconds", seconds);
        api_reply_error(conn, ERROR_KIND_RATE_LIMITED, data, "wait %lld s and try again: %s", (long long)seconds, what);
}

bool access_take_action(struct access *access, struct http_conn *conn, const struct caller *caller) {
        usec_t wait = throttle_take(access->throttle, caller->origin.key, now_boottime());
        _cleanup_free_ char *what = NULL;

        if (wait == 0)
                return true;
        what = xasprintf("%s has used its %u actions a minute (ActionsPerMinute= in batch-web.conf)",
                         caller->origin.address, access->config->actions_per_minute);
        access_refuse_wait(conn, wait, what);
        return false;
}

void access_sign(const struct caller *caller, struct jval *params) {
        _cleanup_free_ char *who = xasprintf("%s from %s", caller->name, caller->origin.address);

        jval_set_str(params, "on_behalf", who);
}
