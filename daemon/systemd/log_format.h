/* One log message as a line of text or of JSON. No I/O. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "log.h"
#include "timeutil.h"

/* How a line of text looks. */
struct log_style {
        bool priority; /* "<4>" in front, as sd-daemon(3) has it for what goes to the journal by stderr; and no time,
                          which the journal has */
        bool colour;   /* for a terminal: level by colour, local time of day, no fields behind the message */
};

/* Each appends one line with its newline. Control characters in the message (newlines too) and bytes that are not UTF-8
 * are escaped. 0, or -E2BIG with the buffer as it was. context may be NULL. */
int log_format_text(struct buf *out, struct log_style style, enum log_level level, const struct log_context *context,
                    const char *message, usec_t realtime);
/* {"time":...,"level":...,"message":...,"pid":...} and message_id, run_id, job, step, item where the message has them.
 */
int log_format_json(struct buf *out, enum log_level level, const struct log_context *context, const char *message,
                    usec_t realtime);
