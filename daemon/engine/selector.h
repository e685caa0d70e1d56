/* Which run a caller means. */
#pragma once

#include "jval.h"

struct engine;

/* The member `key` as text: a number, a uuid, or the first 8 or more digits of one; NULL when absent. New memory. */
char *selector_text(const struct jval *params, const char *key);
/* The same; absent: the id of the run that is active, NULL when there is none (the latest is meant). New memory. */
char *selector_or_active(const struct engine *engine, const struct jval *params);
