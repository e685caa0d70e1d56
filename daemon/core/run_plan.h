/* What a run will do: from a job, a mode, a selection of steps and parameter values to an ordered list of steps with
 * their dependencies. Pure. */
#pragma once

#include <stdint.h>

#include "job.h"

#define PLAN_NONE SIZE_MAX

struct plan_step {
        const struct step *step; /* of the job the plan holds */
        size_t *after;           /* indexes into the plan */
        size_t n_after;
        size_t *before; /* those that have this one in their `after` */
        size_t n_before;
        size_t list;            /* index of what it goes over, PLAN_NONE */
        size_t fallback;        /* index of the step that runs instead when this one failed, PLAN_NONE */
        size_t fallback_of;     /* the other way round: runs only then; PLAN_NONE */
        struct step *condition; /* its Condition= as a step of its own, NULL: none */
};

/* What steps go over: those with the same ForEach= share it. */
struct plan_list {
        size_t *members; /* indexes into the plan, in its order */
        size_t n_members;
        struct step *lister; /* the command that finds the items, with the settings of the first member; NULL: words */
};

struct run_plan {
        struct job *job; /* a reference */
        char *mode;      /* NULL when the job has none */
        struct plan_step *steps;
        size_t n_steps;
        struct plan_list *lists;
        size_t n_lists;
        struct step *condition, *ready; /* the job's commands as steps, NULL: none */
};

/* mode NULL: DefaultMode, or all steps when there are no modes. only: a selection within the mode (NULL: all of it; an
 * After= on a step outside the plan is met). The fallback of a step in the plan is in it, right behind that step.
 * -EINVAL with *ret_error and *ret_parameter ("mode" or "steps"). */
int run_plan_make(struct run_plan *ret, struct job *job, const char *mode, char *const *only, char **ret_error,
                  const char **ret_parameter);
void run_plan_done(struct run_plan *plan);
/* Index of the named step in the plan, PLAN_NONE. */
size_t run_plan_find(const struct run_plan *plan, const char *name);
/* Whether step waits for other item by item, and not for all of it. */
static inline bool plan_waits_by_item(const struct run_plan *plan, size_t step, size_t other) {
        return plan->steps[step].list != PLAN_NONE && plan->steps[step].list == plan->steps[other].list;
}

/* Checks values given as strings, numbers or booleans against the job's parameters, adds defaults, and returns an
 * object of canonical values (integers as integers, booleans as booleans, the rest as strings). Parameters left open
 * are absent. -EINVAL with the parameter and what it takes. A value with a NUL or a newline is refused. */
int parameters_check(const struct job *job, const struct jval *given, struct jval **ret, char **ret_error,
                     char **ret_parameter);
/* One value set by the step itself (PARAMETER=name=value): only for a parameter that is still open. */
int parameters_fill(const struct job *job, struct jval *parameters, const char *assignment, char **ret_error);
/* The text that stands for a parameter in argv and environment; NULL when it is open. New memory. */
char *parameter_text(const struct jval *parameters, const char *name);
/* argv with ${name} and ${item} substituted; an argument with an unset one in it disappears; "$$" is "$". */
char **exec_substitute(char *const *exec, const struct jval *parameters, const char *item);
/* The words of a ForEach= with their parameters: a word that is nothing but ${name} becomes the words of that value.
 * *ret_open: a parameter in them has no value (yet); words with it are left out. */
char **words_substitute(char *const *words, const struct jval *parameters, bool *ret_open);
