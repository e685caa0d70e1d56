/* Making and releasing the parts of a job: for the parser and the model alone; all others hold a job as it is. */
#pragma once

#include "job.h"

/* One reference, all keys at their defaults. */
struct job *job_new(const char *name);
void parameter_done(struct parameter *parameter);
void mode_done(struct mode *mode);
void step_done(struct step *step);
