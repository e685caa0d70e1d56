/* When attempts that are decided are launched: at once, but not before other due times that are there have been
 * decided. A launch costs many times a decision, and jobs that are due in the same second are all to be decided in it.
 */
#pragma once

#include <stddef.h>

struct engine;
struct task_run;

/* Beside the engine. */
struct launches {
        struct task_run **tasks; /* that wait, in order */
        size_t first, count, capacity;
        struct loop_timer *timer;
};

int launches_begin(struct engine *engine);
void launches_done(struct engine *engine);
/* Called when the decision to start the attempt is durable. */
void task_launch(void *task);
