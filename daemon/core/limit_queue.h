/* Who gets the slots of limits. Pure: whoever owns runs and attempts says who holds what and who waits, and asks anew
 * whenever something has changed.
 *
 * - A holder takes all that it names at once, or nothing: nobody sits on a part and waits for the rest.
 * - Those that wait are served by priority, then by age. What one of them waits for is kept for it: a later one does
 * not slip by, so that nobody starves behind many small ones. A closed limit (no slots) keeps nothing back.
 * - Steps of a run that itself holds limits come before all others and are not held up by what is kept for others, only
 * by an earlier one of their kind that waits for the same limit: the run gives its own back the sooner.
 * - A run that holds limits while its steps take others could so wait for another run that waits for it. So a run
 * begins only when no circle can come of what the active runs hold and what their steps may take. Thus somebody can
 * always go on: attempts that hold slots wait for nothing, and of the runs that hold some, the one at the end of the
 * chain waits for attempts only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "limit.h"
#include "run_plan.h"
#include "timeutil.h"

/* One that holds, or wants to: a run for its [Job], or an attempt for its [Step]. Everything is borrowed. */
struct limit_claim {
        const struct limit_uses *uses;
        const struct run_plan *plan; /* of a run: what its steps may take; NULL: an attempt */
        /* Of those that wait: */
        bool of_holder; /* an attempt of a run that holds limits */
        int priority;
        usec_t since;
        int64_t number; /* decides where all else is equal: the smaller one goes first */
        /* The answer: */
        bool granted;
        bool in_a_circle;              /* it waits for a run that may wait for it in turn */
        const struct limit_use *lacks; /* the first that it waits for; NULL when granted or in_a_circle */
};

/* Sorts `waiters` into the order in which they are served, and answers each. */
void limit_queue_settle(const struct limit_set *set, const struct limit_claim *holders, size_t n_holders,
                        struct limit_claim **waiters, size_t n_waiters);
/* Slots of the limit that are taken. May be more than it has: those that hold them keep them when it shrinks. */
unsigned limit_queue_used(const char *name, const struct limit_claim *holders, size_t n_holders);
