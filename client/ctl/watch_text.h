/* What watching a run puts on the screen, as text. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "jval.h"
#include "term.h"

/* "12:00:01 game_logs | text"; '!' instead of '|' marks stderr. *step_width grows with the names, so that columns stay
 * aligned. With raw, control characters are passed on as they are (not to terminals). */
void append_log_line(struct buf *out, const struct term *term, const struct jval *line, bool utc, size_t *step_width,
                     bool raw);
/* "schedule: success in 1.5s, 272 records" for a member of run.state's steps. */
void append_step_change(struct buf *out, const struct term *term, const struct jval *step);
/* The last words on a run: "weekly_update #42: success in 1min 39s", or why it failed and how to learn more. */
void append_run_end(struct buf *out, const struct term *term, const struct jval *run);
