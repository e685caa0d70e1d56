#include "retry.h"

#include <stdlib.h>

#include "engine_internal.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

static bool is_named(const struct jval *names, const char *name) {
        for (size_t i = 0; i < jval_array_size(names); i++)
                if (streq_null(jval_str(jval_at(names, i)), name))
                        return true;
        return false;
}

static const char *step_name(const struct run *run, size_t index) {
        return run->plan.steps[index].step->name;
}

/* The member of the list that the outcome is of, or PLAN_NONE. */
static size_t member_of(const struct run *run, const struct plan_list *list, const struct jval *outcome) {
        for (size_t i = 0; i < list->n_members; i++)
                if (streq_null(jval_get_str(outcome, "step_name"), step_name(run, list->members[i])))
                        return list->members[i];
        return PLAN_NONE;
}

/* Of one list: {item: {step: true where that has been done}}. */
static struct jval *collect(const struct run *run, const struct plan_list *list, const struct start_origin *origin) {
        struct jval *items = jval_object();

        for (size_t i = 0; i < jval_array_size(origin->outcomes); i++) {
                const struct jval *outcome = jval_at(origin->outcomes, i);
                const char *item = str_or(jval_get_str(outcome, "item"), "");
                size_t member = member_of(run, list, outcome);
                struct jval *steps;

                if (!*item || member == PLAN_NONE)
                        continue;
                steps = jval_get(items, item);
                if (!steps) {
                        steps = jval_object();
                        jval_set(items, item, steps);
                }
                if (retry_is_done(outcome) && !is_named(origin->again, step_name(run, member)))
                        jval_set_bool(steps, step_name(run, member), true);
        }
        return items;
}

/* As in the run before: its row says so, and a restarted daemon finds it done. */
static void carry(struct run *run, const char *step, const char *item) {
        uint32_t task = run_machine_find(&run->machine, step, item);

        if (task == TASK_NONE)
                return;
        run_machine_restore_task(&run->machine, task, TASK_ENDED, STEP_SUCCESS, REASON_NONE, 0);
        run_put_unbegun(run, task);
}

static void take_list(struct run *run, size_t index, const struct jval *items, struct effects *effects) {
        const struct plan_list *list = &run->plan.lists[index];
        _cleanup_item_list_ struct item_list left = {0};
        _cleanup_strv_ char **names = NULL;
        size_t dropped;

        for (void *i = jval_iter(items); i; i = jval_iter_next(items, i))
                if (jval_object_size(jval_iter_value(i)) < list->n_members)
                        strv_append(&names, jval_iter_key(i));
        if (!names || item_list_from_words(&left, names, &dropped, NULL) < 0)
                return;
        run_take_items(run, index, &left, 0, effects);
        STRV_FOREACH (name, names) {
                const struct jval *done = jval_get(items, *name);

                for (void *i = jval_iter(done); i; i = jval_iter_next(done, i))
                        carry(run, jval_iter_key(i), *name);
        }
}

void retry_items(struct run *run, const struct start_origin *origin, struct effects *effects) {
        for (size_t i = 0; i < run->plan.n_lists; i++) {
                _cleanup_jval_ struct jval *items = collect(run, &run->plan.lists[i], origin);

                take_list(run, i, items, effects);
        }
}
