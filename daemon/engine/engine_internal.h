/* What the files of this folder share: the engine's own structures. Nobody outside includes this. */
#pragma once

#include <sys/types.h>

#include "engine.h"
#include "events.h"
#include "history.h"
#include "job_registry.h"
#include "launches.h"
#include "limit_queue.h"
#include "log_index.h"
#include "loop.h"
#include "mirror.h"
#include "retention_sweep.h"
#include "ring.h"
#include "run_machine.h"
#include "starts.h"
#include "store.h"
#include "supervise.h"
#include "watch.h"

/* A request that acts, from its arrival to its answer. */
struct act {
        struct engine *engine;
        const struct method *method;
        struct jval *params;
        struct caller caller; /* its strings are owned */
        char *request_id;     /* NULL: none given */
        int64_t request_uid;  /* whose: the same id from another user is another request */
        engine_answer_fn fn;
        void *user;
        /* Of a start that the daemon decides itself: told in the pass that decides it, so that what became of the due
         * time is durable together with the run. refusal NULL: started. */
        void (*decided)(const struct jval *params, const struct engine_error *refusal, const struct jval *result,
                        void *user);
        void *decided_user;
        const struct start_origin *origin; /* of a start; NULL: somebody's own. Valid while it is decided */
        struct act *waiting;               /* in run->cancel_acts */
        struct act *next;    /* in engine->acts: those with a request_id that are not answered yet; or in repeats */
        struct act *repeats; /* the same request, sent again meanwhile: they get the same answer */
        size_t n_repeats;
        bool was_begun; /* an earlier daemon has recorded that it took this request on */
};

/* Something to do once the decisions of a pass are durable. */
struct effect_call {
        void (*fn)(void *user);
        void *user;
};

struct commit {
        struct engine *engine;
        struct effect_call *calls;
        size_t count, capacity;
};

/* What this pass of the loop decided. */
struct decisions {
        struct store_batch *batch;
        struct commit *commit;
};

struct task_run {
        struct run *run;
        size_t index;                 /* in run->tasks, run->machine.tasks */
        struct attempt_record record; /* of the current attempt, or the one to come */
        bool dirty;
        bool has_reported; /* what it reported is not on its way to state.db yet */
        bool is_unwritten; /* in run->unwritten: dirty or has_reported */
        bool is_alive;     /* in run->alive */
        struct task_run *next_unwritten, *next_kept;
        struct task_run *previous_alive, *next_alive;
        struct task_run *older, *newer; /* in the order of their last changes */
        uint64_t changed_at;            /* run->state_sequence of the last change; 0: none yet */
        struct attempt *attempt;        /* its monitor, while it lives */
        struct loop_timer *retry_timer; /* NULL until there is a retry to wait for */
        double own_progress;            /* 0..1 */
        int64_t done, total;            /* PROGRESS=done/total; total 0: not said */
        char *status_text;              /* STATUS= */
        char *item_text;                /* ITEM= */
        struct jval *earlier_metrics;   /* what += added up to in earlier attempts */
        struct jval *set_metrics;       /* names that this attempt set with = */
        int error_class;                /* enum error_class */
        bool had_warnings;              /* this attempt */
        usec_t launch_since;            /* boot clock: since when its launch waits for others' decisions */
        bool has_slots;                 /* of what its step names in Limit=, for this attempt */
        const struct limit_use *lacks;  /* while it is held: the limit that it waits for; of the plan's job */
        bool adopted;                   /* taken over from an earlier daemon */
        struct task_gates *gates;       /* gates.h; NULL: none were asked */
        struct nested_steps *nested;    /* nested_steps.h; NULL: it reported none */
};

/* ItemDelaySec of a step. */
struct run_pace {
        struct run *run;
        size_t plan_index;
        struct loop_timer *timer;
};

