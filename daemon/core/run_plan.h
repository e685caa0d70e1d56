/* What a run will do: from a job, a mode, a selection of steps and parameter values to an ordered list of steps with
 * their dependencies. Pure. */
#pragma once

#include "job.h"

struct plan_step {
        const struct step *step; /* of the job the plan holds */
        size_t *after;           /* indexes into the plan */
        size_t n_after;
};

struct run_plan {
        struct job *job; /* a reference */
        char *mode;      /* NULL when the job has none */
        struct plan_step *steps;
        size_t n_steps;
};

/* mode NULL: DefaultMode, or all steps when there are no modes. only: a selection within the mode (NULL: all of it; an
 * After= on a step outside the plan is met). -EINVAL with *ret_error and *ret_parameter ("mode" or "steps"). */
int run_plan_make(struct run_plan *ret, struct job *job, const char *mode, char *const *only, char **ret_error,
                  const char **ret_parameter);
void run_plan_done(struct run_plan *plan);

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
