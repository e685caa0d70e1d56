#include "request.h"

#include <stdlib.h>

#include "dispatch.h"
#include "log.h"
#include "message_ids.h"
#include "stream.h"
#include "xalloc.h"

static const char *user_of(void *data) {
        return session_user(data);
}

void request_caller(const struct request *request, struct caller *ret) {
        const struct peer *peer = session_peer(request->session);

        *ret = (struct caller){
                .uid = peer->uid,
                .pid = peer->pid,
                .user = session_user(request->session),
                .on_behalf = request->rpc.params ? jval_get_str(request->rpc.params, "on_behalf") : NULL,
        };
}

/* Refused acts are kept in the audit and logged, refused questions logged; at most REFUSALS_PER_MINUTE of each caller.
 */
static void record_refusal(struct request *request, const struct refusal *refusal) {
        struct control_context *context = session_context(request->session);
        const struct log_context about = {.message_id = MESSAGE_ID_AUDIT_REFUSED};
        _cleanup_free_ char *key = NULL;
        struct caller caller;

        /* A typing error in a question is between the client and its user. */
        if (!request->method || (!request->method->acts && refusal->kind != ERROR_KIND_NOT_PERMITTED))
                return;
        request_caller(request, &caller);
        key = xasprintf("uid %u", (unsigned)caller.uid);
        if (rate_limit_take(context->refusals, key, now_boottime()) > 0)
                return;
        log_at(LOG_LEVEL_NOTICE, &about, "refused %s to %s (uid %u, pid %d)%s%.256s: %s: %s", request->method->name,
               caller.user, (unsigned)caller.uid, (int)caller.pid, caller.on_behalf ? " on behalf of " : "",
               caller.on_behalf ? caller.on_behalf : "", error_kind_to_string(refusal->kind), refusal->message);
        if (request->method->acts)
                engine_audit_refused(context->engine, request->method->name, request->rpc.params, &caller,
                                     error_kind_to_string(refusal->kind));
}

static void request_free(struct request *request) {
        if (request->session)
                session_remove_request(request->session, request);
        stream_free(request->stream);
        rpc_request_done(&request->rpc);
        free(request);
}

void request_handle(struct session *session, const char *payload, size_t len) {
        struct control_context *context = session_context(session);
        const struct admission_rules rules = {.rights = &context->rights, .limit = context->limit};
        const struct admission_caller caller = {
                .uid = session_uid(session), .right = session_right(session), .user = user_of, .data = session};
        struct request *request = NEW(struct request);
        _cleanup_free_ char *error = NULL;
        struct refusal refusal;

        request->session = session;
        session_add_request(session, request);
        if (rpc_parse(payload, len, &request->rpc, &error) < 0) {
                session_answer_error(session, request->rpc.id, ERROR_KIND_PARSE, error, NULL);
                request_free(request);
                return;
        }
        if (admission_check(&rules, &caller, &request->rpc, now_boottime(), &request->method, &refusal) < 0) {
                record_refusal(request, &refusal);
                if (!request->rpc.silent)
                        session_answer_error(session, request->rpc.id, refusal.kind, refusal.message, refusal.data);
                refusal_done(&refusal);
                request_free(request);
                return;
        }
        dispatch(request);
}

void request_orphan(struct request *request) {
        request->session = NULL;
}

void request_answer(const struct engine_error *error, struct jval *result, void *user) {
        struct request *request = user;
        struct session *session = request->session;

        if (session && !request->rpc.silent) {
                if (error)
                        session_answer_error(session, request->rpc.id, error->kind, error->message, error->data);
                else
                        session_answer(session, request->rpc.id, result);
        }
        if (session) {
                if (request->stream && !error)
                        stream_open(STEAL_PTR(request->stream), session);
                /* There is room for a request that waits. */
                session_schedule(session);
        }
        jval_unref(result);
        request_free(request);
}
