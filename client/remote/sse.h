/* Reads a stream of Server-Sent Events as the HTML standard describes it, in whatever pieces it comes. */
#pragma once

#include <stdbool.h>

#include "buf.h"

/* data: of the event, NUL behind it. */
typedef void (*sse_fn)(const char *event, const char *data, size_t len, void *user);

struct sse {
        struct buf line, event, data;
        sse_fn fn;
        void *user;
        bool has_data, after_cr;
};

void sse_init(struct sse *sse, sse_fn fn, void *user);
void sse_done(struct sse *sse);
/* 0, or -E2BIG: a line or an event is longer than any that batch-web sends. */
int sse_feed(struct sse *sse, const char *bytes, size_t len);