struct run {
        struct engine *engine;
        struct run_record record;
        bool dirty;
        bool has_reported; /* one of its tasks */
        struct run_plan plan;
        struct run_machine machine;
        /* One for each of the machine's; the pointers stay while the array grows. NULL: of an item that has not begun,
         * or that ended a while ago (state.db has it); run_task makes one. */
        struct task_run **tasks;
        size_t n_tasks, tasks_capacity;
        struct task_run *unwritten, *last_unwritten; /* what put_changes has to look at */
        struct task_run *alive, *last_alive;         /* launched or waiting for a retry, the oldest first */
        struct task_run *oldest_change, *newest_change;
        struct task_run *kept, *last_kept; /* of items, durable, kept for those who watch */
        size_t n_kept;
        bool has_dirty_task;
        const char *helper_error;     /* while effects are applied: why a command beside a step failed */
        struct jval *settled_metrics; /* of the tasks that have ended */
        struct run_pace *paces;       /* by plan index; NULL: none of its steps has ItemDelaySec */
        int32_t next_ordinal;
        size_t n_nested; /* steps inside of steps, of the latest attempts */
        char *dir;       /* <state>/runs/<uuid> */
        struct ring *ring;
        struct log_index *log_index;
        usec_t began_boottime; /* RunTimeoutSec counts from here: earlier than the start when ReadyWhen= came first */
        usec_t started_boottime;
        struct loop_timer *timeout_timer;
        struct loop_timer *slow_timer; /* NULL until it is known what is usual: alerts.c */
        struct run_watch *watches;
        struct act *cancel_acts; /* waiting for the end */
        int64_t processes_ended;
        uint64_t changed_at;     /* among the changes of all runs: events.h */
        bool clock_runs;         /* RunTimeoutSec has begun */
        uint64_t state_sequence; /* grows with everything that a run.state notification shows */
        unsigned times_lost;     /* of a run that the machine went down under: how often in a row, this one included */
        bool index_broken;
        struct backfill *backfill;     /* it is one; NULL: it has steps of its own */
        bool folder_is_open;           /* with all that belongs in it */
        bool wait_told;                /* in the log, that it is queued */
        bool in_a_circle;              /* queued: see limit_claim */
        const struct limit_use *lacks; /* queued: the limit that it waits for; of the plan's job */
        bool ended;                    /* decided */
        bool finished;                 /* the end is durable: no longer in engine->runs, kept for its watches only */
        bool cancel_held;              /* it is decided that it is cancelled, and not durable yet */
        enum run_status told_status;   /* ended: before its end until that is durable */
        enum reason told_reason;       /* ended, or its cancel is held: as before that */
        struct run *next;
};

struct engine {
        struct loop *loop;
        struct store *store;
        struct history *history;
        struct file_systems *file_systems;
        struct supervise *supervise;
        struct mirror *mirror;
        struct engine_config config;
        struct job_registry jobs;
        struct limit_set limits;
        struct jval *job_errors; /* of the last reading: array of {file, line, message} */
        struct scheduler *scheduler;
        struct alerts *alerts;
        struct deadlines *deadlines;
        struct jval *pauses, *drain; /* objects by job, and by one name: pause.c */
        struct jval *breakers;       /* object by JOB/STEP: breaker_set.c */
        struct run *runs;            /* active ones, oldest first */
        size_t n_runs;
        int64_t next_run_number, next_attempt_number;
        struct decisions decisions;
        size_t commits_in_flight;
        struct loop_timer *flush_timer;
        struct events events;
        struct sweep sweep;
        struct starts starts;
        struct launches launches;
        struct act *acts;
        uint64_t audit_unrecorded; /* refusals while state.db could not be written */
        size_t n_watches;
        usec_t started_boottime, started_realtime;
        bool recovering; /* not all runs are there yet */
        bool stopping;
        bool shutting_down; /* beside stopping: the whole machine */
        void (*stopped)(void *user);
        void *stopped_user;
};

/* decisions.c */
struct store_batch *decisions_batch(struct engine *engine);
/* fn(user) is called once everything that this pass decided is durable. */
void decisions_after_commit(struct engine *engine, void (*fn)(void *user), void *user);
void decisions_flush(void *engine);
/* What was never submitted, at the end. */
void decisions_drop(struct engine *engine);

/* act.c */
void act_begin(struct engine *engine, enum method_id method, const struct jval *params, const struct caller *caller,
               engine_answer_fn fn, void *user, void (*handler)(struct act *act));
/* An act of the daemon itself, without an audit: params are taken over. */
struct act *act_of_daemon(struct engine *engine, enum method_id id, struct jval *params,
                          void (*decided)(const struct jval *params, const struct engine_error *refusal,
                                          const struct jval *result, void *user),
                          void *user);
/* The answer: recorded with the decisions of this pass, given when they are durable. Takes result over. */
void act_succeed(struct act *act, struct jval *result, const char *run_id);
/* Recorded with the decisions of this pass: this request is being worked on, and its answer may be long in coming. Sent
 * again to a later daemon, it is `was_begun`. */
void act_note_begun(struct act *act);
/* In the log: how many refusals could not be recorded, once recording works again. */
void act_tell_unrecorded(struct engine *engine);
/* Refused: given when what it is based on is durable; ERROR_KIND_UNAVAILABLE at once. Takes data over (may be NULL). */
void act_fail(struct act *act, enum error_kind kind, struct jval *data, const char *format, ...) PRINTF_LIKE(4, 5);

/* start.c */
/* The job in force; answers the act when there is none. */
struct job_entry *act_find_job(struct act *act, const char *name);
/* The oldest active run of the job, or NULL. */
struct run *engine_active_run(const struct engine *engine, const char *job);
/* run.start; answers in the same pass when the act is the daemon's own. */
void start_run(struct act *act);

/* cancel.c */
/* While the daemon stops and nothing can be recorded: when the last attempt has ended, it leaves. */
void engine_leave_unrecorded(struct engine *engine);

