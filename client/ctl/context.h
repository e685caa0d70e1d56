/* What every command is given: the options that all commands take, and where text goes. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "jval.h"
#include "term.h"

struct global_options {
        const char *socket;
        const char *url;    /* of batch-web on another machine */
        const char *output; /* "text" or "json" */
        bool no_pager;
        bool utc;
        bool quiet;
        bool help;
        bool version;
};

struct context {
        struct global_options global;
        struct term out;
        struct term err;
        bool is_silent; /* complaints are not shown */
};

static inline bool context_json(const struct context *context) {
        return context->global.output && context->global.output[0] == 'j';
}

/* The longest text that a command builds before it shows it. */
#define SCREEN_MAX ((size_t)256 * 1024 * 1024)

/* Writes to standard output; long text goes through the pager where that helps (a terminal, not --no-pager). */
void context_show(const struct context *context, const struct buf *text, bool may_page);
/* One JSON document, indented, with a newline. */
void context_show_json(const struct jval *value);
/* A line on standard error: "batchctl: " and the text. */
void context_complain(const struct context *context, const char *format, ...) PRINTF_LIKE(2, 3);
