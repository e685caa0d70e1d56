/* How far a run is, and the one line that shows it. */
#pragma once

#include <stdint.h>

#include "buf.h"
#include "jval.h"
#include "term.h"
#include "timeutil.h"

struct progress {
        char *job;
        char *status;
        char *step;
        char *item;
        char *status_text;
        int64_t run_number;
        int64_t total, completed, failed;
        int64_t step_done, step_total;
        double percent;
        double elapsed; /* seconds, as of `taken` */
        usec_t taken;   /* on the boot clock */
};

void progress_done(struct progress *progress);
#define _cleanup_progress_ _cleanup_(progress_done)
/* From an object of run.current or run.show, or from run.state's params. Members that it does not have stay as they
 * are. */
void progress_take(struct progress *progress, const struct jval *object, usec_t now_boot);
/* The line, at most so many columns wide: job, bar, percent, step, item, what the step tells, done/total, failed,
 * elapsed. What does not fit is left out, the least important first. */
void progress_append_line(const struct progress *progress, const struct term *term, size_t columns, usec_t now_boot,
                          struct buf *out);
/* Only the bar: columns wide. */
void bar_append(struct buf *out, const struct term *term, enum style style, double percent, size_t columns);
