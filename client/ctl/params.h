/* --param NAME=VALUE, as several commands take it. */
#pragma once

#include "context.h"
#include "jval.h"

/* Sets call's member "params" from the vector (NULL: leaves it out). 0, or EXIT_USAGE with the user told. */
int params_set(const struct context *context, char *const *given, struct jval *call);
