#include "api_params.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errortext.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

static const struct method_argument *find_argument(const struct method *method, const char *name) {
        for (const struct method_argument *argument = method->arguments; argument->name; argument++)
                if (streq(argument->name, name))
                        return argument;
        return NULL;
}

/* A text as the type takes it; what does not fit stays a text, which the check refuses with what would be right. */
static struct jval *convert(enum argument_type type, const char *text) {
        int64_t number;

        switch (type) {
        case ARGUMENT_INTEGER:
                return parse_int64(text, &number) == 0 ? jval_integer(number) : jval_string(text);
        case ARGUMENT_BOOLEAN:
                return *text == '\0' || parse_boolean(text) > 0 ? jval_boolean(true)
                       : parse_boolean(text) == 0               ? jval_boolean(false)
                                                                : jval_string(text);
        case ARGUMENT_STRINGS: {
                _cleanup_strv_ char **words = strv_split(text, ",");
                struct jval *array = jval_array();

                STRV_FOREACH (word, words)
                        jval_add(array, jval_string(*word));
                return array;
        }
        case ARGUMENT_STRING:
        case ARGUMENT_TIME:
        case ARGUMENT_OBJECT:
        case ARGUMENT_RUN:
                break;
        }
        return jval_string(text);
}

/* A member of an object argument has no type here: a number or a truth value is taken for what it looks like. */
static struct jval *guess(const char *text) {
        int64_t number;

        if (parse_int64(text, &number) == 0)
                return jval_integer(number);
        if (streq(text, "true") || streq(text, "false"))
                return jval_boolean(streq(text, "true"));
        return jval_string(text);
}

static void set_value(struct jval *params, const struct method *method, const char *name, const char *text) {
        const char *dot = strchr(name, '.');
        _cleanup_free_ char *outer = dot ? xstrndup(name, (size_t)(dot - name)) : NULL;
        const struct method_argument *argument = find_argument(method, outer ? outer : name);

        if (outer && argument && argument->type == ARGUMENT_OBJECT) {
                if (!jval_is_object(jval_get(params, outer)))
                        jval_set(params, outer, jval_object());
                jval_set(jval_get(params, outer), dot + 1, guess(text));
                return;
        }
        jval_set(params, name, argument ? convert(argument->type, text) : jval_string(text));
}

static int parse_body(const struct http_request *request, struct jval **ret, char **ret_error) {
        _cleanup_free_ char *why = NULL;
        struct jval *body = NULL;

        if (request->body_len == 0) {
                *ret = jval_object();
                return 0;
        }
        if (jval_parse(request->body, request->body_len, &body, &why) < 0)
                return error_set(ret_error, -EINVAL, "send JSON: %s", why);
        if (!jval_is_object(body)) {
                jval_unref(body);
                return error_set(ret_error, -EINVAL, "send an object, {...}: the body is JSON of another kind");
        }
        *ret = body;
        return 0;
}

/* Of two values one would be dropped without a word. */
static int check_once(const struct http_target *target, char **ret_error, char **ret_parameter) {
        for (size_t i = 1; i < target->n_query; i++)
                for (size_t k = 0; k < i; k++)
                        if (streq(target->query[i].name, target->query[k].name)) {
                                *ret_parameter = xstrdup(target->query[i].name);
                                return error_set(ret_error, -EINVAL, "give '%s' once: it is in the address twice",
                                                 target->query[i].name);
                        }
        return 0;
}

int api_params(const struct route_match *match, const struct http_request *request, struct jval **ret, char **ret_error,
               char **ret_parameter) {
        const struct method *method = method_by_id(match->route->method);
        _cleanup_jval_ struct jval *params = NULL;
        int r = parse_body(request, &params, ret_error);

        if (r < 0)
                return r;
        r = check_once(&request->target, ret_error, ret_parameter);
        if (r < 0)
                return r;
        for (size_t i = 0; i < request->target.n_query; i++)
                set_value(params, method, request->target.query[i].name, request->target.query[i].value);
        for (size_t i = 0; i < match->n_values; i++)
                set_value(params, method, match->values[i].name, match->values[i].value);
        r = method_check_params(method, params, ret_error, ret_parameter);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(params);
        return 0;
}
