/* Bytes from a client, as the control socket takes them: frames, JSON, JSON-RPC, admission; and the answers to them,
 * which must be whole frames of valid JSON whatever came. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "frame.h"
#include "rpc.h"

#define INPUT_MAX ((size_t)256 * 1024)

static const char *user_name(void *data) {
        return "anna";
}

static void require(int condition) {
        if (!condition)
                abort();
}

static void answer(struct buf *out, const char *payload, size_t len, struct rate_limit *limit) {
        static const uid_t trusted[] = {7};
        static const struct rights_policy policy = {.watch_gid = 1,
                                                    .act_gid = 2,
                                                    .watch_group = "batchd",
                                                    .act_group = "batchd-admin",
                                                    .own_uid = 3,
                                                    .trusted = trusted,
                                                    .n_trusted = 1};
        const struct admission_rules rules = {.rights = &policy, .limit = limit};
        const struct admission_caller caller = {.uid = 7, .right = RIGHT_ACT, .user = user_name};
        const struct method *method = NULL;
        _cleanup_free_ char *error = NULL;
        struct rpc_request request;
        struct refusal refusal;

        if (rpc_parse(payload, len, &request, &error) < 0) {
                require(error != NULL);
                (void)rpc_append_error(out, request.id, ERROR_KIND_PARSE, error, NULL);
        } else if (admission_check(&rules, &caller, &request, USEC_PER_SEC, &method, &refusal) < 0) {
                require(refusal.message != NULL);
                (void)rpc_append_error(out, request.id, refusal.kind, refusal.message, refusal.data);
                refusal_done(&refusal);
        } else {
                require(method != NULL);
                (void)rpc_append_result(out, request.id, request.params);
        }
        rpc_request_done(&request);
}

/* What was answered is what a client can read. */
static void check_answers(struct buf *out) {
        const char *payload;
        size_t len;

        while (out->len > 0) {
                struct jval *value = NULL;

                require(frame_peek(out, &payload, &len) == 1);
                require(jval_parse(payload, len, &value, NULL) == 0);
                require(jval_has(value, "id") && (jval_has(value, "result") != jval_has(value, "error")));
                jval_unref(value);
                frame_consume(out, len);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct buf in = BUF_INIT(INPUT_MAX), out = BUF_INIT(4 * FRAME_MAX);
        struct rate_limit *limit = rate_limit_new(5, 4);
        const char *payload;
        size_t len;

        if (size <= INPUT_MAX) {
                require(buf_append(&in, data, size) == 0);
                while (frame_peek(&in, &payload, &len) == 1) {
                        answer(&out, payload, len, limit);
                        frame_consume(&in, len);
                        check_answers(&out);
                }
        }
        rate_limit_free(limit);
        buf_done(&in);
        buf_done(&out);
        return 0;
}
