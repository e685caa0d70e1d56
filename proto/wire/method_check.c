/* Checks a call's params against its row in the method table. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "errortext.h"
#include "macro.h"
#include "methods.h"
#include "strutil.h"
#include "uuid.h"
#include "xalloc.h"

static const char *const type_phrases[] = {
        [ARGUMENT_STRING] = "a string",
        [ARGUMENT_INTEGER] = "an integer",
        [ARGUMENT_BOOLEAN] = "true or false",
        [ARGUMENT_TIME] = "an instant such as \"2026-11-22T12:00:00Z\" (RFC 3339)",
        [ARGUMENT_STRINGS] = "a list of strings",
        [ARGUMENT_OBJECT] = "an object",
        [ARGUMENT_RUN] = "a run: its number, its uuid, or 8 or more first digits of the uuid",
};

static bool has_range(const struct method_argument *argument) {
        return argument->minimum != 0 || argument->maximum != 0;
}

char *method_argument_takes(const struct method_argument *argument) {
        if (argument->values) {
                _cleanup_buf_ struct buf words = BUF_INIT(4096);
                for (size_t i = 0; argument->values[i]; i++)
                        (void)buf_appendf(&words, "%s%s", i == 0 ? "one of " : ", ", argument->values[i]);
                return buf_steal(&words);
        }
        if (has_range(argument) && argument->maximum < INT32_MAX)
                return xasprintf("an integer from %" PRIi64 " to %" PRIi64, argument->minimum, argument->maximum);
        if (has_range(argument))
                return xasprintf("an integer not below %" PRIi64, argument->minimum);
        return xstrdup(type_phrases[argument->type]);
}

static bool run_text_is_valid(const char *text) {
        int64_t number;
        if (parse_int64(text, &number) == 0)
                return number > 0;
        size_t len = strlen(text);
        return len >= 8 && len < UUID_SIZE && strspn(text, "0123456789abcdefABCDEF-") == len;
}

static bool is_list_of_strings(const struct jval *value) {
        for (size_t i = 0; i < jval_array_size(value); i++)
                if (!jval_is_string(jval_at(value, i)))
                        return false;
        return jval_is_array(value);
}

static bool word_is_allowed(const struct method_argument *argument, const char *text) {
        if (!argument->values)
                return true;
        for (size_t i = 0; argument->values[i]; i++)
                if (streq(argument->values[i], text))
                        return true;
        return false;
}

static bool integer_fits(const struct method_argument *argument, const struct jval *value) {
        if (jval_type_of(value) != JVAL_INTEGER)
                return false;
        int64_t number = jval_int(value, 0);
        return !has_range(argument) || (number >= argument->minimum && number <= argument->maximum);
}

static bool value_fits(const struct method_argument *argument, const struct jval *value) {
        usec_t instant;
        switch (argument->type) {
        case ARGUMENT_STRING:
                return jval_is_string(value) && word_is_allowed(argument, jval_str(value));
        case ARGUMENT_INTEGER:
                return integer_fits(argument, value);
        case ARGUMENT_BOOLEAN:
                return jval_type_of(value) == JVAL_BOOLEAN;
        case ARGUMENT_TIME:
                return jval_is_string(value) && parse_rfc3339(jval_str(value), &instant) == 0;
        case ARGUMENT_STRINGS:
                return is_list_of_strings(value);
        case ARGUMENT_OBJECT:
                return jval_is_object(value);
        case ARGUMENT_RUN:
                return jval_is_string(value) ? run_text_is_valid(jval_str(value)) : jval_int(value, 0) > 0;
        }
        return false;
}

static const struct method_argument *find_argument(const struct method *method, const char *name) {
        for (const struct method_argument *a = method->arguments; a->name; a++)
                if (streq(a->name, name))
                        return a;
        return NULL;
}

static int unknown_argument(const struct method *method, const char *name, char **ret_error) {
        const char *names[ELEMENTSOF(method->arguments) + 1] = {NULL};
        for (size_t i = 0; method->arguments[i].name; i++)
                names[i] = method->arguments[i].name;
        if (!names[0])
                return error_set(ret_error, -EINVAL, "%s takes no parameters, but was given '%s'", method->name, name);
        const char *near = nearest_name(name, names);
        if (near)
                return error_set(ret_error, -EINVAL, "%s takes no parameter '%s'; did you mean '%s'?", method->name,
                                 name, near);
        _cleanup_buf_ struct buf list = BUF_INIT(4096);
        for (size_t i = 0; names[i]; i++)
                (void)buf_appendf(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
        return error_set(ret_error, -EINVAL, "%s takes no parameter '%s'; it takes %s", method->name, name,
                         buf_data(&list));
}

static int fail_at(const char *name, char **ret_parameter) {
        if (ret_parameter) {
                free(*ret_parameter);
                *ret_parameter = xstrdup(name);
        }
        return -EINVAL;
}

/* Shows a wrong value, cut to what fits a message. */
static char *value_excerpt(const struct jval *value) {
        _cleanup_free_ char *text = jval_dump(value);
        return xasprintf("%.80s%s", text, strlen(text) > 80 ? "..." : "");
}

static int check_given(const struct method *method, const char *name, const struct jval *value, char **ret_error) {
        const struct method_argument *argument = find_argument(method, name);
        if (!argument)
                return unknown_argument(method, name, ret_error);
        /* null is as good as absent, except where something is required */
        if (jval_type_of(value) == JVAL_NULL && !argument->required)
                return 0;
        if (value_fits(argument, value))
                return 0;
        _cleanup_free_ char *takes = method_argument_takes(argument);
        _cleanup_free_ char *excerpt = value_excerpt(value);
        return error_set(ret_error, -EINVAL, "parameter '%s' of %s takes %s, not %s", name, method->name, takes,
                         excerpt);
}

int method_check_params(const struct method *method, const struct jval *params, char **ret_error,
                        char **ret_parameter) {
        if (params && !jval_is_object(params)) {
                (void)error_set(ret_error, -EINVAL, "params of %s must be an object", method->name);
                return fail_at("params", ret_parameter);
        }
        for (void *i = params ? jval_iter(params) : NULL; i; i = jval_iter_next(params, i))
                if (check_given(method, jval_iter_key(i), jval_iter_value(i), ret_error) < 0)
                        return fail_at(jval_iter_key(i), ret_parameter);
        for (const struct method_argument *a = method->arguments; a->name; a++)
                if (a->required && !(params && jval_has(params, a->name))) {
                        _cleanup_free_ char *takes = method_argument_takes(a);
                        (void)error_set(ret_error, -EINVAL, "%s needs the parameter '%s': %s (%s)", method->name,
                                        a->name, a->help, takes);
                        return fail_at(a->name, ret_parameter);
                }
        return 0;
}
