/* Instants as people write them, in the words that journalctl(1) takes for --since and --until. */
#pragma once

#include <stdbool.h>

#include "timeutil.h"

/* "2026-09-22 14:00[:05]", "2026-09-22" (its midnight), "14:00[:05]" (today), "now", "today", "yesterday", "tomorrow",
 * "-1h", "+5min", "2h ago",
 * "@1790000000", or RFC 3339. In the local zone unless utc, or " UTC" follows. 0 or -EINVAL. */
int when_parse(const char *text, usec_t now, bool utc, usec_t *ret);
/* For error messages: what when_parse takes. */
#define WHEN_EXAMPLES "'2026-09-22 14:00', 'yesterday', '-1h' or '2h ago'"
