/* Errors in what a job file says as a whole, beyond single values. */
#include <stdlib.h>

#include "exec_reference.h"
#include "exit_status.h"
#include "job_parse.h"
#include "parameter.h"
#include "run_plan.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

const char *job_suggest_step(const struct job *job, const char *name) {
        const char **names = xcalloc(job->n_steps + 1, sizeof(*names));
        const char *near;

        for (size_t i = 0; i < job->n_steps; i++)
                names[i] = job->steps[i].name;
        near = nearest_name(name, names);
        free(names);
        return near;
}

static void check_step_name(struct job_parser *parser, const struct parsed_object *object, const char *key, size_t word,
                            const char *name) {
        const char *near;

        if (job_find_step(parser->job, name))
                return;
        parser->names_are_wrong = true;
        near = job_suggest_step(parser->job, name);
        if (near)
                ERROR_AT(parser, object->words[word], "%s=: there is no step \"%.64s\"; did you mean %s?", key, name,
                         near);
        else
                ERROR_AT(parser, object->words[word],
                         "%s=: there is no step \"%.64s\"; add [Step %.64s] or take it out", key, name, name);
}

/* Names of After= and Steps=: they exist, and each is there once. */
static void check_step_names(struct job_parser *parser, const struct parsed_object *object, const char *key,
                             char *const *names) {
        for (size_t i = 0; names && names[i]; i++) {
                check_step_name(parser, object, key, i, names[i]);
                for (size_t j = 0; j < i; j++)
                        if (streq(names[i], names[j])) {
                                parser->names_are_wrong = true;
                                ERROR_AT(parser, object->words[i], "%s=: %.64s is named twice; name it once", key,
                                         names[i]);
                                break;
                        }
        }
}

/* key: where the reference is; has_item: ${item} means something there. */
static void check_reference(struct job_parser *parser, struct place place, const char *key, bool has_item,
                            const char *name, size_t len) {
        _cleanup_free_ char *parameter = xstrndup(name, len);
        const char **names;
        const char *near;

        if (job_find_parameter(parser->job, parameter))
                return;
        if (streq(parameter, "item")) {
                if (!has_item)
                        ERROR_AT(parser, place,
                                 "%s=: ${item} is never set: there are no items; take it out, or write ForEach=", key);
                return;
        }
        names = xcalloc(parser->job->n_parameters + 1, sizeof(*names));
        for (size_t i = 0; i < parser->job->n_parameters; i++)
                names[i] = parser->job->parameters[i].name;
        near = nearest_name(parameter, names);
        free(names);
        if (near)
                ERROR_AT(parser, place, "%s=: ${%.64s} is no parameter; did you mean ${%s}?", key, parameter, near);
        else
                ERROR_AT(parser, place,
                         "%s=: ${%.64s} is no parameter; add [Parameter %.64s], or write $${%.64s} for the text "
                         "itself",
                         key, parameter, parameter, parameter);
}

void job_check_references(struct job_parser *parser, const struct parsed_object *object, const char *key, bool has_item,
                          char *const *arguments) {
        const char *name = NULL;
        size_t len = 0;

        STRV_FOREACH (argument, arguments)
                for (const char *rest = *argument; exec_reference_next(rest, &name, &len); rest = name + len + 1)
                        check_reference(parser, job_place_of(object, key), key, has_item, name, len);
}