/* run.c */
struct run *run_new(struct engine *engine, struct job *job);
void run_free(struct run *run);
/* Before the first attempt: TMPDIR, the index of lines, the clock. */
void run_open_folder(struct run *run);
/* Makes tasks, machine, ring and index for run->plan. */
int run_prepare(struct run *run, uint64_t *ret_lines);
struct run *engine_find_run(const struct engine *engine, const char *selector);
void run_mark(struct run *run);
/* Keeps that the run is to be cancelled, before its end: a daemon that is killed then goes on cancelling when it is
 * back. It is told to nobody before it is durable. */
void run_note_cancel(struct run *run, enum reason reason);
/* Something changed that watches show, recorded or not. */
void run_state_changed(struct run *run);
/* The row of a task that has ended without a beginning. */
void run_put_unbegun(struct run *run, size_t index);
/* These are the items of the list. Takes items over; dropped: how many were named again. */
void run_take_items(struct run *run, size_t list, struct item_list *items, size_t dropped, struct effects *effects);
/* Applies and empties effects. */
void run_apply(struct run *run, struct effects *effects);
void run_cancel(struct run *run, enum reason reason);
void run_add_warning(struct run *run, const char *step, const char *item, const char *category, const char *text);
/* The one warning of that step, item and category: its text changes with what it tells of. */
void run_set_warning(struct run *run, const char *step, const char *item, const char *category, const char *text);
void run_arm_timeout(struct run *run);

/* tasks.c */
/* The array grows with the machine's; steps without items get their task_run at once. */
void run_add_tasks(struct run *run);
/* The first rows of a new run: of all tasks but items. */
void run_prepare_records(struct run *run);
struct task_run *run_task(struct run *run, size_t index);
void run_free_tasks(struct run *run);
void task_mark(struct task_run *task);
/* It said something: on its way to state.db with the next decision. */
void task_note_report(struct task_run *task);
void task_note_unwritten(struct task_run *task);
void task_set_alive(struct task_run *task, bool alive);
/* Its end is decided: its counters are the run's. Of an item: once that is durable, it may be let go of. */
void task_settle(struct task_run *task);
/* An item that ended before this daemon: nothing of it is needed. */
void task_let_go(struct task_run *task);
void task_arm_retry(struct task_run *task, usec_t delay);
/* The settings of what the task runs: of its step, or of a command beside it. */
const struct step *task_step(const struct task_run *task);

/* attempt.c */
extern const struct attempt_events attempt_events_of_engine;
void task_launch_now(struct task_run *task);
void task_adopt(struct task_run *task);
void task_prepare_attempt(struct task_run *task, unsigned attempt);
/* The record of an attempt that has not begun. */
void task_fill_record(struct task_run *task, unsigned attempt);
char *task_log_path(const struct task_run *task);
char *task_attempt_path(const struct task_run *task);

/* items.c */
/* Whether the words of ForEach= that are known make lists. 0 or negative errno with *ret_error. */
int run_check_items(const struct run *run, char **ret_error);
/* They become the items of a new run. */
void run_find_items(struct run *run, struct effects *effects);
/* A list is wanted now, whatever of its words is still unknown. */
void run_find_list(struct run *run, size_t list);
/* A lister has ended well: its output becomes the items. False: it is no list (*ret_error). */
bool task_take_items(struct task_run *task, struct effects *effects, char **ret_error);
/* The steps that an earlier daemon's run has; NULL when its rows tell. */
char **run_load_steps(struct engine *engine, const char *run_id);
/* The items that it found. */
int run_restore_items(struct run *run);
void run_drop_items(struct run *run);
void run_arm_pace(struct run *run, size_t plan_index, usec_t delay);
void run_free_paces(struct run *run);

/* environment.c */
char **task_environment(const struct task_run *task);

/* report.c */
void task_report(struct task_run *task, const char *key, const char *value);
void task_recount_metrics(struct task_run *task);
void run_recount_metrics(struct run *run);
/* What an ended task counted stays. */
void run_settle_metrics(const struct task_run *task);

/* restart_lost.c */
/* Whether the machine has been started anew since a daemon last had this state folder. From the next commit on it has
 * not. */
bool machine_was_restarted(struct engine *engine);
/* A run that the machine went down under, before anything of it is taken up: how often that happened in a row. */
void run_count_lost(struct run *run);
/* It has ended: with RestartLost= it is started again, in the transaction that records the end. */
void run_restart_lost(struct run *run);
/* Whether the machine went down under a run that has ended, and it is to be started again. */
bool lost_goes_on_anew(const struct run_record *record, const struct job *job);
void run_note_restarted(struct run *lost, int64_t run_number);
/* Of the run that is started instead. New memory. */
char *lost_reason(int64_t run_number);

/* recovery.c */
int engine_recover(struct engine *engine, char **ret_error);
