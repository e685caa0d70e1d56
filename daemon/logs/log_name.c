#include <stdlib.h>

#include "cleanup.h"
#include "fileutil.h"
#include "log_index.h"
#include "xalloc.h"

char *log_file_name(int step_order, const char *step, const char *item, int attempt) {
        _cleanup_free_ char *safe_step = path_escape_component(step);

        if (!item || !*item)
                return xasprintf("%02d-%s.%d.log", step_order, safe_step, attempt);
        _cleanup_free_ char *safe_item = path_escape_component(item);
        /* A name takes 255 bytes at most: two cut parts of 128 and the rest would not fit. */
        return xasprintf("%02d-%.*s.%s.%d.log", step_order, 100, safe_step, safe_item, attempt);
}