static void check_step(struct job_parser *parser, const struct parsed_object *object) {
        const struct step *step = &parser->job->steps[object->index];

        /* One that could not be read has been told. */
        if (!step->exec && !job_key_is_set(object, "Exec"))
                ERROR_AT(parser, object->header, "[Step %s] has no Exec=; write the command that it runs", step->name);
        job_check_references(parser, object, "Exec", job_step_has_item(parser->job, step), step->exec);
        check_step_names(parser, object, "After", step->after);
        for (size_t i = 0; step->after && step->after[i]; i++)
                if (streq(step->after[i], step->name)) {
                        parser->names_are_wrong = true;
                        ERROR_AT(parser, object->words[i], "After=: step %s waits for itself; take it out", step->name);
                }
        for (size_t i = 0; i < step->limits.count; i++)
                if (limit_uses_find(&parser->job->limits, step->limits.items[i].name))
                        ERROR_AT(parser, job_place_of(object, "Limit"),
                                 "Limit=: the run holds %s already, from its start to its end; name it in [Job] or in "
                                 "[Step %s], not in both",
                                 step->limits.items[i].name, step->name);
        job_check_items(parser, object);
        job_check_fallback(parser, object);
        if (exit_status_set_contains(&step->warn_exit_status, 0))
                ERROR_AT(parser, job_place_of(object, "WarnExitStatus"),
                         "WarnExitStatus=: 0 is plain success; take it out, or let the step exit differently");
}

static void check_mode(struct job_parser *parser, const struct parsed_object *object) {
        const struct mode *mode = &parser->job->modes[object->index];

        if (!mode->steps)
                ERROR_AT(parser, object->header, "[Mode %s] has no Steps=; name the steps that it runs, in order",
                         mode->name);
        check_step_names(parser, object, "Steps", mode->steps);
}

static void check_bounds(struct job_parser *parser, const struct parsed_object *object) {
        const struct parameter *parameter = &parser->job->parameters[object->index];

        if (parameter->type != PARAMETER_INTEGER && parameter->has_minimum)
                ERROR_AT(parser, job_place_of(object, "Minimum"),
                         "Minimum= is for integers; write Type=integer or take it out");
        if (parameter->type != PARAMETER_INTEGER && parameter->has_maximum)
                ERROR_AT(parser, job_place_of(object, "Maximum"),
                         "Maximum= is for integers; write Type=integer or take it out");
        if (parameter->has_minimum && parameter->has_maximum && parameter->minimum > parameter->maximum)
                ERROR_AT(parser, job_place_of(object, "Minimum"),
                         "Minimum= is greater than Maximum=; no value would fit, exchange them");
}

/* True when values can be compared with the parameter at all. */
static bool check_value_set(struct job_parser *parser, const struct parsed_object *object) {
        const struct parameter *parameter = &parser->job->parameters[object->index];
        _cleanup_free_ char *reason = NULL;

        if (parameter->type == PARAMETER_ENUM && !parameter->values) {
                ERROR_AT(parser, object->header,
                         "[Parameter %s] is an enum without Values=; list the words that it takes", parameter->name);
                return false;
        }
        if (parameter->type != PARAMETER_ENUM && parameter->values)
                ERROR_AT(parser, job_place_of(object, "Values"),
                         "Values= is for enums; write Type=enum or take it out");
        if (!parameter->pattern)
                return true;
        if (parameter->type != PARAMETER_STRING) {
                ERROR_AT(parser, job_place_of(object, "Pattern"),
                         "Pattern= is for strings; write Type=string or take it out");
                return false;
        }
        if (parameter_pattern_check(parameter->pattern, &reason) < 0) {
                ERROR_AT(parser, job_place_of(object, "Pattern"),
                         "Pattern= is no usable regular expression (%s); it takes POSIX extended ones", reason);
                return false;
        }
        return true;
}

static void check_parameter(struct job_parser *parser, const struct parsed_object *object) {
        const struct parameter *parameter = &parser->job->parameters[object->index];
        _cleanup_jval_ struct jval *value = NULL;
        _cleanup_free_ char *error = NULL;

        check_bounds(parser, object);
        if (check_value_set(parser, object) && parameter->default_value &&
            parameter_value_check(parameter, parameter->default_value, &value, &error) < 0)
                ERROR_AT(parser, job_place_of(object, "Default"), "Default=: %s", error);
        for (size_t i = 0; i < object->index; i++)
                if (strcasecmp(parser->job->parameters[i].name, parameter->name) == 0)
                        ERROR_AT(parser, object->header,
                                 "parameters %s and %s differ in case alone, but both become BATCH_PARAM_ in capitals; "
                                 "rename one",
                                 parser->job->parameters[i].name, parameter->name);
}

