#include "job.h"

#include <stdlib.h>

#include "job_object.h"
#include "record_band.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

const struct job job_defaults = {
        .overlap = OVERLAP_REJECT,
        .run_timeout = USEC_INFINITY,
        .keep = {USEC_INFINITY, UINT64_MAX, UINT64_MAX},
};

const struct parameter parameter_defaults = {.type = PARAMETER_STRING};

const struct mode mode_defaults = {0};

const struct step step_defaults = {
        .timeout = USEC_INFINITY,
        .kill_grace = 10 * USEC_PER_SEC,
        .heartbeat = USEC_INFINITY,
        .heartbeat_action = HEARTBEAT_WARN,
        .success_exit_status = {.bits = {1}},
        .retries = 0,
        .retry_delay = 5 * USEC_PER_SEC,
        .retry_backoff = 2,
        .retry_max_delay = 10 * USEC_PER_MINUTE,
        .critical = true,
        .records_band = {BAND_NONE, BAND_WIDTH_DEFAULT, BAND_WINDOW_DEFAULT, BAND_LEAST_DEFAULT},
        .breaker_reset = 10 * USEC_PER_MINUTE,
        .max_parallel = 1,
        .memory_max = UINT64_MAX,
        .tasks_max = UINT64_MAX,
};

void parameter_done(struct parameter *parameter) {
        free(parameter->name);
        free(parameter->pattern);
        strv_free(parameter->values);
        free(parameter->default_value);
        free(parameter->description);
}

void mode_done(struct mode *mode) {
        free(mode->name);
        free(mode->description);
        strv_free(mode->steps);
}

void step_done(struct step *step) {
        free(step->name);
        free(step->description);
        free(step->impact);
        strv_free(step->exec);
        strv_free(step->after);
        limit_uses_done(&step->limits);
        strv_free(step->condition);
        free(step->fallback);
        strv_free(step->for_each);
        strv_free(step->for_each_command);
        strv_free(step->environment);
}

void job_calendars_done(struct job_calendars *calendars) {
        for (size_t i = 0; i < calendars->count; i++) {
                free(calendars->items[i].text);
                free(calendars->items[i].path);
                calendar_free(calendars->items[i].calendar);
        }
        free(calendars->items);
        *calendars = (struct job_calendars){0};
}

void job_links_done(struct job_links *links) {
        for (size_t i = 0; i < links->count; i++) {
                free(links->items[i].name);
                free(links->items[i].path);
        }
        free(links->items);
        *links = (struct job_links){0};
}

struct job *job_new(const char *name) {
        struct job *job = NEW(struct job);

        *job = job_defaults;
        job->references = 1;
        job->name = xstrdup(name);
        return job;
}

struct job *job_ref(struct job *job) {
        if (job)
                job->references++;
        return job;
}

static void job_free(struct job *job) {
        for (size_t i = 0; i < job->n_parameters; i++)
                parameter_done(&job->parameters[i]);
        for (size_t i = 0; i < job->n_modes; i++)
                mode_done(&job->modes[i]);
        for (size_t i = 0; i < job->n_steps; i++)
                step_done(&job->steps[i]);
        free(job->parameters);
        free(job->modes);
        free(job->steps);
        free(job->name);
        free(job->path);
        free(job->description);
        free(job->type);
        job_calendars_done(&job->on_calendar);
        job_links_done(&job->after_jobs);
        job_calendars_done(&job->deadline);
        free(job->time_zone);
        limit_uses_done(&job->limits);
        free(job->default_mode);
        strv_free(job->environment);
        strv_free(job->environment_files);
        free(job->working_directory);
        strv_free(job->condition);
        strv_free(job->ready_when);
        strv_free(job->on_failure);
        strv_free(job->on_recovery);
        free(job);
}

struct job *job_unref(struct job *job) {
        if (job && --job->references == 0)
                job_free(job);
        return NULL;
}

const struct step *job_find_step(const struct job *job, const char *name) {
        for (size_t i = 0; i < job->n_steps; i++)
                if (streq(job->steps[i].name, name))
                        return &job->steps[i];
        return NULL;
}

const struct mode *job_find_mode(const struct job *job, const char *name) {
        for (size_t i = 0; i < job->n_modes; i++)
                if (streq(job->modes[i].name, name))
                        return &job->modes[i];
        return NULL;
}

const struct parameter *job_find_parameter(const struct job *job, const char *name) {
        for (size_t i = 0; i < job->n_parameters; i++)
                if (streq(job->parameters[i].name, name))
                        return &job->parameters[i];
        return NULL;
}

bool job_takes_limit(const struct job *job, const char *name) {
        if (limit_uses_find(&job->limits, name))
                return true;
        for (size_t i = 0; i < job->n_steps; i++)
                if (limit_uses_find(&job->steps[i].limits, name))
                        return true;
        return false;
}
