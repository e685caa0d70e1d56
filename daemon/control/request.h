/* One request in flight: from its frame to its answer. It outlives its session when that ends first. */
#pragma once

#include <sys/queue.h>

#include "rpc.h"
#include "session.h"

struct request {
        LIST_ENTRY(request) link;
        struct session *session; /* NULL once it is gone */
        struct rpc_request rpc;  /* kept: the engine may look at params until it answers */
        const struct method *method;
        struct stream *stream; /* of a streaming method, until it is answered */
};

/* Takes the payload of one frame, checks it and hands it to its handler; every outcome is an answer in the session's
 * send buffer, now or later. */
void request_handle(struct session *session, const char *payload, size_t len);
/* The session ends: the answer will be dropped. */
void request_orphan(struct request *request);

/* For handlers: the one way to answer (engine_answer_fn; user is the request). Frees the request. */
void request_answer(const struct engine_error *error, struct jval *result, void *user);
/* Who calls, for the engine; borrows from request and session. */
void request_caller(const struct request *request, struct caller *ret);
