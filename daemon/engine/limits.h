/* Slots of limits among the runs and attempts of this daemon. Who holds what is told by the runs themselves (they run)
 * and by their tasks (their attempt runs), so that it needs no account that could go wrong, and is there again as soon
 * as an earlier daemon's runs have been taken up. */
#pragma once

#include "limit_queue.h"

struct engine;
struct run;
struct task_run;

/* Claims, and whose they are. */
struct limit_claims {
        struct limit_claim *items;
        struct limit_owner {
                struct run *run;
                struct task_run *task; /* NULL: the run itself */
        } * owners;
        size_t count, capacity;
};
void limit_claims_done(struct limit_claims *claims);
#define _cleanup_claims_ _cleanup_(limit_claims_done)

/* Who holds slots now. */
void limits_holders(const struct engine *engine, struct limit_claims *ret);
/* Which tasks are held back, and which queued runs wait for slots. */
void limits_waiters(const struct engine *engine, struct limit_claims *ret);

/* An attempt of the task was decided. True when it has to wait for slots first: then the task is held back. */
bool limits_hold(struct task_run *task);
/* The attempt has ended. */
void limits_give_back(struct task_run *task);
/* Serves the given queued runs, which wait for nothing else, and all tasks that are held back. True when somebody got
 * something. */
bool limits_serve(struct engine *engine, struct run *const *runs, size_t n);
/* waits_for of a queued run, or of a task that is held back; NULL when it waits for no slots. */
struct jval *limits_run_waits_for(const struct run *run);
struct jval *limits_task_waits_for(const struct task_run *task);
/* {run_number, run_id, job, step, item, slots, since} */
struct jval *limit_owner_json(const struct limit_owner *owner, unsigned slots);
