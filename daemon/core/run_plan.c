#include "run_plan.h"

#include <errno.h>
#include <stdlib.h>

#include "errortext.h"
#include "plan_command.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

/* What went wrong, and with which of the caller's arguments. */
struct complaint {
        char **error;
        const char **parameter;
};

static int complain(struct complaint complaint, const char *parameter, char *text) {
        if (complaint.parameter)
                *complaint.parameter = parameter;
        error_set(complaint.error, -EINVAL, "%s", text);
        free(text);
        return -EINVAL;
}

static char **mode_names(const struct job *job) {
        char **names = NULL;

        for (size_t i = 0; i < job->n_modes; i++)
                strv_append(&names, job->modes[i].name);
        return names;
}

static char **all_steps(const struct job *job) {
        char **names = NULL;

        for (size_t i = 0; i < job->n_steps; i++)
                strv_append(&names, job->steps[i].name);
        return names;
}

static int refuse_mode(const struct job *job, const char *mode, struct complaint complaint) {
        _cleanup_strv_ char **names = mode_names(job);
        _cleanup_free_ char *known = strv_join(names, ", ");

        if (job->n_modes == 0)
                return complain(
                        complaint, "mode",
                        xasprintf("job %s has no mode \"%.64s\"; it has none, leave the mode out", job->name, mode));
        return complain(complaint, "mode",
                        xasprintf("job %s has no mode \"%.64s\"; it has %s", job->name, mode, known));
}

/* The mode that is meant: *ret NULL for a job without modes. */
static int find_mode(const struct job *job, const char *name, const struct mode **ret, struct complaint complaint) {
        if (!name)
                name = job->default_mode;
        if (!name && job->n_modes > 0) {
                _cleanup_strv_ char **names = mode_names(job);
                _cleanup_free_ char *known = strv_join(names, ", ");

                return complain(complaint, "mode",
                                xasprintf("job %s has no default mode; name one of %s", job->name, known));
        }
        *ret = name ? job_find_mode(job, name) : NULL;
        if (name && !*ret)
                return refuse_mode(job, name, complaint);
        return 0;
}

static int refuse_step(const struct job *job, const struct mode *mode, char *const *steps, const char *step,
                       struct complaint complaint) {
        _cleanup_free_ char *known = strv_join(steps, ", ");
        const char *near = nearest_name(step, (const char *const *)steps);

        if (near)
                return complain(complaint, "steps",
                                xasprintf("job %s has no step \"%.64s\"%s%s; did you mean %s?", job->name, step,
                                          mode ? " in mode " : "", mode ? mode->name : "", near));
        return complain(complaint, "steps",
                        xasprintf("job %s has no step \"%.64s\"%s%s; it has %s", job->name, step,
                                  mode ? " in mode " : "", mode ? mode->name : "", known));
}

/* Whether the step is there in place of another one that is there, too. Fallbacks make no circles: job_check.c. */
static bool stands_in(const struct job *job, char *const *steps, const char *name) {
        for (size_t i = 0; i < job->n_steps; i++)
                if (streq_null(job->steps[i].fallback, name) &&
                    (strv_contains(steps, job->steps[i].name) || stands_in(job, steps, job->steps[i].name)))
                        return true;
        return false;
}

static int check_selection(const struct job *job, const struct mode *mode, char *const *steps, char *const *only,
                           struct complaint complaint) {
        if (only && !*only)
                return complain(complaint, "steps",
                                xstrdup("the selection of steps is empty; name at least one, or leave it out for all"));
        STRV_FOREACH (name, only)
                if (!strv_contains(steps, *name) && !stands_in(job, steps, *name))
                        return refuse_step(job, mode, steps, *name, complaint);
        return 0;
}

size_t run_plan_find(const struct run_plan *plan, const char *name) {
        for (size_t i = 0; i < plan->n_steps; i++)
                if (streq(plan->steps[i].step->name, name))
                        return i;
        return PLAN_NONE;
}

/* The one before it in the list; a fallback stands there beside its step. */
static size_t step_before(const struct run_plan *plan, size_t index) {
        while (index-- > 0)
                if (plan->steps[index].fallback_of == PLAN_NONE)
                        return index;
        return PLAN_NONE;
}

static void add_after(struct plan_step *entry, size_t other) {
        if (other != PLAN_NONE)
                entry->after[entry->n_after++] = other;
}

/* Without After= a step follows the one before it in the list; an After= on a step outside the plan is met. */
static void resolve_after(struct run_plan *plan, size_t index) {
        struct plan_step *entry = &plan->steps[index];

        entry->after = xcalloc(strv_length(entry->step->after) + 2, sizeof(*entry->after));
        if (entry->fallback_of != PLAN_NONE)
                return;
        if (!entry->step->has_after)
                add_after(entry, step_before(plan, index));
        STRV_FOREACH (name, entry->step->after)
                add_after(entry, run_plan_find(plan, *name));
}

