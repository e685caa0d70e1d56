/* What a run or a step waits for, in words. */
#pragma once

#include <stdbool.h>

#include "jval.h"

/* Of the member `waits_for`: "for #12, running since 5min 20s"; NULL when it waits for nothing. New string. */
char *text_wait(const struct jval *waits_for, bool utc);
