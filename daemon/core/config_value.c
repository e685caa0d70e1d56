#include "config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "exit_status.h"
#include "strutil.h"
#include "strv.h"
#include "timeutil.h"
#include "unit_word.h"
#include "utf8.h"
#include "xalloc.h"

/* Of a wrong value, as much as helps to find it. */
#define SHOWN 64

void config_complain(const struct config_context *context, const char *format, ...) {
        char text[800];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        diagnostics_error(context->diagnostics, context->path, context->line, "%s=: %s", context->key->name, text);
}

static void refuse(const struct config_context *context, const char *value, const char *takes) {
        _cleanup_free_ char *shown = utf8_escape(value, strlen(value), SHOWN);

        config_complain(context, "\"%s\" does not fit; it takes %s", shown, takes);
}

void config_parse_text(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        char **text = target;

        free(*text);
        *text = *value ? xstrdup(value) : NULL;
}

void config_parse_path(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        if (*value && *value != '/')
                refuse(context, value, "an absolute path, beginning with /");
        else
                config_parse_text(context, value, target, otherwise);
}

bool config_split(const struct config_context *context, const char *value, char ***words) {
        _cleanup_free_ char *error = NULL;
        _cleanup_strv_ char **found = NULL;
        size_t n = strv_length(*words);
        char *word;
        int r;

        while ((r = unit_word_next(&value, &word, NULL, &error)) > 0) {
                strv_append_take(&found, word);
                if (++n > CONFIG_LIST_MAX) {
                        config_complain(context, "more than %d words; that many are a mistake", CONFIG_LIST_MAX);
                        return false;
                }
        }
        if (r < 0) {
                config_complain(context, "%s", error);
                return false;
        }
        STRV_FOREACH (item, found)
                strv_append(words, *item);
        return true;
}

static void reset_list(char ***list) {
        *list = strv_free(*list);
}

void config_parse_words(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        if (!*value)
                reset_list(target);
        else
                (void)config_split(context, value, target);
}

static void parse_path_list(const struct config_context *context, const char *value, char ***list,
                            bool may_be_optional) {
        _cleanup_strv_ char **words = NULL;

        if (!*value)
                reset_list(list);
        if (!config_split(context, value, &words))
                return;
        STRV_FOREACH (word, words) {
                const char *path = may_be_optional && **word == '-' ? *word + 1 : *word;

                if (*path != '/')
                        refuse(context, *word,
                               may_be_optional ? "absolute paths, each with a - before it when it may be missing"
                                               : "absolute paths");
                else
                        strv_append(list, *word);
        }
}

void config_parse_optional_paths(const struct config_context *context, const char *value, void *target,
                                 const void *otherwise) {
        parse_path_list(context, value, target, true);
}

void config_parse_paths(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        parse_path_list(context, value, target, false);
}

bool config_variable_name_is_valid(const char *name, size_t len) {
        if (len == 0 || (name[0] >= '0' && name[0] <= '9'))
                return false;
        for (size_t i = 0; i < len; i++)
                if (!(name[i] == '_' || (name[i] >= '0' && name[i] <= '9') || (name[i] >= 'A' && name[i] <= 'Z') ||
                      (name[i] >= 'a' && name[i] <= 'z')))
                        return false;
        return true;
}

/* Replaces the variable of the same name, or appends. */
static void set_variable(char ***environment, const char *assignment, size_t name_len) {
        for (char **item = *environment; item && *item; item++)
                if (strncmp(*item, assignment, name_len + 1) == 0) {
                        free(*item);
                        *item = xstrdup(assignment);
                        return;
                }
        strv_append(environment, assignment);
}

void config_parse_environment(const struct config_context *context, const char *value, void *target,
                              const void *otherwise) {
        _cleanup_strv_ char **words = NULL;

        if (!*value)
                reset_list(target);
        if (!config_split(context, value, &words))
                return;
        STRV_FOREACH (word, words) {
                size_t name_len = strcspn(*word, "=");

                if ((*word)[name_len] != '=' || !config_variable_name_is_valid(*word, name_len))
                        refuse(context, *word,
                               "NAME=value words, quoted where they have white space: \"NAME=some text\"");
                else if (strv_length(*(char ***)target) >= CONFIG_LIST_MAX)
                        config_complain(context, "more than %d variables; that many are a mistake", CONFIG_LIST_MAX);
                else
                        set_variable(target, *word, name_len);
        }
}

