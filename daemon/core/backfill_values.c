#include "backfill_values.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "civil.h"
#include "errortext.h"
#include "parameter.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

struct complaint {
        char **error;
        const char **which;
};

static int complain(struct complaint complaint, const char *which, char *text) {
        *complaint.which = which;
        (void)error_set(complaint.error, -EINVAL, "%s", text);
        free(text);
        return -EINVAL;
}

static const struct parameter *only_of_type(const struct job *job, enum parameter_type type, size_t *ret_count) {
        const struct parameter *found = NULL;

        *ret_count = 0;
        for (size_t i = 0; i < job->n_parameters; i++)
                if (job->parameters[i].type == type && (*ret_count)++ == 0)
                        found = &job->parameters[i];
        return found;
}

static char *candidates(const struct job *job) {
        _cleanup_strv_ char **names = NULL;

        for (size_t i = 0; i < job->n_parameters; i++)
                if (job->parameters[i].type == PARAMETER_DATE || job->parameters[i].type == PARAMETER_INTEGER)
                        strv_append(&names, job->parameters[i].name);
        return names ? strv_join(names, ", ") : xstrdup("none");
}

static int find_parameter(const struct job *job, const char *name, const struct parameter **ret,
                          struct complaint complaint) {
        _cleanup_free_ char *known = candidates(job);
        size_t count;

        if (name) {
                *ret = job_find_parameter(job, name);
                if (!*ret)
                        return complain(
                                complaint, "parameter",
                                xasprintf("job %s has no parameter \"%.64s\"; it has these dates and integers: %s",
                                          job->name, name, known));
                return 0;
        }
        *ret = only_of_type(job, PARAMETER_DATE, &count);
        if (count == 0)
                *ret = only_of_type(job, PARAMETER_INTEGER, &count);
        if (count == 1)
                return 0;
        if (count == 0)
                return complain(complaint, "parameter",
                                xasprintf("job %s has no parameter that is a date or an integer; name the one to go "
                                          "through, with a list of its values",
                                          job->name));
        return complain(complaint, "parameter",
                        xasprintf("which parameter of job %s is meant is not clear; name one of %s", job->name, known));
}

/* A text as the parameter's own value; *ret is new memory. */
static int canonical(const struct parameter *parameter, const char *text, const char *which, char **ret,
                     struct complaint complaint) {
        _cleanup_jval_ struct jval *value = NULL;
        _cleanup_free_ char *error = NULL;

        if (parameter_value_check(parameter, text, &value, &error) < 0)
                return complain(complaint, which, xasprintf("%s: %s", parameter->name, error));
        *ret = jval_is_string(value) ? xstrdup(jval_str(value)) : jval_dump(value);
        return 0;
}

/* Days since 1970, or the integer. The text is canonical. */
static int64_t position(const struct parameter *parameter, const char *text) {
        struct civil_date date = {0};
        int64_t number = 0;

        if (parameter->type == PARAMETER_INTEGER) {
                (void)parse_int64(text, &number);
                return number;
        }
        (void)sscanf(text, "%d-%d-%d", &date.year, &date.month, &date.day);
        return civil_to_days(date);
}

static char *text_at(const struct parameter *parameter, int64_t position) {
        struct civil_date date;

        if (parameter->type == PARAMETER_INTEGER)
                return xasprintf("%" PRId64, position);
        date = civil_from_days(position);
        return xasprintf("%04d-%02d-%02d", date.year, date.month, date.day);
}

static int expand_range(const struct parameter *parameter, const char *from, const char *to, char ***values,
                        struct complaint complaint) {
        _cleanup_free_ char *first = NULL, *last = NULL;
        uint64_t beyond;
        int64_t at, end;
        int r;

        if (parameter->type != PARAMETER_DATE && parameter->type != PARAMETER_INTEGER)
                return complain(complaint, "parameter",
                                xasprintf("%s is no date and no integer: give a list of values instead of a range",
                                          parameter->name));
        r = canonical(parameter, from, "from", &first, complaint);
        if (r == 0)
                r = canonical(parameter, to, "to", &last, complaint);
        if (r < 0)
                return r;
        at = position(parameter, first);
        end = position(parameter, last);
        if (at > end)
                return complain(
                        complaint, "from",
                        xasprintf("the range begins behind its end: exchange %s and %s (reverse turns the order "
                                  "round)",
                                  first, last));
        beyond = (uint64_t)end - (uint64_t)at;
        if (beyond >= BACKFILL_VALUES_MAX)
                return complain(complaint, "to",
                                xasprintf("%s to %s are more than %d values; do it in parts", first, last,
                                          BACKFILL_VALUES_MAX));
        /* Counted, since nothing is behind the last integer. */
        for (uint64_t i = 0; i <= beyond; i++)
                strv_append_take(values, text_at(parameter, at + (int64_t)i));
        return 0;
}

static int take_list(const struct parameter *parameter, const struct jval *list, char ***values,
                     struct complaint complaint) {
        if (jval_array_size(list) > BACKFILL_VALUES_MAX)
                return complain(complaint, "values",
                                xasprintf("a backfill takes at most %d values; do it in parts", BACKFILL_VALUES_MAX));
        for (size_t i = 0; i < jval_array_size(list); i++) {
                _cleanup_free_ char *value = NULL;
                int r = canonical(parameter, str_or(jval_str(jval_at(list, i)), ""), "values", &value, complaint);

                if (r < 0)
                        return r;
                if (!strv_contains(*values, value))
                        strv_append(values, value);
        }
        return 0;
}

static void turn_round(char **values) {
        for (size_t i = 0, n = strv_length(values); i < n / 2; i++) {
                char *other = values[i];

                values[i] = values[n - 1 - i];
                values[n - 1 - i] = other;
        }
}

int backfill_values(const struct job *job, const struct jval *request, const struct parameter **ret_parameter,
                    char ***ret_values, char **ret_error, const char **ret_which) {
        struct complaint complaint = {ret_error, ret_which};
        const struct jval *list = jval_get(request, "values");
        const char *from = jval_get_str(request, "from"), *to = jval_get_str(request, "to");
        _cleanup_strv_ char **values = NULL;
        int r;

        if ((jval_array_size(list) > 0) == (from || to))
                return complain(complaint, "values",
                                xstrdup("say what it is for: a range (from and to) or a list of values, not both"));
        if (jval_array_size(list) == 0 && (!from || !to))
                return complain(complaint, from ? "to" : "from", xstrdup("a range needs both ends, from and to"));
        r = find_parameter(job, jval_get_str(request, "parameter"), ret_parameter, complaint);
        if (r == 0)
                r = from ? expand_range(*ret_parameter, from, to, &values, complaint)
                         : take_list(*ret_parameter, list, &values, complaint);
        if (r < 0)
                return r;
        if (jval_get_bool(request, "reverse", false))
                turn_round(values);
        *ret_values = STEAL_PTR(values);
        return 0;
}
