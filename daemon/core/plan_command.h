/* The commands of a plan that are no steps of the file: what finds items, what decides whether to go on. Internal to
 * run_plan.c. */
#pragma once

#include "run_plan.h"

/* The lists that the plan's steps go over, each with its lister. */
void plan_fill_lists(struct run_plan *plan);
/* Condition= of steps and job, ReadyWhen=. */
void plan_fill_commands(struct run_plan *plan);
/* Frees both. */
void plan_commands_done(struct run_plan *plan);
