/* What run.why tells beside the record: what an active run does or waits for, what holds a job, what to do next. Facts
 * are objects {kind, text, ...}: text is a sentence, instants are members of their own (since, until). */
#pragma once

#include "jval.h"
#include "macro.h"

struct engine;
struct run;

/* Adds {kind, text} to facts and returns it. */
struct jval *why_add_fact(struct jval *facts, const char *kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* Adds {text, command}: the command is to be copied into a shell. Its words are quoted by the caller where needed. */
void why_add_next(struct jval *next, const char *text, const char *format, ...) PRINTF_LIKE(3, 4);

/* One fact of a waits_for (protocol.md, Waiting), with its members: who ("it", "step odds") waits, of which job.
 * Borrowed. */
struct jval *why_tell_wait(struct jval *facts, struct jval *next, const char *who, const char *job,
                           const struct jval *wait);
/* What the run waits for, or what of it runs, is tried again, or waits for other steps. */
void why_tell_active(struct jval *facts, struct jval *next, const struct run *run);
/* What keeps a job from running now: its file, a pause, the drain, that nothing is scheduled. */
void why_tell_job(struct jval *facts, struct jval *next, struct engine *engine, const char *job);
/* What became of the job's latest due times (as schedule.list tells it), where that was not a run in time. */
void why_tell_due_times(struct jval *facts, const struct jval *due_times);
/* The warnings of a run object, the first of them. */
void why_tell_warnings(struct jval *facts, const struct jval *warnings);
/* Messages of alerts about the run that wait, or were given up last (alerts_json): who was not told of it. */
void why_tell_alerts(struct jval *facts, const struct jval *alerts, int64_t run_number);
/* Of a backfill: its runs that are active, and those that did not succeed (history_run_why). */
void why_tell_children(struct jval *facts, struct jval *next, const struct engine *engine, const struct jval *run,
                       const struct jval *children);
/* What there is to do about a run that has ended (a run object, and what history_run_why found). */
void why_tell_next(struct jval *next, const struct engine *engine, const struct jval *run, const struct jval *found);
