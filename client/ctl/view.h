/* Results of the daemon as text for people. */
#pragma once

#include "buf.h"
#include "context.h"
#include "jval.h"

/* A table of run objects. */
void view_runs(const struct context *context, const struct jval *runs, struct buf *out);
/* A table of steps, and one of their counts, from step.list. */
void view_steps(const struct context *context, const struct jval *steps, struct buf *out);
void view_step_counts(const struct context *context, const struct jval *steps, struct buf *out);
/* The result of job.health. */
void view_health(const struct context *context, const struct jval *health, struct buf *out);
/* The result of run.why. */
void view_why(const struct context *context, const struct jval *why, struct buf *out);
/* The results of run.summary and of run.quality. */
void view_summary(const struct context *context, const struct jval *summary, struct buf *out);
void view_quality(const struct context *context, const struct jval *quality, struct buf *out);
/* The result of run.show. */
void view_run(const struct context *context, const struct jval *shown, struct buf *out);
/* The results of daemon.status, run.current and run.list (NULL: it could not be read) on one screen. */
void view_overview(const struct context *context, const struct jval *status, const struct jval *current,
                   const struct jval *recent, struct buf *out);
/* The results of job.list and job.show. */
void view_jobs(const struct context *context, const struct jval *jobs, struct buf *out);
/* Who holds a job or the daemon back, since when and why. New string. */
char *text_held(const struct jval *held, bool utc);
void view_due_times(const struct context *context, const struct jval *result, struct buf *out);
void view_job(const struct context *context, const struct jval *job, struct buf *out);
/* A list of {file, line, message}. */
void view_diagnostics(const struct context *context, const struct jval *diagnostics, struct buf *out);
/* "#42  failed (timeout)" behind the name of its job, in bold and in the colour of its status; a line. */
void view_run_title(const struct context *context, const struct jval *run, struct buf *out);
/* A heading of its own line, after an empty one. */
void view_heading(const struct context *context, const char *text, struct buf *out);
