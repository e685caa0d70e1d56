/* Making and releasing the parts of a job: for the parser and the model alone; all others hold a job as it is. */
#pragma once

#include "job.h"

/* One reference, all keys at their defaults. */
struct job *job_new(const char *name);
void parameter_done(struct parameter *parameter);
void mode_done(struct mode *mode);
void step_done(struct step *step);
void job_links_done(struct job_links *links);
void job_calendars_done(struct job_calendars *calendars);

/* What a key has that is not written. */
extern const struct job job_defaults;
extern const struct parameter parameter_defaults;
extern const struct mode mode_defaults;
extern const struct step step_defaults;