static void check_default_mode(struct job_parser *parser) {
        const struct job *job = parser->job;
        const struct parsed_object *object = &parser->objects[0];
        const char **names = xcalloc(job->n_modes + 1, sizeof(*names));
        _cleanup_free_ char *known = NULL;
        const char *near;

        for (size_t i = 0; i < job->n_modes; i++)
                names[i] = job->modes[i].name;
        known = strv_join((char *const *)names, ", ");
        near = job->default_mode ? nearest_name(job->default_mode, names) : NULL;
        free(names);
        if (!job->default_mode) {
                if (job->n_modes > 1)
                        ERROR_AT(parser, object->header, "DefaultMode= is missing in [Job]; name one of %s", known);
                return;
        }
        if (job_find_mode(job, job->default_mode))
                return;
        if (job->n_modes == 0)
                ERROR_AT(parser, job_place_of(object, "DefaultMode"),
                         "DefaultMode=: the job has no modes; take it out or add [Mode %.64s]", job->default_mode);
        else if (near)
                ERROR_AT(parser, job_place_of(object, "DefaultMode"),
                         "DefaultMode=: there is no mode \"%.64s\"; did you mean %s?", job->default_mode, near);
        else
                ERROR_AT(parser, job_place_of(object, "DefaultMode"),
                         "DefaultMode=: there is no mode \"%.64s\"; name one of %s", job->default_mode, known);
}

/* Steps that wait for each other, in each mode: the order of the list counts for steps without After=. */
static void check_cycles(struct job_parser *parser) {
        struct job *job = parser->job;

        for (size_t i = 0; i < MAX(job->n_modes, (size_t)1); i++) {
                const char *mode = job->n_modes > 0 ? job->modes[i].name : NULL;
                _cleanup_free_ char *error = NULL;
                struct run_plan plan;
                struct place place;

                if (run_plan_make(&plan, job, mode, NULL, &error, NULL) == 0) {
                        run_plan_done(&plan);
                        continue;
                }
                place = mode ? job_place_of(job_parsed_object(parser, SECTION_MODE, i), "Steps")
                             : (struct place){job->path, 0};
                if (mode)
                        ERROR_AT(parser, place, "[Mode %s]: %s", mode, error);
                else
                        ERROR_AT(parser, place, "%s", error);
        }
}

/* What starts by itself has nobody to ask for values. */
static void check_schedule(struct job_parser *parser) {
        const struct job *job = parser->job;

        if (job->on_calendar.count == 0)
                return;
        for (size_t i = 0; i < job->n_parameters; i++)
                if (job->parameters[i].required && !job->parameters[i].default_value)
                        ERROR_AT(parser, job_place_of(job_parsed_object(parser, SECTION_PARAMETER, i), "Required"),
                                 "Required=: nobody gives %.64s a value when OnCalendar= starts the job; write a "
                                 "Default=, or take Required= out",
                                 job->parameters[i].name);
}

void job_check(struct job_parser *parser) {
        const struct job *job = parser->job;

        if (job->n_steps == 0 && !parser->sections_are_left_out)
                diagnostics_error(parser->diagnostics, job->path, 0,
                                  "the job has no steps; add a [Step NAME] with Exec=");
        for (size_t i = 1; i < parser->n_objects; i++)
                switch (parser->objects[i].section) {
                case SECTION_PARAMETER:
                        check_parameter(parser, &parser->objects[i]);
                        break;
                case SECTION_MODE:
                        check_mode(parser, &parser->objects[i]);
                        break;
                case SECTION_STEP:
                        check_step(parser, &parser->objects[i]);
                        break;
                case SECTION_JOB:
                case _SECTION_MAX:
                        break;
                }
        check_default_mode(parser);
        check_schedule(parser);
        job_check_references(parser, &parser->objects[0], "Condition", false, job->condition);
        job_check_references(parser, &parser->objects[0], "ReadyWhen", false, job->ready_when);
        if (job->n_steps > 0 && !parser->names_are_wrong && (job->n_modes > 0 || !job->default_mode))
                check_cycles(parser);
}
