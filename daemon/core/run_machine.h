/* The state machine of a run: (state, event) -> (new state, effects). No clock, no descriptor: times come in with
 * events, and what has to be done goes out as effects. run_machine_* are the only functions that change a status.
 *
 * A task is what is run: a step, or (with ForEach) a step with one of its items, or a command beside them: what finds
 * items, what decides whether to go on. Each task is attempted once or more. A step with ForEach is one task until its
 * items are known; that one then becomes the first item's, and the others' are added. An event costs what it changes,
 * however many tasks there are; a cancel and a critical failure look at all of them, once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "item_list.h"
#include "run_plan.h"
#include "status.h"
#include "timeutil.h"

/* How an attempt ended, as the monitor saw it. */
enum attempt_outcome {
        OUTCOME_EXITED,   /* exit_status */
        OUTCOME_SIGNALED, /* signal_number */
        OUTCOME_OOM,
        OUTCOME_TIMEOUT,
        OUTCOME_HEARTBEAT,
        OUTCOME_CANCELLED, /* ended because it was asked to */
        OUTCOME_SPAWN,     /* the command could not be started */
        OUTCOME_LOST,      /* its monitor vanished, or the machine went down */
        OUTCOME_REFUSED,   /* it was not made: the step's breaker is open */
        OUTCOME_ITEMS,     /* a lister that ended well, whose output is no list of items (error_message) */
        _OUTCOME_MAX,
};

enum error_class { ERROR_CLASS_UNKNOWN, ERROR_CLASS_TRANSIENT, ERROR_CLASS_PERMANENT };

struct attempt_end {
        unsigned attempt; /* which one ended; 0: the current one. The end of an earlier one is a repeat and ignored */
        enum attempt_outcome outcome;
        int exit_status;
        int signal_number;
        enum error_class error_class; /* what the step said of itself */
        bool had_warnings;
        enum reason verdict;       /* a gate's on what would be a success: REASON_NONE lets it be one */
        const char *error_message; /* borrowed, NULL when none; the gate's or the breaker's words where they decided */
};

enum task_kind {
        TASK_STEP,          /* a step, or one of its items: what totals count */
        TASK_LISTER,        /* ForEach=!command: its output lines are the items */
        TASK_CONDITION,     /* Condition= of a step, for the task `stands_for` */
        TASK_RUN_CONDITION, /* Condition= of the job */
        TASK_READY,         /* ReadyWhen= of the job */
};

enum task_state {
        TASK_PENDING,  /* waits for others */
        TASK_STARTING, /* its attempt is decided, not yet reported as started */
        TASK_RUNNING,
        TASK_WAITING,  /* between two attempts */
        TASK_CHECKING, /* its Condition= decides whether it is attempted at all */
        TASK_ENDED,    /* status is final */
};

#define TASK_NONE UINT32_MAX

struct task {
        const char *item; /* "" when none; the machine's */
        enum task_kind kind : 8;
        enum task_state state : 8;
        enum step_status status : 8;
        enum reason reason : 8; /* while WAITING: of the attempt that failed */
        uint32_t plan_index;    /* of its step; 0 for commands of the job */
        unsigned attempt;       /* the current or last one, from 1; 0 before the first */
        uint32_t stands_for;    /* of a fallback: the task that failed; of a condition: the one that it decides on */
        uint32_t fallback;      /* the task that stands in for this one, which failed; TASK_NONE */
        uint32_t waits;         /* tasks of the same item that must end before */
        uint32_t next;          /* in its step's queue */
        bool had_warnings : 1;
        bool has_place : 1;  /* counts for MaxParallel */
        bool held : 1;       /* its next attempt was decided and then held back: run_machine_hold */
        bool is_covered : 1; /* failed, and its fallback has not ended: those that wait for it wait on */
};

struct task_counts {
        size_t total, completed, failed, skipped, running; /* completed: all that ended, in whatever way */
};

