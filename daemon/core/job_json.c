/* A job as job.show shows it. Values of Environment= are left out: who may watch need not see them. */
#include "exit_status.h"
#include "job.h"
#include "parameter.h"
#include "strv.h"

static struct jval *strings(char *const *vector) {
        struct jval *array = jval_array();

        STRV_FOREACH (item, vector)
                jval_add(array, jval_string(*item));
        return array;
}

/* Seconds; null for none. */
static void set_span(struct jval *object, const char *key, usec_t span) {
        if (span == USEC_INFINITY)
                jval_set(object, key, jval_null());
        else
                jval_set_real(object, key, (double)span / (double)USEC_PER_SEC);
}

/* null for no limit. */
static void set_limit(struct jval *object, const char *key, uint64_t limit) {
        if (limit > INT64_MAX)
                jval_set(object, key, jval_null());
        else
                jval_set_int(object, key, (int64_t)limit);
}

static struct jval *parameter_to_json(const struct parameter *parameter) {
        struct jval *object = jval_object();

        jval_set_str(object, "name", parameter->name);
        jval_set_str(object, "type", parameter_type_to_string(parameter->type));
        jval_set_str(object, "description", parameter->description);
        jval_set(object, "minimum", parameter->has_minimum ? jval_integer(parameter->minimum) : jval_null());
        jval_set(object, "maximum", parameter->has_maximum ? jval_integer(parameter->maximum) : jval_null());
        jval_set_str(object, "pattern", parameter->pattern);
        jval_set(object, "values", strings(parameter->values));
        jval_set_str(object, "default", parameter->default_value);
        jval_set_bool(object, "required", parameter->required);
        return object;
}

static struct jval *mode_to_json(const struct mode *mode) {
        struct jval *object = jval_object();

        jval_set_str(object, "name", mode->name);
        jval_set_str(object, "description", mode->description);
        jval_set(object, "steps", strings(mode->steps));
        return object;
}

static struct jval *band_to_json(const struct band_rule *rule) {
        struct jval *object;

        if (rule->action == BAND_NONE)
                return jval_null();
        object = jval_object();
        jval_set_str(object, "action", rule->action == BAND_FAIL ? "fail" : "warn");
        jval_set_real(object, "width", rule->width);
        jval_set_int(object, "window", rule->window);
        jval_set_int(object, "least", rule->least);
        return object;
}

static void set_gates(struct jval *object, const struct step *step) {
        set_limit(object, "records_min", step->records_min ? step->records_min : UINT64_MAX);
        jval_set(object, "records_band", band_to_json(&step->records_band));
        jval_set(object, "coverage_min", step->coverage_min > 0 ? jval_real(step->coverage_min) : jval_null());
        set_limit(object, "breaker_failures", step->breaker_failures ? step->breaker_failures : UINT64_MAX);
        set_span(object, "breaker_reset_seconds", step->breaker_failures ? step->breaker_reset : USEC_INFINITY);
}

static struct jval *limits_to_json(const struct limit_uses *uses) {
        struct jval *object = jval_object();

        for (size_t i = 0; i < uses->count; i++)
                jval_set_int(object, uses->items[i].name, uses->items[i].slots);
        return object;
}

static struct jval *step_to_json(const struct step *step) {
        struct jval *object = jval_object();

