#include "openapi.h"

#include <stdio.h>
#include <string.h>

#include "macro.h"
#include "openapi_shapes.h"
#include "route.h"
#include "strutil.h"
#include "strv.h"
#include "version.h"
#include "xalloc.h"

static struct jval *type_named(const char *name) {
        struct jval *schema = jval_object();

        jval_set_str(schema, "type", name);
        return schema;
}

static struct jval *reference(const char *shape) {
        struct jval *schema = jval_object();
        _cleanup_free_ char *target = xasprintf("#/components/schemas/%s", shape);

        jval_set_str(schema, "$ref", target);
        return schema;
}

/* type: without '?'. */
static struct jval *schema_of_type(const char *type) {
        size_t len = strlen(type);
        struct jval *schema;

        if (*type == '[') {
                _cleanup_free_ char *inner = xstrndup(type + 1, len - 2);

                schema = type_named("array");
                jval_set(schema, "items", schema_of_type(inner));
                return schema;
        }
        if (*type >= 'A' && *type <= 'Z')
                return reference(type);
        if (!streq(type, "time"))
                return type_named(type);
        schema = type_named("string");
        jval_set_str(schema, "format", "date-time");
        return schema;
}

/* In the JSON Schema of OpenAPI 3.1 what may be null says so by its types. */
static struct jval *nullable(struct jval *schema) {
        struct jval *either, *choices;

        if (!jval_has(schema, "$ref")) {
                struct jval *types = jval_array();

                jval_add(types, jval_string(jval_get_str(schema, "type")));
                jval_add(types, jval_string("null"));
                jval_set(schema, "type", types);
                return schema;
        }
        either = jval_object();
        choices = jval_array();
        jval_add(choices, schema);
        jval_add(choices, type_named("null"));
        jval_set(either, "anyOf", choices);
        return either;
}

static struct jval *schema_of_members(const char *members) {
        struct jval *schema = type_named("object"), *properties = jval_object(), *required = jval_array();
        _cleanup_strv_ char **words = strv_split(members, " ");

        STRV_FOREACH (word, words) {
                char *type = strchr(*word, ':');
                bool optional = endswith(type, "?");

                *type++ = '\0';
                if (optional)
                        type[strlen(type) - 1] = '\0';
                else
                        jval_add(required, jval_string(*word));
                jval_set(properties, *word, optional ? nullable(schema_of_type(type)) : schema_of_type(type));
        }
        jval_set(schema, "properties", properties);
        if (jval_array_size(required) > 0)
                jval_set(schema, "required", required);
        else
                jval_unref(required);
        return schema;
}

static struct jval *words_of(const char *const *values) {
        struct jval *words = jval_array();

        for (; *values; values++)
                jval_add(words, jval_string(*values));
        return words;
}

static struct jval *schema_of_argument(const struct method_argument *argument) {
        static const char *const types[] = {
                [ARGUMENT_STRING] = "string", [ARGUMENT_INTEGER] = "integer",  [ARGUMENT_BOOLEAN] = "boolean",
                [ARGUMENT_TIME] = "time",     [ARGUMENT_STRINGS] = "[string]", [ARGUMENT_OBJECT] = "object",
                [ARGUMENT_RUN] = "string",
        };
        struct jval *schema = schema_of_type(types[argument->type]);

        if (argument->values)
                jval_set(schema, "enum", words_of(argument->values));
        if (argument->minimum != 0 || argument->maximum != 0) {
                jval_set_int(schema, "minimum", argument->minimum);
                jval_set_int(schema, "maximum", argument->maximum);
        }
        return schema;
}

static bool is_in_pattern(const struct route *route, const char *name) {
        _cleanup_free_ char *braced = xasprintf("{%s}", name);

        return strstr(route->pattern, braced) != NULL;
}

/* on_behalf is the server's own; a stream's are said apart. */
static bool is_offered(const struct route *route, const struct method_argument *argument) {
        if (streq(argument->name, "on_behalf"))
                return false;
        if (route->kind == ROUTE_CALL)
                return !(route->method == METHOD_RUN_TAIL && streq(argument->name, "follow"));
        return is_in_pattern(route, argument->name) || route->kind == ROUTE_EVENTS ||
               (route->kind == ROUTE_STREAM && (streq(argument->name, "after") || streq(argument->name, "lines")));
}

static struct jval *parameters_of(const struct route *route) {
        bool in_query = streq(route->verb, "GET");
        struct jval *parameters = jval_array();

        for (const struct method_argument *a = method_by_id(route->method)->arguments; a->name; a++) {
                bool in_path = is_in_pattern(route, a->name);
                struct jval *parameter;

                if (!is_offered(route, a) || (!in_path && !in_query))
                        continue;
                parameter = jval_object();
                jval_set_str(parameter, "name", a->name);
                jval_set_str(parameter, "in", in_path ? "path" : "query");
                jval_set_bool(parameter, "required", in_path || a->required);
                jval_set_str(parameter, "description", a->help);
                if (a->type == ARGUMENT_OBJECT)
                        jval_set_str(parameter, "style", "form");
                jval_set(parameter, "schema", schema_of_argument(a));
                jval_add(parameters, parameter);
        }
        return parameters;
}

static struct jval *content(const char *type, struct jval *schema) {
        struct jval *media = jval_object(), *kinds = jval_object();

