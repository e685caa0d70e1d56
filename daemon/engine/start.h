/* How a run comes about where nobody asked for it in so many words. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct act;
struct engine;
struct job;
struct job_entry;
struct run;

/* Of a start that is part of something greater; borrowed while start_run decides. */
struct start_origin {
        const char *retry_of;          /* run_id, or NULL */
        const char *parent_run_id;     /* or NULL */
        const char *triggered_by_user; /* NULL: who asks */
        struct job *job;               /* as it was when the greater thing began; NULL: as it is in force */
        int64_t group;                 /* runs of one group begin beside each other; 0: none */
        /* It is not refused while its job is paused, the daemon drained or state.db full, but made as one that waits.
         */
        bool is_held_back;
        /* Of a retry: what became of the old run's steps and items (history_run_outcome), and the names of steps that
         * run again as a whole; NULL: no retry. */
        const struct jval *outcomes, *again;
        /* Of skip_gates, those that the run does not have are left out instead of refused. */
        bool skips_gates_that_are_there;
};

/* Whether the engine may start something now; answers the request when it may not. */
bool act_may_start(struct act *act, const struct job *job);
/* Keeps the gates that the request wants skipped with the run; answers the request when it has none of that name. */
bool start_skip_gates(struct act *act, struct run *run);
/* Who asks for what: the run's record but for its parameters. run->plan is there. */
void start_fill_record(struct act *act, struct run *run);
/* The run is there from now on: a restarted daemon finds it with the job as it is now (entry NULL: known already). */
void start_append(struct run *run, struct job_entry *entry);
