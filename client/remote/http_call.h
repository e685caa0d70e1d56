/* A call of the control protocol as a request to batch-web: the table of addresses, read the other way round. */
#pragma once

#include <stdbool.h>

#include "jval.h"
#include "methods.h"

struct http_call {
        char *path; /* behind the URL of batch-web, with its query */
        char *body; /* NULL: a GET */
};

/* 0, or -ENOTSUP: the API has no address for it. params may be NULL. */
int http_call_make(enum method_id method, const struct jval *params, struct http_call *ret);
/* The stream that follows a run. after -1: from what the live buffer holds, or its last `lines` (-1: all). */
int http_call_stream(const char *run_id, int64_t after, int64_t lines, struct http_call *ret);
void http_call_done(struct http_call *call);