        jval_set(media, "schema", schema);
        jval_set(kinds, type, media);
        return kinds;
}

static struct jval *body_of(const struct route *route) {
        struct jval *schema = type_named("object"), *properties = jval_object(), *body = jval_object();

        if (route->kind == ROUTE_SESSION) {
                jval_set(properties, "password", type_named("string"));
        } else {
                for (const struct method_argument *a = method_by_id(route->method)->arguments; a->name; a++) {
                        struct jval *property;

                        if (is_in_pattern(route, a->name) || streq(a->name, "on_behalf"))
                                continue;
                        property = schema_of_argument(a);
                        jval_set_str(property, "description", a->help);
                        jval_set(properties, a->name, property);
                }
        }
        jval_set(schema, "properties", properties);
        jval_set(body, "content", content("application/json", schema));
        return body;
}

static struct jval *good_answer(const struct route *route) {
        const char *members = openapi_result_of(route->method);
        struct jval *answer = jval_object();

        switch (route->kind) {
        case ROUTE_CALL:
                jval_set_str(answer, "description", "The method's result");
                jval_set(answer, "content",
                         content("application/json", members ? schema_of_members(members) : type_named("object")));
                break;
        case ROUTE_SESSION:
                jval_set_str(answer, "description", "Who asks, and what that may do");
                jval_set(answer, "content", content("application/json", reference("Session")));
                break;
        case ROUTE_OPENAPI:
                jval_set_str(answer, "description", "This document");
                jval_set(answer, "content", content("application/json", type_named("object")));
                break;
        case ROUTE_DOWNLOAD:
                jval_set_str(answer, "description", "A line for each line of output");
                jval_set(answer, "content", content("text/plain", type_named("string")));
                break;
        case ROUTE_EVENTS:
        case ROUTE_STREAM:
                jval_set_str(answer, "description", "Server-Sent Events; see batch-web(8)");
                jval_set(answer, "content", content("text/event-stream", type_named("string")));
                break;
        }
        return answer;
}

static struct jval *answers_of(const struct route *route) {
        static const struct {
                const char *status, *description;
        } errors[] = {
                {"401", "Log in, or send a token"},
                {"403", "Not permitted"},
                {"404", "There is none"},
                {"409", "Already running, or paused"},
                {"422", "A parameter is wrong"},
                {"429", "Too often; Retry-After says how long to wait"},
                {"503", "Not now: batchd is away, say"},
        };
        struct jval *answers = jval_object();

        jval_set(answers, "200", good_answer(route));
        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                struct jval *answer = jval_object();

                jval_set_str(answer, "description", errors[i].description);
                jval_set(answer, "content", content("application/json", reference("Error")));
                jval_set(answers, errors[i].status, answer);
        }
        return answers;
}

static struct jval *operation_of(const struct route *route) {
        const struct method *method = method_by_id(route->method);
        struct jval *operation = jval_object();

        jval_set_str(operation, "summary", route->summary ? route->summary : method->help);
        if (route->kind != ROUTE_SESSION && route->kind != ROUTE_OPENAPI)
                jval_set_str(operation, "x-method", method->name);
        jval_set(operation, "parameters", parameters_of(route));
        if (streq(route->verb, "POST"))
                jval_set(operation, "requestBody", body_of(route));
        jval_set(operation, "responses", answers_of(route));
        return operation;
}

static struct jval *security_schemes(void) {
        struct jval *schemes = jval_object(), *bearer = type_named("http"), *cookie = type_named("apiKey");

        jval_set_str(bearer, "scheme", "bearer");
        jval_set(schemes, "token", bearer);
        jval_set_str(cookie, "in", "cookie");
        jval_set_str(cookie, "name", "batchd_session");
        jval_set(schemes, "session", cookie);
        return schemes;
}

static struct jval *paths(void) {
        struct jval *all = jval_object();

        for (size_t i = 0; i < n_routes; i++) {
                _cleanup_free_ char *path = xasprintf(API_PREFIX "%s", routes[i].pattern),
                                    *verb = xstrdup(streq(routes[i].verb, "GET")    ? "get"
                                                    : streq(routes[i].verb, "POST") ? "post"
                                                                                    : "delete");

                if (!jval_has(all, path))
                        jval_set(all, path, jval_object());
                jval_set(jval_get(all, path), verb, operation_of(&routes[i]));
        }
        return all;
}

struct jval *openapi_document(const char *prefix) {
        struct jval *document = jval_object(), *info = jval_object(), *components = jval_object(),
                    *schemas = jval_object(), *servers = jval_array(), *server = jval_object();

        jval_set_str(document, "openapi", "3.1.0");
        jval_set_str(info, "title", "batchd");
        jval_set_str(info, "version", BATCHD_VERSION);
        jval_set(document, "info", info);
        jval_set_str(server, "url", str_or(prefix, "/"));
        jval_add(servers, server);
        jval_set(document, "servers", servers);
        jval_set(document, "paths", paths());
        for (size_t i = 0; i < n_openapi_shapes; i++)
                jval_set(schemas, openapi_shapes[i].name, schema_of_members(openapi_shapes[i].members));
        jval_set(components, "schemas", schemas);
        jval_set(components, "securitySchemes", security_schemes());
        jval_set(document, "components", components);
        return document;
}
