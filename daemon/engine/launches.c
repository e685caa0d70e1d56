#include "launches.h"

#include <stdlib.h>

#include "engine_internal.h"
#include "scheduler.h"
#include "xalloc.h"

/* So long launches let decisions go before them, and so many follow in one pass then. */
#define PATIENCE (500 * USEC_PER_MSEC)
#define LOOK_AGAIN (2 * USEC_PER_MSEC)
#define LAUNCHES_A_PASS 16

static void launch(struct task_run *task) {
        task->launch_since = 0;
        task_launch_now(task);
        /* It was cancelled while there was nothing to stop yet. */
        if (task->attempt && task->run->machine.cancelling)
                attempt_stop(task->attempt);
}

static void time_came(void *user) {
        struct engine *engine = user;
        struct launches *launches = &engine->launches;
        usec_t now = now_boottime();

        for (size_t n = 0; n < LAUNCHES_A_PASS && launches->first < launches->count; n++) {
                struct task_run *task = launches->tasks[launches->first];

                if (scheduler_is_behind(engine->scheduler) && now < task->launch_since + PATIENCE)
                        break;
                launches->first++;
                launch(task);
        }
        if (launches->first < launches->count)
                loop_timer_arm(launches->timer, scheduler_is_behind(engine->scheduler) ? LOOK_AGAIN : 0);
        else
                launches->first = launches->count = 0;
}

void task_launch(void *user) {
        struct task_run *task = user;
        struct engine *engine = task->run->engine;
        struct launches *launches = &engine->launches;

        if (launches->count == 0 && !scheduler_is_behind(engine->scheduler)) {
                task_launch_now(task);
                return;
        }
        task->launch_since = now_boottime();
        GROW(launches->tasks, launches->count, launches->capacity);
        launches->tasks[launches->count++] = task;
        if (!loop_timer_is_armed(launches->timer))
                loop_timer_arm(launches->timer, LOOK_AGAIN);
}

int launches_begin(struct engine *engine) {
        return loop_timer_new(engine->loop, &engine->launches.timer, time_came, engine);
}

void launches_done(struct engine *engine) {
        engine->launches.timer = loop_timer_free(engine->launches.timer);
        free(engine->launches.tasks);
        engine->launches.tasks = NULL;
}
