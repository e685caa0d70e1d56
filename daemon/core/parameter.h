/* One value of one parameter: what it takes, and its canonical form. */
#pragma once

#include "job.h"

/* Longer values are refused: they travel in argv and in the environment of every step. */
#define PARAMETER_VALUE_MAX 4096
/* A pattern is compiled for each value; one that repeats repetitions would take all memory (regcomp expands them). */
#define PARAMETER_PATTERN_MAX 512

const char *parameter_type_to_string(enum parameter_type type);

/* Checks a text against the type, range, pattern and list. 0 with the canonical value (integer, boolean or string), or
 * -EINVAL with a text that starts with what is wrong with the value and tells what the parameter takes. */
int parameter_value_check(const struct parameter *parameter, const char *text, struct jval **ret, char **ret_error);

/* "an integer from 1 to 18", "one of reg, post", ... New memory. */
char *parameter_takes(const struct parameter *parameter);

/* Whether the pattern can be used. 0 or -EINVAL with the reason. */
int parameter_pattern_check(const char *pattern, char **ret_error);
