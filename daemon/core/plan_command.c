#include "plan_command.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "job_object.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

/* A command of the job that hangs must not hold the run for ever. */
#define JOB_COMMAND_TIMEOUT (5 * USEC_PER_MINUTE)
/* ReadyWhen= is tried again after this; each time twice as long, up to the most. */
#define READY_DELAY (5 * USEC_PER_SEC)
#define READY_MAX_DELAY (5 * USEC_PER_MINUTE)

/* A step that runs another command with the same limits of time and resources and the same retries; what a step's own
 * work is judged by is not the command's. Only the name is its own. */
static struct step *derive(const struct step *from, const char *suffix, char **exec, bool one_is_fine) {
        struct step *step = NEW(struct step);

        *step = step_defaults;
        step->name = xasprintf("%s:%s", str_or(from->name, ""), suffix);
        step->exec = exec;
        step->timeout = from->timeout;
        step->kill_grace = from->kill_grace;
        step->retries = from->retries;
        step->retry_delay = from->retry_delay;
        step->retry_backoff = from->retry_backoff;
        step->retry_max_delay = from->retry_max_delay;
        step->critical = from->critical;
        step->memory_max = from->memory_max;
        step->cpu_quota_percent = from->cpu_quota_percent;
        step->tasks_max = from->tasks_max;
        step->nice = from->nice;
        step->environment = from->environment;
        step->success_exit_status = (struct exit_status_set){.bits = {one_is_fine ? 3 : 1}};
        return step;
}

static struct step *derive_of_job(const char *suffix, char **exec, bool one_is_fine) {
        struct step *step = derive(&step_defaults, suffix, exec, one_is_fine);

        step->timeout = JOB_COMMAND_TIMEOUT;
        return step;
}

static struct step *derived_free(struct step *step) {
        if (step)
                free(step->name);
        free(step);
        return NULL;
}

static bool same_items(const struct step *a, const struct step *b) {
        return strv_equal(a->for_each, b->for_each) && strv_equal(a->for_each_command, b->for_each_command);
}

static size_t list_of(struct run_plan *plan, size_t index) {
        const struct step *step = plan->steps[index].step;

        for (size_t i = 0; i < plan->n_lists; i++)
                if (same_items(plan->steps[plan->lists[i].members[0]].step, step))
                        return i;
        plan->lists[plan->n_lists] = (struct plan_list){
                .members = xcalloc(plan->n_steps, sizeof(size_t)),
                .lister = step->for_each_command ? derive(step, "items", step->for_each_command, false) : NULL,
        };
        return plan->n_lists++;
}

void plan_fill_lists(struct run_plan *plan) {
        plan->lists = xcalloc(plan->n_steps + 1, sizeof(*plan->lists));
        for (size_t i = 0; i < plan->n_steps; i++) {
                struct plan_list *list;

                if (!plan->steps[i].step->has_for_each)
                        continue;
                plan->steps[i].list = list_of(plan, i);
                list = &plan->lists[plan->steps[i].list];
                list->members[list->n_members++] = i;
        }
}

void plan_fill_commands(struct run_plan *plan) {
        const struct job *job = plan->job;

        for (size_t i = 0; i < plan->n_steps; i++)
                if (plan->steps[i].step->condition)
                        plan->steps[i].condition =
                                derive(plan->steps[i].step, "condition", plan->steps[i].step->condition, true);
        if (job->condition)
                plan->condition = derive_of_job("condition", job->condition, true);
        if (!job->ready_when)
                return;
        plan->ready = derive_of_job("ready", job->ready_when, false);
        plan->ready->retries = UINT_MAX - 1;
        plan->ready->retry_delay = READY_DELAY;
        plan->ready->retry_backoff = 2;
        plan->ready->retry_max_delay = READY_MAX_DELAY;
}

void plan_commands_done(struct run_plan *plan) {
        for (size_t i = 0; i < plan->n_steps; i++)
                plan->steps[i].condition = derived_free(plan->steps[i].condition);
        for (size_t i = 0; i < plan->n_lists; i++) {
                plan->lists[i].lister = derived_free(plan->lists[i].lister);
                free(plan->lists[i].members);
        }
        free(plan->lists);
        plan->condition = derived_free(plan->condition);
        plan->ready = derived_free(plan->ready);
}
