#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "strutil.h"

static void sink_stderr(enum log_level level, const struct log_context *context, const char *message) {
        (void)level;
        (void)context;
        (void)fprintf(stderr, "%s\n", message);
}

static enum log_level max_level = LOG_LEVEL_INFO;
static log_sink_fn current_sink = sink_stderr;

void log_set_level(enum log_level level) {
        max_level = level;
}

void log_set_sink(log_sink_fn sink) {
        current_sink = sink ? sink : sink_stderr;
}

int log_level_from_string(const char *text) {
        static const struct {
                const char *name;
                enum log_level level;
        } names[] = {
                {"crit", LOG_LEVEL_CRIT},       {"err", LOG_LEVEL_ERR},       {"error", LOG_LEVEL_ERR},
                {"warning", LOG_LEVEL_WARNING}, {"notice", LOG_LEVEL_NOTICE}, {"info", LOG_LEVEL_INFO},
                {"debug", LOG_LEVEL_DEBUG},
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (streq(text, names[i].name))
                        return (int)names[i].level;
        return -EINVAL;
}

void log_at(enum log_level level, const struct log_context *context, const char *format, ...) {
        va_list arguments;
        char *message = NULL;

        if (level > max_level)
                return;
        va_start(arguments, format);
        if (vasprintf(&message, format, arguments) < 0)
                abort();
        va_end(arguments);
        current_sink(level, context, message);
        free(message);
}
