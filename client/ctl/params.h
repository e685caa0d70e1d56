/* Options that several commands take, as members of a call's params. */
#pragma once

#include "context.h"
#include "jval.h"

/* Sets call's member "params" from the vector (NULL: leaves it out). 0, or EXIT_USAGE with the user told. */
int params_set(const struct context *context, char *const *given, struct jval *call);
/* Sets member `key` to the instant that --key said (NULL: leaves it out). 0, or EXIT_USAGE with the user told. */
int params_set_instant(const struct context *context, struct jval *params, const char *key, const char *text);
/* The members `since` and `until` from --since and --until. */
int params_set_period(const struct context *context, struct jval *params, const char *since, const char *until);
