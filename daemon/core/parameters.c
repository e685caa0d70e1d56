/* The parameters of one run: checked, completed, and filled in by its steps. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "errortext.h"
#include "parameter.h"
#include "run_plan.h"
#include "strutil.h"
#include "xalloc.h"

static const char *suggest_parameter(const struct job *job, const char *name) {
        const char **names = xcalloc(job->n_parameters + 1, sizeof(*names));
        const char *near;

        for (size_t i = 0; i < job->n_parameters; i++)
                names[i] = job->parameters[i].name;
        near = nearest_name(name, names);
        free(names);
        return near;
}

static char *parameter_names(const struct job *job) {
        char *all = NULL;

        for (size_t i = 0; i < job->n_parameters; i++) {
                char *longer = xasprintf("%s%s%s", str_or(all, ""), all ? ", " : "", job->parameters[i].name);

                free(all);
                all = longer;
        }
        return all;
}

static int refuse_unknown(const struct job *job, const char *name, char **ret_error) {
        const char *near = suggest_parameter(job, name);
        _cleanup_free_ char *names = parameter_names(job);

        if (near)
                return error_set(ret_error, -EINVAL, "job %s has no parameter \"%.64s\"; did you mean %s?", job->name,
                                 name, near);
        if (!names)
                return error_set(ret_error, -EINVAL, "job %s has no parameter \"%.64s\"; it takes none", job->name,
                                 name);
        return error_set(ret_error, -EINVAL, "job %s has no parameter \"%.64s\"; it takes %s", job->name, name, names);
}

/* The text of a value as it was given; NULL for one that is neither text, number nor boolean. New memory. */
static char *given_text(const struct jval *value) {
        switch (jval_type_of(value)) {
        case JVAL_STRING:
                return xstrdup(jval_str(value));
        case JVAL_INTEGER:
                return xasprintf("%" PRId64, jval_int(value, 0));
        case JVAL_BOOLEAN:
                return xstrdup(jval_bool(value, false) ? "true" : "false");
        case JVAL_REAL:
                /* Only for the message: no parameter takes fractions. */
                return xasprintf("%g", jval_num(value, 0));
        case JVAL_NULL:
        case JVAL_ARRAY:
        case JVAL_OBJECT:
                break;
        }
        return NULL;
}

static int check_given(const struct parameter *parameter, const struct jval *value, struct jval **ret,
                       char **ret_error) {
        _cleanup_free_ char *text = given_text(value);

        if (!text) {
                _cleanup_free_ char *takes = parameter_takes(parameter);

                return error_set(ret_error, -EINVAL, "parameter %s is given as a list or object; it takes %s",
                                 parameter->name, takes);
        }
        return parameter_value_check(parameter, text, ret, ret_error);
}

static int refuse_unknown_names(const struct job *job, const struct jval *given, char **ret_error,
                                char **ret_parameter) {
        for (void *i = jval_iter(given); i; i = jval_iter_next(given, i))
                if (!job_find_parameter(job, jval_iter_key(i))) {
                        if (ret_parameter)
                                *ret_parameter = xstrdup(jval_iter_key(i));
                        return refuse_unknown(job, jval_iter_key(i), ret_error);
                }
        return 0;
}

/* 0 with *ret NULL when the parameter stays open. */
static int check_one(const struct parameter *parameter, const struct jval *given, struct jval **ret, char **ret_error) {
        const struct jval *value = jval_get(given, parameter->name);

        if (jval_type_of(value) != JVAL_NULL)
                return check_given(parameter, value, ret, ret_error);
        if (parameter->default_value)
                return parameter_value_check(parameter, parameter->default_value, ret, ret_error);
        if (parameter->required) {
                _cleanup_free_ char *takes = parameter_takes(parameter);

                return error_set(ret_error, -EINVAL, "parameter %s is missing; it takes %s", parameter->name, takes);
        }
        return 0;
}

int parameters_check(const struct job *job, const struct jval *given, struct jval **ret, char **ret_error,
                     char **ret_parameter) {
        _cleanup_jval_ struct jval *checked = jval_object();
        int r;

        if (jval_type_of(given) != JVAL_NULL && !jval_is_object(given))
                return error_set(ret_error, -EINVAL, "params is not an object; give {\"name\": value, ...}");
        r = refuse_unknown_names(job, given, ret_error, ret_parameter);
        if (r < 0)
                return r;
        for (size_t i = 0; i < job->n_parameters; i++) {
                const struct parameter *parameter = &job->parameters[i];
                struct jval *value = NULL;

                r = check_one(parameter, given, &value, ret_error);
                if (r < 0) {
                        if (ret_parameter)
                                *ret_parameter = xstrdup(parameter->name);
                        return r;
                }
                if (value)
                        jval_set(checked, parameter->name, value);
        }
        *ret = STEAL_PTR(checked);
        return 0;
}

int parameters_fill(const struct job *job, struct jval *parameters, const char *assignment, char **ret_error) {
        const struct parameter *parameter;
        const char *equals = strchr(assignment, '=');
        _cleanup_free_ char *name = NULL;
        _cleanup_jval_ struct jval *value = NULL;
        int r;

        if (!equals || equals == assignment)
                return error_set(ret_error, -EINVAL, "\"%.64s\" sets no parameter; write PARAMETER=name=value",
                                 assignment);
        name = xstrndup(assignment, (size_t)(equals - assignment));
        parameter = job_find_parameter(job, name);
        if (!parameter)
                return refuse_unknown(job, name, ret_error);
        r = parameter_value_check(parameter, equals + 1, &value, ret_error);
        if (r < 0)
                return r;
        if (jval_type_of(jval_get(parameters, name)) != JVAL_NULL) {
                _cleanup_free_ char *current = parameter_text(parameters, name);

                if (jval_equal(jval_get(parameters, name), value))
                        return 0;
                return error_set(ret_error, -EINVAL,
                                 "parameter %s is %s already; only one that was left open can be filled in", name,
                                 str_or(current, "set"));
        }
        jval_set(parameters, name, STEAL_PTR(value));
        return 0;
}

char *parameter_text(const struct jval *parameters, const char *name) {
        return given_text(jval_get(parameters, name));
}