static void resolve_before(struct run_plan *plan) {
        size_t *counts = xcalloc(plan->n_steps + 1, sizeof(*counts));

        for (size_t i = 0; i < plan->n_steps; i++)
                for (size_t k = 0; k < plan->steps[i].n_after; k++)
                        counts[plan->steps[i].after[k]]++;
        for (size_t i = 0; i < plan->n_steps; i++)
                plan->steps[i].before = xcalloc(counts[i] + 1, sizeof(size_t));
        for (size_t i = 0; i < plan->n_steps; i++)
                for (size_t k = 0; k < plan->steps[i].n_after; k++) {
                        struct plan_step *other = &plan->steps[plan->steps[i].after[k]];

                        other->before[other->n_before++] = i;
                }
        free(counts);
}

static bool all_placed(const struct plan_step *entry, const bool *placed) {
        for (size_t i = 0; i < entry->n_after; i++)
                if (!placed[entry->after[i]])
                        return false;
        return true;
}

/* Names of the steps that wait for each other, or NULL when every step gets its turn. New memory. */
static char *find_cycle(const struct run_plan *plan) {
        _cleanup_free_ bool *placed = xcalloc(plan->n_steps + 1, sizeof(*placed));
        _cleanup_strv_ char **stuck = NULL;
        bool progress = true;

        while (progress) {
                progress = false;
                for (size_t i = 0; i < plan->n_steps; i++)
                        if (!placed[i] && all_placed(&plan->steps[i], placed))
                                placed[i] = progress = true;
        }
        for (size_t i = 0; i < plan->n_steps; i++)
                if (!placed[i])
                        strv_append(&stuck, plan->steps[i].step->name);
        return stuck ? strv_join(stuck, ", ") : NULL;
}

static void add_step(struct run_plan *plan, const char *name, size_t fallback_of) {
        plan->steps[plan->n_steps++] = (struct plan_step){
                .step = job_find_step(plan->job, name),
                .list = PLAN_NONE,
                .fallback = PLAN_NONE,
                .fallback_of = fallback_of,
        };
}

/* Each with its fallback, and that one's, behind it. */
static void fill_steps(struct run_plan *plan, char *const *selected) {
        plan->steps = xcalloc(plan->job->n_steps + 1, sizeof(*plan->steps));
        STRV_FOREACH (name, selected) {
                if (stands_in(plan->job, selected, *name))
                        continue;
                add_step(plan, *name, PLAN_NONE);
                for (size_t last = plan->n_steps - 1; plan->steps[last].step->fallback; last++) {
                        plan->steps[last].fallback = last + 1;
                        add_step(plan, plan->steps[last].step->fallback, last);
                }
        }
        for (size_t i = 0; i < plan->n_steps; i++)
                resolve_after(plan, i);
        resolve_before(plan);
}

static char **select_steps(char *const *steps, char *const *only) {
        char **selected = NULL;

        STRV_FOREACH (name, steps)
                if (!only || strv_contains(only, *name))
                        strv_append(&selected, *name);
        return selected;
}

int run_plan_make(struct run_plan *ret, struct job *job, const char *mode, char *const *only, char **ret_error,
                  const char **ret_parameter) {
        struct complaint complaint = {ret_error, ret_parameter};
        const struct mode *found = NULL;
        _cleanup_strv_ char **steps = NULL, **selected = NULL;
        _cleanup_free_ char *cycle = NULL;
        struct run_plan plan = {0};
        int r;

        r = find_mode(job, mode, &found, complaint);
        if (r < 0)
                return r;
        steps = found ? strv_copy(found->steps) : all_steps(job);
        r = check_selection(job, found, steps, only, complaint);
        if (r < 0)
                return r;
        plan.job = job_ref(job);
        plan.mode = xstrdup_or_null(found ? found->name : NULL);
        selected = select_steps(steps, only);
        fill_steps(&plan, selected);
        cycle = find_cycle(&plan);
        if (cycle) {
                run_plan_done(&plan);
                return complain(
                        complaint, only ? "steps" : "mode",
                        xasprintf("the steps %s wait for each other; take one of them out of the After= of another",
                                  cycle));
        }
        plan_fill_lists(&plan);
        plan_fill_commands(&plan);
        *ret = plan;
        return 0;
}

void run_plan_done(struct run_plan *plan) {
        for (size_t i = 0; i < plan->n_steps; i++) {
                free(plan->steps[i].after);
                free(plan->steps[i].before);
        }
        plan_commands_done(plan);
        free(plan->steps);
        free(plan->mode);
        job_unref(plan->job);
        *plan = (struct run_plan){0};
}
