/* The state machine of a run: (state, event) -> (new state, effects). No clock, no descriptor: times come in with
 * events, and what has to be done goes out as effects. run_machine_* are the only functions that change a status.
 *
 * A task is what is run: a step, or (with ForEach) a step with one of its items; each task is attempted once or more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

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

enum task_state {
        TASK_PENDING,  /* waits for others */
        TASK_STARTING, /* its attempt is decided, not yet reported as started */
        TASK_RUNNING,
        TASK_WAITING, /* between two attempts */
        TASK_ENDED,   /* status is final */
};

struct task {
        size_t plan_index;
        char *item; /* "" when none */
        enum task_state state;
        enum step_status status;
        enum reason reason; /* while WAITING: of the attempt that failed */
        unsigned attempt;   /* the current or last one, from 1; 0 before the first */
        bool had_warnings;
        bool held; /* its next attempt was decided and then held back: run_machine_hold */
};

struct run_machine {
        const struct run_plan *plan;
        enum run_status status;
        enum reason reason;
        char *error_message; /* in one line: why it failed, or (partial) the first step that did */
        struct task *tasks;
        size_t n_tasks;
        bool failing;    /* a critical step failed: no new attempts, what runs may finish */
        bool cancelling; /* no new attempts, what runs is stopped */
        enum reason
                cancel_reason; /* request, stopped, replaced, timeout (RunTimeoutSec), lost (the machine went down) */
        bool had_warnings;
};

enum effect_type {
        EFFECT_LAUNCH,       /* start attempt `attempt` of task */
        EFFECT_RETRY_TIMER,  /* call run_machine_retry_due(task) after delay */
        EFFECT_STOP_ATTEMPT, /* TERM, grace, KILL the task's attempt, because of reason */
        EFFECT_TASK_CHANGED, /* status of the task changed: record it (a task skipped without an attempt too) */
        EFFECT_RUN_CHANGED,  /* status of the run changed: record it */
        EFFECT_RUN_ENDED,    /* nothing will happen any more; follows EFFECT_RUN_CHANGED */
};

struct effect {
        enum effect_type type;
        size_t task;
        unsigned attempt;
        usec_t delay;
        enum reason reason;
};

struct effects {
        struct effect *items;
        size_t count, capacity;
};
void effects_done(struct effects *effects);

/* queued, one pending task for each plan step. The plan must outlive the machine. */
void run_machine_init(struct run_machine *machine, const struct run_plan *plan);
void run_machine_done(struct run_machine *machine);
/* The settings of what the task runs. */
const struct step *run_machine_step(const struct run_machine *machine, size_t task);

/* All events append to effects. An event that does not fit the state is ignored (returns false): repeats after a
 * recovery are harmless. */
bool run_machine_start(struct run_machine *machine, struct effects *effects);
bool run_machine_attempt_started(struct run_machine *machine, size_t task, struct effects *effects);
/* jitter: 0..1, from the caller's random source; delays are lengthened by up to 10 %. */
bool run_machine_attempt_ended(struct run_machine *machine, size_t task, const struct attempt_end *end, double jitter,
                               struct effects *effects);
bool run_machine_retry_due(struct run_machine *machine, size_t task, struct effects *effects);
/* An attempt that was just decided (EFFECT_LAUNCH) cannot begin yet: the task is as before, pending or between two
 * attempts, and stays so until run_machine_release decides the attempt again, or the task ends without it. */
bool run_machine_hold(struct run_machine *machine, size_t task);
bool run_machine_release(struct run_machine *machine, size_t task, struct effects *effects);
/* request, stopped, replaced or timeout. Waiting and pending tasks end at once; running ones are stopped; the run ends
 * with the last of them: `cancelled` with the reason, but `failed`/`timeout` for timeout. */
bool run_machine_cancel(struct run_machine *machine, enum reason reason, struct effects *effects);
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
/* own[i]: 0..1, the progress that task i reported of itself (NULL: none did). */
struct run_progress run_machine_progress(const struct run_machine *machine, const double *own);
