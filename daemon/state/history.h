/* Questions to state.db and to the log files, answered on a reader thread: history works without any server, and a slow
 * disk never holds the loop. */
#pragma once

#include <stdint.h>

#include "jval.h"
#include "loop.h"
#include "record.h"

struct history;
struct store;

int history_open(struct history **ret, struct loop *loop, struct store *store, char **ret_error);
struct history *history_close(struct history *history);

/* error 0: answer is the callee's to unref. -ENOENT: no such thing. Other negative errno: error_text tells. */
typedef void (*history_fn)(int error, const char *error_text, struct jval *answer, void *user);

struct run_filter {
        char *job, *type, *mode, *status, *triggered_by;
        struct jval *params; /* object: all must be equal as text */
        usec_t since, until; /* created_at from since on, before until; 0: open */
        int64_t before;      /* run_number; 0: from the newest */
        unsigned limit;      /* default 50, at most 1000 */
};

/* Each returns 0, or -EAGAIN when too many questions wait. The filter is copied. */
/* {runs: [...], next: run_number or absent}. type matches the run's own batch_type, and what its steps
 * declared of their work: a step that says RESULT={"batch_type": "prediction_generation"} makes its run one of that
 * type too. */
int history_run_list(struct history *history, const struct run_filter *filter, history_fn fn, void *user);
/* selector: run number, uuid (or an unambiguous prefix of 8 or more digits), or NULL for the latest (of job, when
 * given). {run: {...}}. */
int history_run_show(struct history *history, const char *selector, const char *job, history_fn fn, void *user);
/* {run, steps: [each by its last attempt], attempts: [those that began], total, completed, failed}: of steps and of
 * attempts, in the order of the plan, up to `limit` each behind the first `after`; the three numbers count all steps.
 */
int history_run_page(struct history *history, const char *selector, size_t after, unsigned limit, history_fn fn,
                     void *user);
/* What came of the run step by step, with the medians of earlier runs: the result of run.summary; and the roll-up of
 * its data's quality: the result of run.quality. */
int history_run_summary(struct history *history, const char *selector, history_fn fn, void *user);
int history_run_quality(struct history *history, const char *selector, history_fn fn, void *user);
/* What the record tells of a run, or of a job (selector NULL) by its latest run: {run (absent: there was none),
 * failures: [why_failure], failures_total, skipped: {reason: n}, last_success, changes: [why_changes], ended_by,
 * due_times: the latest of the job}. */
int history_run_why(struct history *history, const char *selector, const char *job, history_fn fn, void *user);
/* How jobs have been doing. filter: an object with the parameters of job.health; the answer is its result. */
int history_job_health(struct history *history, const struct jval *filter, history_fn fn, void *user);
/* Steps of all runs that have ended, the newest first. filter: an object with the parameters of step.list. {steps:
 * [attempt, with run_number, job, batch_type, batch_mode], next: the `before` of the next page or absent}; with group
 * {steps: [{step_name, total, counts: {status: n}, last_completed_at, last_success_at, last_failure_at}]}. A step that
 * was tried again counts once, by its last attempt. */
int history_step_list(struct history *history, const struct jval *filter, history_fn fn, void *user);
/* Who did what, the newest first. run: a selector, or NULL; filter: an object with the other parameters of audit.list.
 * {entries: [{audit_id, at, user, uid, pid, on_behalf, method, params, outcome, run_id, run_number, job}], next: the
 * `before` of the next page or absent}. */
int history_audit_list(struct history *history, const char *run, const struct jval *filter, history_fn fn, void *user);
/* Log lines of a run in order of their sequence numbers: {lines: [{seq,time,step,item,stream,text}], first, last,
 * next}. after: sequence (0: from the start); last_lines > 0: only that many from the end. At most `limit` lines and
 * 512 KiB of text. */
int history_run_lines(struct history *history, const char *run_id, uint64_t after, unsigned last_lines, unsigned limit,
                      history_fn fn, void *user);
/* One attempt's log file: {step, item, attempt, offset, next (absent at the end), size, text or base64}. attempt 0: the
 * last; step NULL: the first that did not succeed, else the last. base64 of the raw bytes; as text, CRI lines as they
 * are on disk with foreign bytes escaped. */
int history_log_read(struct history *history, const char *selector, const char *step, const char *item, int attempt,
                     uint64_t offset, uint64_t limit, bool base64, history_fn fn, void *user);
/* What became of a run, to go on from: {run, options, steps: [{step_name, item, status, reason}] by their last
 * attempts, sources: of its job as it was, where they are kept}. */
int history_run_outcome(struct history *history, const char *selector, history_fn fn, void *user);
/* What has become of the values of a parameter: {value: {succeeded, status, run_number}}, the last two of its newest
 * run, of all runs of the job in that mode (NULL: none) with these parameters beside it. */
int history_value_runs(struct history *history, const char *job, const char *mode, const char *parameter,
                       const struct jval *params, history_fn fn, void *user);
/* The answer given to a request_id within the last day: {answer: "..."}; -ENOENT. */
int history_request(struct history *history, const char *request_id, int64_t uid, history_fn fn, void *user);
/* For job.list: {job: {last run}} of every job. */
int history_last_runs(struct history *history, history_fn fn, void *user);
struct step_records_question {
        const char *job, *mode, *step, *item; /* mode NULL: of runs without one */
        usec_t before;                        /* of runs that had ended before */
        unsigned limit;
};
/* For RecordsBand=: how many records that step processed in its latest successes, the newest first (by the run's
 * beginning): an array of integers. Without those that declared EXPECTED=0, and without zeros that were judged to be
 * outside of the band then. Looks at the latest 1,000 runs of the job in that mode. */
int history_step_records(struct history *history, const struct step_records_question *about, history_fn fn, void *user);
/* Records of due times from `from` up to `until`, the oldest first: an array; job NULL: of all. */
int history_due_times(struct history *history, const char *job, usec_t from, usec_t until, unsigned limit,
                      history_fn fn, void *user);
/* Removes what an ended run's folder needs no more: TMPDIR and attempt files. {run_number, bytes}: what stays takes so
 * much of the disk. */
int history_tidy_run(struct history *history, const char *run_dir, int64_t run_number, history_fn fn, void *user);

/* Retention. rules: {all: {age, runs, bytes}, jobs: {NAME: {...}}, now, mirrored}: struct keep's members, -1 for no
 * bound; now 0: no age is judged; mirrored: what PostgreSQL does not have stays. {runs: [{run_number, run_id}], more}:
 * those that go. */
int history_superfluous(struct history *history, const struct jval *rules, history_fn fn, void *user);
/* {runs: [{run_number, run_id}]}: ended ones that are not counted yet (store_batch_put_ended_run). */
int history_uncounted(struct history *history, history_fn fn, void *user);
/* {folders: [run_id], unknown: so many}: those of which there is no row and nothing to keep (a run that is not durable
 * yet may be among them), and how many others there are that hold logs: their rows were lost. */
int history_ownerless(struct history *history, history_fn fn, void *user);
/* Removes the folders of those runs (an array of run_id) that have no row. */
int history_remove_folders(struct history *history, const struct jval *run_ids, history_fn fn, void *user);