/* What is known of a step of the plan besides its tasks. */
struct step_progress {
        struct task_counts counts;
        uint32_t first;     /* its task, or its first item's; TASK_NONE for a fallback that is not needed */
        uint32_t more;      /* the second item's; the others follow it */
        uint32_t n_settled; /* tasks that others need not wait for any more */
        uint32_t n_places;  /* tasks that count for MaxParallel */
        uint32_t waits;     /* steps all of which must end before */
        uint32_t queue_head, queue_tail;
        uint32_t paced_by; /* the task whose start begins the time of ItemDelaySec */
        bool is_open;      /* waits for no whole step any more */
        bool is_pacing;    /* ItemDelaySec has not passed */
};

enum list_state { LIST_UNKNOWN, LIST_WANTED, LIST_KNOWN };

struct machine_list {
        enum list_state state;
        struct item_list items;
        uint32_t *sorted; /* indexes of the items by name, made when one is looked for */
};

struct run_machine {
        const struct run_plan *plan;
        enum run_status status;
        enum reason reason;
        char *error_message; /* in one line: why it failed, or (partial) the first step that did */
        struct task *tasks;
        size_t n_tasks, tasks_capacity;
        struct step_progress *steps; /* by plan index */
        struct machine_list *lists;  /* by the plan's */
        struct task_counts counts;   /* of steps and items */
        size_t n_open;               /* tasks of every kind that have not ended */
        uint32_t ready_task;         /* TASK_NONE before it is asked for */
        uint32_t condition_task;
        bool may_open;   /* the job's condition is met: steps may begin */
        bool is_stale;   /* restored: what is counted is to be counted anew */
        bool failing;    /* a critical step failed: no new attempts, what runs may finish */
        bool cancelling; /* no new attempts, what runs is stopped */
        bool is_skipped; /* by the job's condition */
        enum reason
                cancel_reason; /* request, stopped, replaced, timeout (RunTimeoutSec), lost (the machine went down) */
        bool had_warnings;
};

enum effect_type {
        EFFECT_LAUNCH,       /* start attempt `attempt` of task */
        EFFECT_RETRY_TIMER,  /* call run_machine_retry_due(task) after delay */
        EFFECT_STOP_ATTEMPT, /* TERM, grace, KILL the task's attempt, because of reason */
        EFFECT_TASK_CHANGED, /* status of the task changed: record it (a task skipped without an attempt too) */
        EFFECT_RUN_CHANGED,  /* status or (queued) reason of the run changed: record it */
        EFFECT_FIND_ITEMS,   /* the words of list `index` are wanted: call run_machine_add_items or _items_failed */
        EFFECT_PACE_TIMER,   /* call run_machine_pace_due(index) after delay; index: of the step in the plan */
        EFFECT_RUN_ENDED,    /* nothing will happen any more; follows EFFECT_RUN_CHANGED */
};

struct effect {
        enum effect_type type;
        size_t task;
        size_t index;
        unsigned attempt;
        usec_t delay;
        enum reason reason;
};

struct effects {
        struct effect *items;
        size_t count, capacity;
};
void effects_done(struct effects *effects);

/* queued, one pending task for each plan step but fallbacks, in their order. The plan must outlive the machine. */
void run_machine_init(struct run_machine *machine, const struct run_plan *plan);
void run_machine_done(struct run_machine *machine);
/* The settings of what the task runs. */
const struct step *run_machine_step(const struct run_machine *machine, size_t task);
/* Whether the task is of a step with ForEach: its place in the record is made when it begins or ends. */
bool run_machine_is_listed(const struct run_machine *machine, size_t task);
/* The task of that step, item and helper's suffix ("game_logs", "game_logs:condition"), or TASK_NONE. O(log n). */
uint32_t run_machine_find(struct run_machine *machine, const char *step_name, const char *item);

/* All events append to effects. An event that does not fit the state is ignored (returns false): repeats after a
 * recovery are harmless. */
bool run_machine_start(struct run_machine *machine, struct effects *effects);
/* Started: it runs, it has ended, or (queued) it asks with ReadyWhen= whether it may begin. */
bool run_machine_has_begun(const struct run_machine *machine);
bool run_machine_attempt_started(struct run_machine *machine, size_t task, struct effects *effects);
/* jitter: 0..1, from the caller's random source; delays are lengthened by up to 10 %. */
bool run_machine_attempt_ended(struct run_machine *machine, size_t task, const struct attempt_end *end, double jitter,
                               struct effects *effects);
