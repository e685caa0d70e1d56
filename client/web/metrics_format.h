/* Answers of the daemon as metrics; an answer that is NULL gives none. */
#pragma once

#include "metrics.h"

void metrics_of_web(struct buf *out, const struct web_counts *counts, bool daemon_is_up);
void metrics_of_daemon(struct buf *out, const struct jval *status);
void metrics_of_jobs(struct buf *out, const struct jval *jobs);
void metrics_of_health(struct buf *out, const struct jval *health);
/* now: realtime; due times up to then are counted. */
void metrics_of_due_times(struct buf *out, const struct jval *due_times, usec_t now);
void metrics_of_limits(struct buf *out, const struct jval *limits);
/* by_job: as run_ends keeps them. */
void metrics_of_ends(struct buf *out, const struct jval *by_job);
