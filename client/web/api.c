/* The API: an address is a call of the control protocol, its answer the call's. */
#include <errno.h>
#include <stdlib.h>

#include "api_params.h"
#include "api_reply.h"
#include "download.h"
#include "openapi.h"
#include "route.h"
#include "strutil.h"
#include "web.h"
#include "xalloc.h"

#define READ_TIMEOUT (15 * USEC_PER_SEC)
/* A cancel is answered when the processes are gone, which may take their grace. */
#define ACT_TIMEOUT (5 * USEC_PER_MINUTE)

static void answered(const struct client_message *message, const char *why, void *user) {
        api_reply_message(user, message, why);
}

static void refuse_params(struct http_conn *conn, const char *error, const char *parameter) {
        struct jval *data = jval_object();

        jval_set_str(data, "parameter", parameter);
        api_reply_error(conn, ERROR_KIND_INVALID_PARAMS, data, "%s", error);
}

/* What is done for a person says for whom, and whether it was a person or a script. False: it has been refused. */
static bool sign(struct web *web, struct http_conn *conn, const struct caller *caller, const struct method *method,
                 struct jval *params) {
        if (jval_has(params, "on_behalf")) {
                refuse_params(conn, "leave out 'on_behalf': who acts is known by the login or the token", "on_behalf");
                return false;
        }
        if (!access_take_action(web->access, conn, caller))
                return false;
        access_sign(caller, params);
        if (method->id == METHOD_RUN_START && !jval_has(params, "triggered_by"))
                jval_set_str(params, "triggered_by", caller->is_token ? "api" : "manual");
        daemon_link_wake(web->link);
        return true;
}

static void call(struct web *web, struct http_conn *conn, const struct route_match *match,
                 const struct http_request *request, const struct caller *caller) {
        const struct method *method = method_by_id(match->route->method);
        _cleanup_free_ char *error = NULL, *parameter = NULL;
        struct jval *params;

        if (api_params(match, request, &params, &error, &parameter) < 0) {
                refuse_params(conn, error, parameter);
                return;
        }
        if (method->acts && !sign(web, conn, caller, method, params)) {
                jval_unref(params);
                return;
        }
        daemon_link_call(web->link, method->id, params, method->acts ? ACT_TIMEOUT : READ_TIMEOUT, answered, conn);
}

/* A whole number of at least 0; -1 when it is absent. False when it is something else. */
static bool read_count(const char *text, int64_t *ret) {
        *ret = -1;
        return !text || parse_int64_range(text, 0, INT64_MAX, ret) == 0;
}

/* The first argument of the address that is none of these (NULL-terminated); NULL: all are. */
static const char *unknown_argument(const struct http_target *target, const char *const *known) {
        for (size_t i = 0; i < target->n_query; i++) {
                const char *const *name = known;

                while (*name && !streq(*name, target->query[i].name))
                        name++;
                if (!*name)
                        return target->query[i].name;
        }
        return NULL;
}

static bool check_arguments(struct http_conn *conn, const struct http_request *request, const char *const *known) {
        const char *unknown = unknown_argument(&request->target, known);
        _cleanup_free_ char *message = unknown ? xasprintf("this address takes no '%s'", unknown) : NULL;

        if (unknown)
                refuse_params(conn, message, unknown);
        return !unknown;
}

/* False: it has been answered that there are none. */
static bool check_streams(const struct web *web, struct http_conn *conn, const struct http_request *request) {
        if (!web->config->stream)
                api_reply_error(conn, ERROR_KIND_NOT_FOUND, NULL,
                                "streams are switched off here (Stream=no); ask for /runs/current or /runs/{run}/lines "
                                "again and again instead");
        else if (streq(request->head.method, "HEAD"))
                api_reply_wrong_verb(conn, "GET");
        else
                return true;
        return false;
}

static void stream(struct web *web, struct http_conn *conn, const struct route_match *match,
                   const struct http_request *request) {
        const char *last_id = http_head_get(&request->head, "Last-Event-ID");
        struct stream_start start = {.run = match->n_values > 0 ? match->values[0].value : NULL};

        if (!read_count(last_id ? last_id : http_target_get(&request->target, "after"), &start.after))
                refuse_params(conn, "'after', or Last-Event-ID, is the sequence number of a line", "after");
        else if (!read_count(http_target_get(&request->target, "lines"), &start.lines))
                refuse_params(conn, "'lines' takes a number of lines", "lines");
        else
                run_feeds_open(web->run_feeds, conn, &start);
}

/* A form of another site can post text, not JSON. */
static bool check_type(struct http_conn *conn, const struct http_request *request) {
        if (request->body_len == 0 || http_value_has(http_head_get(&request->head, "Content-Type"), "application/json"))
                return true;
        api_reply_error_as(conn, 415, ERROR_KIND_INVALID_PARAMS, NULL,
                           "send JSON, with Content-Type: application/json");
        return false;
}

static void dispatch(struct web *web, struct http_conn *conn, const struct route_match *match,
                     const struct http_request *request) {
        bool acts = !streq(match->route->verb, "GET");
        struct caller caller;

        if (acts && !check_type(conn, request))
                return;
        if (match->route->kind == ROUTE_SESSION) {
                access_session(web->access, conn, request);
                return;
        }
        if (match->route->kind == ROUTE_OPENAPI) {
                _cleanup_jval_ struct jval *document = openapi_document(web->config->path_prefix);

                api_reply_value(conn, 200, document);
                return;
        }
        if (!access_allows(web->access, acts ? ACCESS_ACT : ACCESS_READ, conn, request, &caller))
                return;
        switch (match->route->kind) {
        case ROUTE_CALL:
                call(web, conn, match, request, &caller);
                break;
        case ROUTE_OPENAPI:
        case ROUTE_SESSION:
                break;
        case ROUTE_DOWNLOAD:
                if (check_arguments(conn, request, (const char *const[]){NULL}))
                        download_open(web->link, conn, match->n_values > 0 ? match->values[0].value : NULL);
                break;
        case ROUTE_EVENTS:
                if (check_streams(web, conn, request) &&
                    check_arguments(conn, request, (const char *const[]){"jobs", NULL}))
                        event_feed_open(web->event_feed, conn, http_target_get(&request->target, "jobs"));
                break;
        case ROUTE_STREAM:
                if (check_streams(web, conn, request) &&
                    check_arguments(conn, request, (const char *const[]){"after", "lines", NULL}))
                        stream(web, conn, match, request);
                break;
        }
}

void api_handle(struct web *web, struct http_conn *conn, const struct http_request *request, const char *path) {
        _cleanup_free_ char *allowed = NULL;
        struct route_match match = {0};
        int r = route_find(request->head.method, path, &match, &allowed);

        if (r == 0)
                dispatch(web, conn, &match, request);
        else if (r == -ENOTSUP)
                api_reply_wrong_verb(conn, allowed);
        else
                api_reply_error(conn, ERROR_KIND_NOT_FOUND, NULL,
                                "see GET " API_PREFIX "/openapi.json: the API has no such address");
        route_match_done(&match);
}