bool run_machine_retry_due(struct run_machine *machine, size_t task, struct effects *effects);
/* An attempt that was just decided (EFFECT_LAUNCH) cannot begin yet: the task is as before, pending or between two
 * attempts, and stays so until run_machine_release decides the attempt again, or the task ends without it. It keeps its
 * place among the items of its step. */
bool run_machine_hold(struct run_machine *machine, size_t task);
bool run_machine_release(struct run_machine *machine, size_t task, struct effects *effects);
/* request, stopped, replaced or timeout. Waiting and pending tasks end at once; running ones are stopped; the run ends
 * with the last of them: `cancelled` with the reason, but `failed`/`timeout` for timeout. */
bool run_machine_cancel(struct run_machine *machine, enum reason reason, struct effects *effects);
/* The items of a list, before the start or when they are found; before run_machine_attempt_ended of a lister that ended
 * well. Takes items over. None: its steps have succeeded. False when they are known already, or not wanted any more. */
bool run_machine_add_items(struct run_machine *machine, size_t list, struct item_list *items, struct effects *effects);
/* Words that make no list of items: the step fails with that message. */
bool run_machine_items_failed(struct run_machine *machine, size_t list, const char *message, struct effects *effects);
/* ItemDelaySec of the step has passed. */
bool run_machine_pace_due(struct run_machine *machine, size_t plan_index, struct effects *effects);
/* A warning reported outside of an attempt's end (the run ends partial). */
void run_machine_warn(struct run_machine *machine);

/* Recovery: puts run and tasks into the state that the records tell, without effects; then run_machine_resume decides
 * what is next. TASK_STARTING says that the attempt was decided but never launched (resume launches it, with the same
 * number); what may have been launched is TASK_RUNNING until it is settled by attempt_ended. TASK_WAITING gets its
 * retry timer anew, with the whole delay. A cancel that was asked for before is asked for again, before or after
 * resume. */
void run_machine_restore_run(struct run_machine *machine, enum run_status status, bool had_warnings);
void run_machine_restore_task(struct run_machine *machine, size_t task, enum task_state state, enum step_status status,
                              enum reason reason, unsigned attempt);
/* A task that is added while the run goes on, by the names of its record ("game_logs:items", a fallback with its item);
 * the index of the task, which restore_task then puts into its state. TASK_NONE when the plan has no such thing. */
uint32_t run_machine_restore_added(struct run_machine *machine, const char *step_name, const char *item);
bool run_machine_resume(struct run_machine *machine, struct effects *effects);
/* Instead of resume, for a run that the machine went down under: nothing is begun any more, attempts that were active
 * are still to be settled by attempt_ended, and the run ends `failed`/`lost` with the last of them, unless all of its
 * steps turn out to have ended by themselves, or it had failed before. */
bool run_machine_lose(struct run_machine *machine, struct effects *effects);

/* Delay before attempt `next_attempt` (2 is the first retry) of the step: retry_delay * backoff^(n-1), capped, plus
 * jitter. */
usec_t retry_delay(const struct step *step, unsigned next_attempt, double jitter);
/* Whether a failed attempt of this kind is tried again at all. */
bool retry_applies(const struct step *step, const struct attempt_end *end);
/* success or failed with its reason, before retries are considered; *ret_warned for WarnExitStatus. */
enum step_status attempt_end_status(const struct step *step, const struct attempt_end *end, enum reason *ret_reason,
                                    bool *ret_warned);

struct run_progress {
        size_t total, completed, failed, running; /* tasks; completed counts every ended one, failed among them */
        double percent;                           /* 0..100, with the running tasks' own progress */
};
/* own: the sum over the running tasks of the progress that each reported of itself (own_progress_of). */
struct run_progress run_machine_progress(const struct run_machine *machine, double own);
/* 0..1, whatever the step said. */
double own_progress_of(double reported);