void config_parse_bool(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        int boolean = parse_boolean(value);

        if (!*value)
                *(bool *)target = *(const bool *)otherwise;
        else if (boolean < 0)
                refuse(context, value, "a boolean: yes or no");
        else
                *(bool *)target = boolean;
}

bool config_read_integer(const struct config_context *context, const char *value, int64_t *ret) {
        const struct config_key *key = context->key;
        char takes[80];

        if (parse_int64_range(value, key->minimum, key->maximum, ret) == 0)
                return true;
        if (key->minimum == INT64_MIN)
                (void)snprintf(takes, sizeof(takes), "an integer");
        else
                (void)snprintf(takes, sizeof(takes), "an integer from %" PRId64 " to %" PRId64, key->minimum,
                               key->maximum);
        refuse(context, value, takes);
        return false;
}

void config_parse_unsigned(const struct config_context *context, const char *value, void *target,
                           const void *otherwise) {
        int64_t number;

        if (!*value)
                *(unsigned *)target = *(const unsigned *)otherwise;
        else if (config_read_integer(context, value, &number))
                *(unsigned *)target = (unsigned)number;
}

void config_parse_int(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        int64_t number;

        if (!*value)
                *(int *)target = *(const int *)otherwise;
        else if (config_read_integer(context, value, &number))
                *(int *)target = (int)number;
}

void config_parse_factor(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        const struct config_key *key = context->key;
        double number;
        char takes[80];

        if (!*value) {
                *(double *)target = *(const double *)otherwise;
        } else if (parse_double(value, &number) < 0 || number < (double)key->minimum || number > (double)key->maximum) {
                (void)snprintf(takes, sizeof(takes), "a number from %" PRId64 " to %" PRId64 ", for example 1.5",
                               key->minimum, key->maximum);
                refuse(context, value, takes);
        } else {
                *(double *)target = number;
        }
}

void config_parse_percent(const struct config_context *context, const char *value, void *target,
                          const void *otherwise) {
        size_t len = strlen(value);
        _cleanup_free_ char *number = len > 0 && value[len - 1] == '%' ? xstrndup(value, len - 1) : NULL;
        int64_t percent;

        if (!*value)
                *(unsigned *)target = *(const unsigned *)otherwise;
        else if (!number || parse_int64_range(number, context->key->minimum, context->key->maximum, &percent) < 0)
                refuse(context, value, "a percentage of one processor, for example 50% or 200%");
        else
                *(unsigned *)target = (unsigned)percent;
}

void config_parse_span(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        usec_t span;

        if (!*value)
                *(usec_t *)target = *(const usec_t *)otherwise;
        else if (parse_timespan(value, &span) < 0 || span == USEC_INFINITY)
                refuse(context, value, "a finite time span, for example 5s, 1min 30s or 90 (seconds)");
        else
                *(usec_t *)target = span;
}

void config_parse_limit_span(const struct config_context *context, const char *value, void *target,
                             const void *otherwise) {
        usec_t span;

        if (!*value)
                *(usec_t *)target = *(const usec_t *)otherwise;
        else if (parse_timespan(value, &span) < 0)
                refuse(context, value,
                       "a time span, for example 90 (seconds), 10min or 1h 30min, or infinity for none");
        else if (span == 0)
                refuse(context, value, "a time span over 0; write infinity for none");
        else
                *(usec_t *)target = span;
}

void config_parse_bytes(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        uint64_t bytes;

        if (!*value)
                *(uint64_t *)target = *(const uint64_t *)otherwise;
        else if (streq(value, "infinity"))
                *(uint64_t *)target = UINT64_MAX;
        else if (parse_size(value, &bytes) < 0 || bytes == 0)
                refuse(context, value,
                       "a number of bytes over 0, with K, M, G or T: for example 512M; or infinity for none");
        else
                *(uint64_t *)target = bytes;
}

