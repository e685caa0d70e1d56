/* JSON-RPC 2.0 as the control protocol uses it: one object a frame, params by name. No I/O. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "jval.h"
#include "methods.h"

struct rpc_request {
        struct jval *root;         /* owns what the others point to */
        const struct jval *id;     /* string or integer; NULL when there is none or it could not be read */
        bool silent;               /* a call without an id (a notification): it is carried out and never answered */
        const char *method;        /* borrowed */
        const struct jval *params; /* borrowed object; NULL when there are none */
};

/* Takes the payload of a frame apart. 0; or -EINVAL with *ret_error saying what is wrong; ret->id is set as far as it
 * could be read, for the answer. The caller calls rpc_request_done in either case. */
int rpc_parse(const char *payload, size_t len, struct rpc_request *ret, char **ret_error);
void rpc_request_done(struct rpc_request *request);

/* Whole frames, behind the buffer's content. id NULL becomes null. 0, or -E2BIG when the frame would pass FRAME_MAX or
 * the buffer its cap; the buffer is then as before. */
int rpc_append_result(struct buf *out, const struct jval *id, const struct jval *result);
/* data: NULL, or an object whose members are added to the error's data beside its kind. */
int rpc_append_error(struct buf *out, const struct jval *id, enum error_kind kind, const char *message,
                     const struct jval *data);
int rpc_append_notification(struct buf *out, const char *method, const struct jval *params);
