/* Time zones from the machine's tz database, each file read once, when a job that names it is read. */
#pragma once

#include <stddef.h>

#include "zone.h"

struct zone_cache {
        struct zone **zones;
        char **names; /* as asked for; "" is the machine's own */
        size_t count, capacity;
};

void zone_cache_done(struct zone_cache *cache);
/* NULL or "": the machine's zone (/etc/localtime; UTC when there is none). 0, or negative errno with what is wrong and
 * what would be right. *ret is borrowed. */
int zone_cache_get(struct zone_cache *cache, const char *name, struct zone **ret, char **ret_error);