void config_parse_count(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        uint64_t count;

        if (!*value)
                *(uint64_t *)target = *(const uint64_t *)otherwise;
        else if (streq(value, "infinity"))
                *(uint64_t *)target = UINT64_MAX;
        else if (parse_uint64(value, &count) < 0 || count == 0)
                refuse(context, value, "a number over 0, or infinity for none");
        else
                *(uint64_t *)target = count;
}

void config_parse_enum(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        const char *const *words = context->key->words;
        _cleanup_free_ char *all = strv_join((char *const *)words, ", ");
        _cleanup_free_ char *takes = xasprintf("one of %s", all);

        if (!*value) {
                *(int *)target = *(const int *)otherwise;
                return;
        }
        for (int i = 0; words[i]; i++)
                if (streq(words[i], value)) {
                        *(int *)target = i;
                        return;
                }
        refuse(context, value, takes);
}

/* A status by number or name, or "10-12". False when the word is neither. */
static bool add_exit_statuses(struct exit_status_set *set, const char *word) {
        const char *dash = strchr(word, '-');
        _cleanup_free_ char *from = dash ? xstrndup(word, (size_t)(dash - word)) : NULL;
        int first = exit_status_from_string(from ? from : word);
        int last = dash ? exit_status_from_string(dash + 1) : first;

        if (first < 0 || last < first)
                return false;
        for (int status = first; status <= last; status++)
                exit_status_set_add(set, status);
        return true;
}

void config_parse_exit_statuses(const struct config_context *context, const char *value, void *target,
                                const void *otherwise) {
        struct exit_status_set *set = target;
        _cleanup_strv_ char **words = NULL;

        if (!*value)
                *set = *(const struct exit_status_set *)otherwise;
        if (!config_split(context, value, &words))
                return;
        STRV_FOREACH (word, words) {
                const char *near;

                if (add_exit_statuses(set, *word))
                        continue;
                near = exit_status_suggest(*word);
                if (near)
                        config_complain(context, "\"%.64s\" is no exit status; did you mean %s?", *word, near);
                else
                        refuse(context, *word,
                               "exit statuses: numbers from 0 to 255, ranges like 10-12, or names like TEMPFAIL (75)");
        }
}

/* The command of a unit file in a service can do more than that of a step; say so instead of passing it on as text. */
static bool command_is_plain(const struct config_context *context, const char *word, bool quoted, bool first) {
        if (!quoted && streq(word, ";")) {
                config_complain(context,
                                "a lone \";\" would join two commands; a step runs one, give each its own [Step]");
                return false;
        }
        if (!first)
                return true;
        if (!*word) {
                config_complain(context, "the program's name is empty; write its name or absolute path");
                return false;
        }
        if (strchr("@-:+!|", *word)) {
                config_complain(context,
                                "\"%.64s\" begins with %c, which has no meaning here; write the program's name or "
                                "absolute path",
                                word, *word);
                return false;
        }
        if (strchr(word, '$')) {
                config_complain(context, "the program itself cannot be a parameter; write its name or absolute path");
                return false;
        }
        if (*word != '/' && strchr(word, '/')) {
                refuse(context, word, "a program by its absolute path, or by a name that is looked up in PATH");
                return false;
        }
        return true;
}

void config_parse_command(const struct config_context *context, const char *value, void *target,
                          const void *otherwise) {
        char ***command = target;
        _cleanup_free_ char *error = NULL;
        _cleanup_strv_ char **words = NULL;
        bool quoted;
        char *word;
        size_t n = 0;
        int r;

        while ((r = unit_word_next(&value, &word, &quoted, &error)) > 0) {
                strv_append_take(&words, word);
                if (!command_is_plain(context, word, quoted, n == 0))
                        return;
                if (++n > CONFIG_LIST_MAX) {
                        config_complain(context, "more than %d arguments; put them into a file", CONFIG_LIST_MAX);
                        return;
                }
        }
        if (r < 0) {
                config_complain(context, "%s", error);
                return;
        }
        strv_free(*command);
        *command = STEAL_PTR(words);
}
