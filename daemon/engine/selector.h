/* Which run a caller means. */
#pragma once

#include "jval.h"

/* The member `key` as text: a number, a uuid, or the first 8 or more digits of one; NULL when absent. New memory. */
char *selector_text(const struct jval *params, const char *key);
