#include "parameter.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>

#include "errortext.h"
#include "strutil.h"
#include "strv.h"
#include "utf8.h"
#include "xalloc.h"

/* regcomp copies what is repeated: the product of all bounds is what a pattern can grow by. */
#define PATTERN_REPETITIONS_MAX 10000

static const char *const type_names[] = {
        [PARAMETER_STRING] = "string", [PARAMETER_INTEGER] = "integer", [PARAMETER_BOOLEAN] = "boolean",
        [PARAMETER_DATE] = "date",     [PARAMETER_ENUM] = "enum",
};

const char *parameter_type_to_string(enum parameter_type type) {
        return type_names[type];
}

static char *integer_takes(const struct parameter *parameter) {
        if (parameter->has_minimum && parameter->has_maximum)
                return xasprintf("an integer from %" PRId64 " to %" PRId64, parameter->minimum, parameter->maximum);
        if (parameter->has_minimum)
                return xasprintf("an integer of at least %" PRId64, parameter->minimum);
        if (parameter->has_maximum)
                return xasprintf("an integer of at most %" PRId64, parameter->maximum);
        return xstrdup("an integer");
}

static char *enum_takes(const struct parameter *parameter) {
        _cleanup_free_ char *values = strv_join(parameter->values, ", ");

        return xasprintf("one of %s", values);
}

char *parameter_takes(const struct parameter *parameter) {
        switch (parameter->type) {
        case PARAMETER_INTEGER:
                return integer_takes(parameter);
        case PARAMETER_BOOLEAN:
                return xstrdup("a boolean: yes or no");
        case PARAMETER_DATE:
                return xstrdup("a date: YYYY-MM-DD");
        case PARAMETER_ENUM:
                return enum_takes(parameter);
        case PARAMETER_STRING:
                break;
        }
        return parameter->pattern ? xasprintf("a text that matches %s", parameter->pattern) : xstrdup("a text");
}

/* Product of the upper (or only) bounds of all {n,m}: an estimate from above for nested ones. */
static uint64_t pattern_repetitions(const char *pattern) {
        uint64_t product = 1;

        for (const char *p = pattern; *p; p++) {
                uint64_t bound = 0, greatest = 0;

                if (*p != '{')
                        continue;
                for (p++; isdigit((unsigned char)*p) || *p == ','; p++) {
                        bound = *p == ',' ? 0 : bound * 10 + (uint64_t)(*p - '0');
                        bound = MIN(bound, (uint64_t)PATTERN_REPETITIONS_MAX + 1);
                        greatest = MAX(greatest, bound);
                }
                product *= MAX(greatest, (uint64_t)1);
                if (product > PATTERN_REPETITIONS_MAX || !*p)
                        return product;
        }
        return product;
}

static int pattern_compile(regex_t *ret, const char *pattern, char **ret_error) {
        _cleanup_free_ char *whole = xasprintf("^(%s)$", pattern);
        char reason[128];
        int code;

        code = regcomp(ret, whole, REG_EXTENDED | REG_NOSUB);
        if (code == 0)
                return 0;
        (void)regerror(code, ret, reason, sizeof(reason));
        return error_set(ret_error, -EINVAL, "%s", reason);
}

int parameter_pattern_check(const char *pattern, char **ret_error) {
        regex_t regex;
        int r;

        if (strlen(pattern) > PARAMETER_PATTERN_MAX)
                return error_set(ret_error, -EINVAL, "longer than %d bytes", PARAMETER_PATTERN_MAX);
        if (pattern_repetitions(pattern) > PATTERN_REPETITIONS_MAX)
                return error_set(ret_error, -EINVAL, "the repetitions multiply to more than %d",
                                 PATTERN_REPETITIONS_MAX);
        /* A ')' too many would close the group that is put around it, and change what "the whole value" means. */
        r = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
        if (r != 0) {
                char reason[128];

                (void)regerror(r, &regex, reason, sizeof(reason));
                return error_set(ret_error, -EINVAL, "%s", reason);
        }
        regfree(&regex);
        r = pattern_compile(&regex, pattern, ret_error);
        if (r < 0)
                return r;
        regfree(&regex);
        return 0;
}

static bool pattern_matches(const char *pattern, const char *text) {
        regex_t regex;
        bool matches;

        if (pattern_compile(&regex, pattern, NULL) < 0)
                return false;
        matches = regexec(&regex, text, 0, NULL, 0) == 0;
        regfree(&regex);
        return matches;
}

static bool is_leap_year(int year) {
        return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* A number of `count` digits, which are there. */
static int digits(const char *text, size_t count) {
        int number = 0;

        for (size_t i = 0; i < count; i++)
                number = number * 10 + (text[i] - '0');
        return number;
}

static bool date_is_valid(const char *text) {
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        int year, month, day;

        if (strlen(text) != 10)
                return false;
        for (size_t i = 0; i < 10; i++)
                if (i == 4 || i == 7 ? text[i] != '-' : !isdigit((unsigned char)text[i]))
                        return false;
        year = digits(text, 4);
        month = digits(text + 5, 2);
        day = digits(text + 8, 2);
        if (month < 1 || month > 12 || day < 1)
                return false;
        return day <= days[month - 1] + (month == 2 && is_leap_year(year));
}

static bool has_control_character(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return true;
        return false;
}

static int refuse(const struct parameter *parameter, const char *text, char **ret_error) {
        _cleanup_free_ char *shown = utf8_escape(text, strlen(text), 64);
        _cleanup_free_ char *takes = parameter_takes(parameter);

        return error_set(ret_error, -EINVAL, "\"%s\" does not fit parameter %s; it takes %s", shown, parameter->name,
                         takes);
}

static int integer_check(const struct parameter *parameter, const char *text, struct jval **ret, char **ret_error) {
        int64_t number;

        if (parse_int64(text, &number) < 0 || (parameter->has_minimum && number < parameter->minimum) ||
            (parameter->has_maximum && number > parameter->maximum))
                return refuse(parameter, text, ret_error);
        *ret = jval_integer(number);
        return 0;
}

static bool text_fits(const struct parameter *parameter, const char *text) {
        if (parameter->type == PARAMETER_DATE && !date_is_valid(text))
                return false;
        if (parameter->type == PARAMETER_ENUM && !strv_contains(parameter->values, text))
                return false;
        return !parameter->pattern || pattern_matches(parameter->pattern, text);
}

int parameter_value_check(const struct parameter *parameter, const char *text, struct jval **ret, char **ret_error) {
        int boolean;

        if (strlen(text) > PARAMETER_VALUE_MAX)
                return error_set(ret_error, -EINVAL, "the value of parameter %s is too long; it takes at most %d bytes",
                                 parameter->name, PARAMETER_VALUE_MAX);
        /* A newline could pass for another line of a log, an escape sequence for a terminal's. */
        if (has_control_character(text) || !utf8_is_valid(text, strlen(text)))
                return error_set(
                        ret_error, -EINVAL,
                        "the value of parameter %s has a control character or invalid UTF-8; it takes one line of text",
                        parameter->name);
        if (parameter->type == PARAMETER_INTEGER)
                return integer_check(parameter, text, ret, ret_error);
        if (parameter->type == PARAMETER_BOOLEAN) {
                boolean = parse_boolean(text);
                if (boolean < 0)
                        return refuse(parameter, text, ret_error);
                *ret = jval_boolean(boolean);
                return 0;
        }
        if (!text_fits(parameter, text))
                return refuse(parameter, text, ret_error);
        *ret = jval_string(text);
        return 0;
}
