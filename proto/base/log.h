/* Messages of a program about itself. One call, one sink that the program sets; libraries below the program layer
 * return errors and do not log. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "macro.h"

/* syslog's priorities, as sd-daemon(3) uses them. */
enum log_level {
        LOG_LEVEL_CRIT = 2,
        LOG_LEVEL_ERR = 3,
        LOG_LEVEL_WARNING = 4,
        LOG_LEVEL_NOTICE = 5,
        LOG_LEVEL_INFO = 6,
        LOG_LEVEL_DEBUG = 7,
};

/* What a message is about. Every member may be NULL. */
struct log_context {
        const char *message_id; /* 32 hexadecimal digits, one for each kind of event: sd_journal's MESSAGE_ID= */
        const char *run_id;
        const char *job;
        const char *step;
        const char *item;
};

typedef void (*log_sink_fn)(enum log_level level, const struct log_context *context, const char *message);

/* Messages above this level are dropped before they are formatted. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
/* "debug", "info", "notice", "warning", "err" (or "error"), "crit". The level or -EINVAL. */
int log_level_from_string(const char *text);
/* Default sink: text on stderr. The sink is called on whichever thread logs. */
void log_set_sink(log_sink_fn sink);
/* context may be NULL. One line; newlines in the text are escaped by the sinks. */
void log_at(enum log_level level, const struct log_context *context, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_error(...) log_at(LOG_LEVEL_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, NULL, __VA_ARGS__)
#define log_notice(...) log_at(LOG_LEVEL_NOTICE, NULL, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, NULL, __VA_ARGS__)