        jval_set_str(object, "name", step->name);
        jval_set_str(object, "description", step->description);
        jval_set_str(object, "impact", step->impact);
        jval_set(object, "exec", strings(step->exec));
        jval_set(object, "after", step->has_after ? strings(step->after) : jval_null());
        if (step->for_each_command)
                jval_set(object, "for_each_command", strings(step->for_each_command));
        else if (step->for_each)
                jval_set(object, "for_each", strings(step->for_each));
        if (step->has_for_each) {
                jval_set_int(object, "max_parallel", step->max_parallel);
                set_span(object, "item_delay_seconds", step->item_delay);
        }
        if (step->condition)
                jval_set(object, "condition", strings(step->condition));
        if (step->fallback)
                jval_set_str(object, "fallback", step->fallback);
        jval_set_bool(object, "critical", step->critical);
        set_span(object, "timeout_seconds", step->timeout);
        set_span(object, "kill_grace_seconds", step->kill_grace);
        set_span(object, "heartbeat_seconds", step->heartbeat);
        jval_set_str(object, "heartbeat_action", step->heartbeat_action == HEARTBEAT_KILL ? "kill" : "warn");
        jval_set(object, "success_exit_status", exit_status_set_to_json(&step->success_exit_status));
        jval_set(object, "warn_exit_status", exit_status_set_to_json(&step->warn_exit_status));
        jval_set_int(object, "retries", step->retries);
        set_span(object, "retry_delay_seconds", step->retry_delay);
        jval_set_real(object, "retry_backoff", step->retry_backoff);
        set_span(object, "retry_max_delay_seconds", step->retry_max_delay);
        jval_set(object, "retry_exit_status",
                 step->has_retry_exit_status ? exit_status_set_to_json(&step->retry_exit_status) : jval_null());
        set_gates(object, step);
        set_limit(object, "memory_max", step->memory_max);
        set_limit(object, "tasks_max", step->tasks_max);
        set_limit(object, "cpu_quota_percent", step->cpu_quota_percent ? step->cpu_quota_percent : UINT64_MAX);
        jval_set_int(object, "nice", step->nice);
        jval_set(object, "limits", limits_to_json(&step->limits));
        return object;
}

static struct jval *calendars_to_json(const struct job_calendars *calendars) {
        struct jval *array = jval_array();

        for (size_t i = 0; i < calendars->count; i++)
                jval_add(array, jval_string(calendars->items[i].text));
        return array;
}

static struct jval *links_to_json(const struct job_links *links) {
        struct jval *array = jval_array();

        for (size_t i = 0; i < links->count; i++)
                jval_add(array, jval_string(links->items[i].name));
        return array;
}

static const char *persistent_word(enum persistent persistent) {
        switch (persistent) {
        case PERSISTENT_NO:
                return "no";
        case PERSISTENT_LAST:
                return "last";
        case PERSISTENT_ALL:
                return "all";
        }
        return NULL;
}

static const char *overlap_word(enum overlap overlap) {
        switch (overlap) {
        case OVERLAP_REJECT:
                return "reject";
        case OVERLAP_QUEUE:
                return "queue";
        case OVERLAP_REPLACE:
                return "replace";
        case OVERLAP_ALLOW:
                return "allow";
        }
        return NULL;
}

struct jval *job_to_json(const struct job *job) {
        struct jval *object = jval_object(), *parameters = jval_array(), *modes = jval_array(), *steps = jval_array();

        jval_set_str(object, "job", job->name);
        jval_set_str(object, "description", job->description);
        jval_set_str(object, "batch_type", job->type);
        jval_set_str(object, "path", job->path);
        jval_set_str(object, "definition_hash", job->definition_hash);
        jval_set(object, "on_calendar", calendars_to_json(&job->on_calendar));
        jval_set_str(object, "time_zone", job->time_zone);
        jval_set_str(object, "persistent", persistent_word(job->persistent));
        set_span(object, "randomized_delay_seconds", job->randomized_delay);
        jval_set(object, "deadline", calendars_to_json(&job->deadline));
        jval_set(object, "on_failure", strings(job->on_failure));
        jval_set(object, "on_recovery", strings(job->on_recovery));
        jval_set(object, "after_jobs", links_to_json(&job->after_jobs));
        jval_set_str(object, "overlap", overlap_word(job->overlap));
        jval_set_int(object, "priority", job->priority);
        jval_set(object, "limits", limits_to_json(&job->limits));
        set_span(object, "run_timeout_seconds", job->run_timeout);
        jval_set_bool(object, "restart_lost", job->restart_lost);
        if (job->condition)
                jval_set(object, "condition", strings(job->condition));
        if (job->ready_when)
                jval_set(object, "ready_when", strings(job->ready_when));
        jval_set_str(object, "default_mode", job->default_mode);
        jval_set_str(object, "working_directory", job->working_directory);
        jval_set(object, "environment_files", strings(job->environment_files));
        for (size_t i = 0; i < job->n_parameters; i++)
                jval_add(parameters, parameter_to_json(&job->parameters[i]));
        for (size_t i = 0; i < job->n_modes; i++)
                jval_add(modes, mode_to_json(&job->modes[i]));
        for (size_t i = 0; i < job->n_steps; i++)
                jval_add(steps, step_to_json(&job->steps[i]));
        jval_set(object, "parameters", parameters);
        jval_set(object, "modes", modes);
        jval_set(object, "steps", steps);
        return object;
}
