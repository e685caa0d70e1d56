/* How a run comes about where nobody asked for it in so many words. */
#pragma once

#include <stdbool.h>

/* Of a start that is part of something greater; borrowed while start_run decides. */
struct start_origin {
        const char *retry_of;      /* run_id, or NULL */
        const char *parent_run_id; /* or NULL */
        /* It is not refused while its job is paused, the daemon drained or state.db full, but made as one that waits.
         */
        bool is_held_back;
        /* Of skip_gates, those that the run does not have are left out instead of refused. */
        bool skips_gates_that_are_there;
};
