#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "errortext.h"
#include "macro.h"
#include "strutil.h"
#include "strv.h"
#include "timeutil.h"
#include "xalloc.h"

#define NAMES_MAX 64

struct parser {
        const struct option_target *targets;
        const char *command;
        int argc;
        char **argv;
        int next;
        char **ret_error;
};

const struct option_row *options_find(const struct option_row *rows, const char *name) {
        for (const struct option_row *row = rows; row && row->name; row++)
                if (streq(row->name, name))
                        return row;
        return NULL;
}

static const struct option_row *find_letter(const struct option_row *rows, char letter) {
        for (const struct option_row *row = rows; row && row->name; row++)
                if (row->letter == letter)
                        return row;
        return NULL;
}

static int fail_unknown(struct parser *p, const char *name) {
        const char *names[NAMES_MAX + 1] = {NULL};
        size_t n = 0;
        for (size_t t = 0; t < 2; t++)
                for (const struct option_row *row = p->targets[t].rows; row && row->name && n < NAMES_MAX; row++)
                        names[n++] = row->name;
        const char *near = nearest_name(name, names);
        if (near)
                return error_set(p->ret_error, -EINVAL, "%s has no option --%s; did you mean --%s?", p->command, name,
                                 near);
        return error_set(p->ret_error, -EINVAL, "%s has no option --%s; --help lists them", p->command, name);
}

static int set_word(const struct option_row *row, void *member, const char *value, char **ret_error) {
        if (row->words && !strv_contains((char *const *)(uintptr_t)row->words, value)) {
                _cleanup_free_ char *words = strv_join((char *const *)(uintptr_t)row->words, ", ");
                return error_set(ret_error, -EINVAL, "--%s takes one of %s, not '%s'", row->name, words, value);
        }
        *(const char **)member = value;
        return 0;
}

static int set_integer(const struct option_row *row, void *member, const char *value, char **ret_error) {
        int64_t number;
        if (parse_int64_range(value, row->minimum, row->maximum, &number) < 0)
                return error_set(ret_error, -EINVAL, "--%s takes a number from %" PRIi64 " to %" PRIi64 ", not '%s'",
                                 row->name, row->minimum, row->maximum, value);
        *(int64_t *)member = number;
        return 0;
}

static int set_span(const struct option_row *row, void *member, const char *value, char **ret_error) {
        usec_t span;
        if (parse_timespan(value, &span) < 0)
                return error_set(ret_error, -EINVAL,
                                 "--%s takes a time span such as '90s', '5min' or '1h 30min', not '%s'", row->name,
                                 value);
        *(usec_t *)member = span;
        return 0;
}

static int set_option(const struct option_row *row, void *target, const char *value, char **ret_error) {
        void *member = (char *)target + row->offset;
        switch (row->kind) {
        case OPTION_FLAG:
                *(bool *)member = true;
                return 0;
        case OPTION_STRING:
                return set_word(row, member, value, ret_error);
        case OPTION_STRINGS:
                strv_append(member, value);
                return 0;
        case OPTION_INTEGER:
                return set_integer(row, member, value, ret_error);
        case OPTION_SPAN:
                return set_span(row, member, value, ret_error);
        case OPTION_HANDLER:
                return row->handler(target, row, value, ret_error);
        }
        return -EINVAL;
}

/* The value of an option: attached, or the next argument. */
static int take_value(struct parser *p, const struct option_row *row, const char *attached, const char **ret) {
        *ret = attached;
        if (attached || !row->value)
                return 0;
        if (p->next >= p->argc)
                return error_set(p->ret_error, -EINVAL, "--%s needs a value: --%s=%s", row->name, row->name,
                                 row->value);
        *ret = p->argv[p->next++];
        return 0;
}

static int parse_long(struct parser *p, const char *text) {
        const char *equals = strchr(text, '=');
        _cleanup_free_ char *name = equals ? xstrndup(text, (size_t)(equals - text)) : xstrdup(text);
        for (size_t t = 0; t < 2; t++) {
                const struct option_row *row = options_find(p->targets[t].rows, name);
                if (!row)
                        continue;
                if (equals && !row->value)
                        return error_set(p->ret_error, -EINVAL, "--%s takes no value", name);
                const char *value;
                int r = take_value(p, row, equals ? equals + 1 : NULL, &value);
                return r < 0 ? r : set_option(row, p->targets[t].target, value, p->ret_error);
        }
        return fail_unknown(p, name);
}

/* One letter of "-abc"; *ret_all: the rest of the word was its value. */
static int parse_letter(struct parser *p, const char *text, bool *ret_all) {
        for (size_t t = 0; t < 2; t++) {
                const struct option_row *row = find_letter(p->targets[t].rows, text[0]);
                if (!row)
                        continue;
                const char *value;
                *ret_all = row->value != NULL;
                int r = take_value(p, row, row->value && text[1] != '\0' ? text + 1 : NULL, &value);
                return r < 0 ? r : set_option(row, p->targets[t].target, value, p->ret_error);
        }
        return error_set(p->ret_error, -EINVAL, "%s has no option -%c; --help lists them", p->command, text[0]);
}

static int parse_letters(struct parser *p, const char *text) {
        bool all = false;
        for (; *text && !all; text++) {
                int r = parse_letter(p, text, &all);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void append_argument(char ***arguments, size_t *n, char *text) {
        *arguments = xreallocarray(*arguments, *n + 2, sizeof(char *));
        (*arguments)[(*n)++] = text;
        (*arguments)[*n] = NULL;
}

int options_parse(const struct option_target targets[static 2], const char *command, int argc, char **argv,
                  bool stop_at_argument, char ***ret_arguments, int *ret_used, char **ret_error) {
        struct parser p = {.targets = targets, .command = command, .argc = argc, .argv = argv, .ret_error = ret_error};
        _cleanup_free_ char **arguments = NULL;
        size_t n = 0;
        append_argument(&arguments, &n, NULL);
        n = 0;
        bool only_arguments = false;
        while (p.next < argc) {
                char *word = argv[p.next];
                int r = 0;
                if (only_arguments || word[0] != '-' || word[1] == '\0') {
                        if (stop_at_argument)
                                break;
                        append_argument(&arguments, &n, word);
                        p.next++;
                        continue;
                }
                p.next++;
                if (streq(word, "--"))
                        only_arguments = true;
                else if (word[1] == '-')
                        r = parse_long(&p, word + 2);
                else
                        r = parse_letters(&p, word + 1);
                if (r < 0)
                        return r;
        }
        *ret_arguments = STEAL_PTR(arguments);
        *ret_used = p.next;
        return 0;
}

void options_free(const struct option_target *target) {
        for (const struct option_row *row = target->rows; row && row->name; row++)
                if (row->kind == OPTION_STRINGS && !row->hidden) {
                        char ***member = (char ***)(void *)((char *)target->target + row->offset);
                        *member = strv_free(*member);
                }
}

void options_append_help(const struct option_row *rows, struct buf *out) {
        for (const struct option_row *row = rows; row && row->name; row++) {
                if (row->hidden)
                        continue;
                char left[80], letter[] = {'-', row->letter, ',', ' ', '\0'};
                (void)snprintf(left, sizeof(left), "%s--%s%s%s", row->letter ? letter : "    ", row->name,
                               row->value ? "=" : "", str_or(row->value, ""));
                (void)buf_appendf(out, "  %-30s %s\n", left, row->help);
        }
}
