/* The engine: owns jobs, runs and queues, decides with the state machines of core, and applies their effects through
 * ports. What it decides in a pass of the loop is durable before it is answered or acted on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "alert.h"
#include "diagnostic.h"
#include "jval.h"
#include "limit.h"
#include "methods.h"
#include "record.h"
#include "retention.h"

struct engine;
struct run;
struct loop;
struct store;
struct history;
struct file_systems;
struct supervise;
struct mirror;

struct engine_config {
        const char *state_dir;
        char *const *job_folders; /* the first that has NAME.job wins */
        const char *version;
        const char *alert_path;     /* the program that sends messages */
        const struct alert *alerts; /* at the start; later by engine_set_alerts */
        size_t n_alerts;
        bool alerts_on;
        const char *host;
        struct keep keep;               /* of all ended runs */
        const struct limit_set *limits; /* at the start; later by engine_set_limits */
        /* daemon.reload: batchd.conf is to be read anew, too. What is wrong in it is told and leaves the old values in
         * force. May be NULL. */
        void (*reload_settings)(struct diagnostics *diagnostics, void *user);
        void (*changed)(void *user); /* statuses changed: time to tell the service manager; may be NULL */
        void *changed_user;          /* of both */
};

/* What the engine works with; all of it outlives the engine. Unlike what lies beside it, the engine calls these parts
 * directly: there is one of each, and a reader finds the called function. */
struct engine_parts {
        struct loop *loop;
        struct store *store;
        struct history *history;
        struct file_systems *file_systems;
        struct supervise *supervise;
        struct mirror *mirror; /* NULL: none */
};

/* Reads the jobs and takes up what an earlier daemon left running. Errors of job files are logged, not returned. */
int engine_new(struct engine **ret, const struct engine_parts *parts, const struct engine_config *config,
               char **ret_error);
/* Lets go of everything; monitors go on. Watches must be gone. */
struct engine *engine_free(struct engine *engine);
/* Ends all runs in order (`cancelled`, `stopped`), starts nothing new; done(user) is called when all is recorded.
 * for_shutdown: the machine goes down, so that those with RestartLost= are started again by the next daemon. */
void engine_stop(struct engine *engine, bool for_shutdown, void (*done)(void *user), void *user);
/* Starts again, once, what with RestartLost= was stopped because the machine went down: for a daemon that is here to
 * stay. 0 or a negative errno. */
int engine_restart_stopped(struct engine *engine);
/* From now on so much of the ended runs is kept. */
void engine_set_keep(struct engine *engine, const struct keep *keep);
/* From now on these limits hold, in these sizes. One that is gone and still named by a job in force stays as it was. */
void engine_set_limits(struct engine *engine, const struct limit_set *limits);
/* From now on these alerts are told (on: at all). Copied. */
void engine_set_alerts(struct engine *engine, const struct alert *items, size_t n_items, bool on);
/* Queued and running ones. */
size_t engine_active_runs(const struct engine *engine);

/* What goes back to a caller instead of a result. */
struct engine_error {
        enum error_kind kind;
        const char *message;
        struct jval *data; /* further members of the error's data (parameter, run_number, ...), or NULL; borrowed */
};

/* Called once, on the loop: either error is NULL and result is the callee's reference to unref, or error says why not.
 */
typedef void (*engine_answer_fn)(const struct engine_error *error, struct jval *result, void *user);

struct caller {
        int64_t uid;
        int64_t pid;
        const char *user;      /* name of uid, or "#1000" */
        const char *on_behalf; /* NULL, or as a trusted client said */
};

/* Methods that act. params have been checked against the method table. The answer comes when the decision is durable
 * (or refused). */
void engine_run_start(struct engine *engine, const struct jval *params, const struct caller *caller,
                      engine_answer_fn fn, void *user);
/* A run of the job data_readiness. */
void engine_readiness_refresh(struct engine *engine, const struct jval *params, const struct caller *caller,
                              engine_answer_fn fn, void *user);
void engine_run_cancel(struct engine *engine, const struct jval *params, const struct caller *caller,
                       engine_answer_fn fn, void *user);
void engine_run_backfill(struct engine *engine, const struct jval *params, const struct caller *caller,
                         engine_answer_fn fn, void *user);
void engine_run_retry(struct engine *engine, const struct jval *params, const struct caller *caller,
                      engine_answer_fn fn, void *user);
void engine_reload(struct engine *engine, const struct jval *params, const struct caller *caller, engine_answer_fn fn,
                   void *user);
void engine_drain(struct engine *engine, const struct jval *params, const struct caller *caller, engine_answer_fn fn,
                  void *user);
void engine_job_pause(struct engine *engine, const struct jval *params, const struct caller *caller,
                      engine_answer_fn fn, void *user);
void engine_job_resume(struct engine *engine, const struct jval *params, const struct caller *caller,
                       engine_answer_fn fn, void *user);
void engine_breaker_reset(struct engine *engine, const struct jval *params, const struct caller *caller,
                          engine_answer_fn fn, void *user);
/* An act that was refused before it reached the engine (not permitted, rate limited, invalid): kept in the audit too.
 */
void engine_audit_refused(struct engine *engine, const char *method, const struct jval *params,
                          const struct caller *caller, const char *outcome);

void engine_alert_test(struct engine *engine, const struct jval *params, const struct caller *caller,
                       engine_answer_fn fn, void *user);

/* Methods that watch. */
void engine_alert_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_status(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_job_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_job_show(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_schedule_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_run_current(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_run_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_run_show(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_run_summary(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_run_quality(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_job_health(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_run_why(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_step_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_limit_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_audit_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_readiness_show(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);
void engine_log_read(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user);

/* Following a run. The watch holds a cursor into the run's ring; the ring is its queue. */
struct engine_watch;
struct engine_watch_events {
        /* There is something to read, or the state changed: call engine_watch_read when the client's socket takes more.
         * Called at most once until then. */
        void (*ready)(void *user);
};

/* Resolves the run (run.tail's params: run, lines, after), and answers {run_number, run_id, job, status, next}; with
 * follow a watch is left in *ret_watch when it is an active run and before fn is called. Lines of ended runs and lines
 * that left the ring come from disk. */
void engine_run_tail(struct engine *engine, const struct jval *params, const struct engine_watch_events *events,
                     void *events_user, struct engine_watch **ret_watch, engine_answer_fn fn, void *user);
/* Answers with what is queued or runs now, and leaves a watch in *ret_watch, before fn is called, that tells every
 * change of state of every run (run.changed). params: jobs. */
void engine_events_subscribe(struct engine *engine, const struct jval *params, const struct engine_watch_events *events,
                             void *events_user, struct engine_watch **ret_watch, engine_answer_fn fn, void *user);
/* Appends the next notification (a whole frame: run.lines, run.state, run.end or run.changed) to out, at most about 64
 * KiB. 1: appended, call again; 0: nothing now, ready will be called; -EPIPE: run.end was the last, free the watch;
 * -EINPROGRESS: lines are being read from disk, ready will be called. */
int engine_watch_read(struct engine_watch *watch, struct buf *out);
struct engine_watch *engine_watch_free(struct engine_watch *watch);

/* For sd_notify's STATUS=: "2 runs active (weekly_update #12 game_logs 53%), next due ..." into a new string. */
char *engine_status_line(const struct engine *engine);
