#include "hello.h"

#include <inttypes.h>
#include <unistd.h>

#include "strutil.h"
#include "xalloc.h"

static void answer_mismatch(struct request *request, const char *version, int64_t theirs) {
        _cleanup_free_ char *message = NULL;
        _cleanup_jval_ struct jval *data = jval_object();
        const char *client = str_or(jval_get_str(request->rpc.params, "client"), "the client");

        message = xasprintf("%s: batchd %s speaks protocol %d, %.128s speaks protocol %" PRIi64,
                            theirs > PROTOCOL_VERSION ? "upgrade batchd to the client's version and restart it"
                                                      : "upgrade the client to batchd's version",
                            version, PROTOCOL_VERSION, client, theirs);
        jval_set_str(data, "version", version);
        jval_set_int(data, "protocol", PROTOCOL_VERSION);
        request_answer(&(struct engine_error){.kind = ERROR_KIND_VERSION, .message = message, .data = data}, NULL,
                       request);
}

void hello_handle(struct request *request) {
        const struct control_context *context = session_context(request->session);
        int64_t theirs = request->rpc.params ? jval_get_int(request->rpc.params, "protocol", PROTOCOL_VERSION)
                                             : PROTOCOL_VERSION;
        struct jval *result;

        if (theirs != PROTOCOL_VERSION) {
                answer_mismatch(request, context->version, theirs);
                return;
        }
        result = jval_object();
        jval_set_str(result, "version", context->version);
        jval_set_int(result, "protocol", PROTOCOL_VERSION);
        jval_set_str(result, "host", context->host);
        jval_set_int(result, "pid", getpid());
        request_answer(NULL, result, request);
}
