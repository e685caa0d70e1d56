/* Circuit breakers as people read them. */
#pragma once

#include <stdbool.h>

#include "jval.h"

/* "open since 13:00:00 until 13:10:00, after 3 failures in a row, the last in run 17: exit status 1". New string. */
char *text_breaker(const struct jval *breaker, bool utc);
