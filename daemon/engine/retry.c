/* run.retry: a new run of the steps that an ended one did not finish well. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"
#include "job_changes.h"
#include "retry.h"
#include "selector.h"
#include "start.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

/* Changes that a message spells out; the error's data has all. */
#define CHANGES_SHOWN 5

/* Whether the job is as it was, or that does not matter; answers the request when it does. */
static bool is_unchanged(struct act *act, const struct job_entry *entry, const struct jval *found) {
        const struct jval *run = jval_get(found, "run");
        _cleanup_job_sources_ struct job_sources *before = NULL;
        _cleanup_strv_ char **changes = NULL, **shown = NULL;
        _cleanup_free_ char *text = NULL;
        struct jval *data, *list;

        if (jval_get_bool(act->params, "force", false) ||
            streq_null(jval_get_str(run, "definition_hash"), entry->job->definition_hash))
                return true;
        before = job_sources_from_json(jval_get_str(found, "sources"));
        if (before && before->count > 0 && entry->sources)
                changes = job_changes(before->items, before->count, entry->sources->items, entry->sources->count);
        data = jval_object();
        list = jval_array();
        jval_set_str(data, "parameter", "force");
        jval_set(data, "changed", list);
        STRV_FOREACH (change, changes) {
                jval_add(list, jval_string(*change));
                if (strv_length(shown) < CHANGES_SHOWN)
                        strv_append(&shown, *change);
        }
        text = shown ? strv_join(shown, ", ") : NULL;
        act_fail(act, ERROR_KIND_INVALID_PARAMS, data,
                 "%s has changed since run %" PRId64 " (%s%s); start the job anew, or retry with --force as it is now",
                 entry->name, jval_get_int(run, "run_number", 0),
                 text                          ? text
                 : before && before->count > 0 ? "in comments or order only"
                                               : "how is not known any more",
                 strv_length(changes) > strv_length(shown) ? ", ..." : "");
        return false;
}

/* What is known of one step of the plan. */
struct step_outcome {
        bool known;    /* the run had it */
        bool done;     /* and it needs not run again */
        bool wanted;   /* by `from` */
        bool in_scope; /* the run had it, or it is new in the job */
};

bool retry_is_done(const struct jval *step) {
        const char *status = str_or(jval_get_str(step, "status"), "");

        /* Skipped by its condition is what it was meant to be. */
        return streq(status, "success") ||
               (streq(status, "skipped") && streq_null(jval_get_str(step, "reason"), "condition"));
}

static struct step_outcome outcome_of(const char *name, const struct jval *steps) {
        struct step_outcome outcome = {.done = true};

        for (size_t i = 0; i < jval_array_size(steps); i++)
                if (streq_null(jval_get_str(jval_at(steps, i), "step_name"), name)) {
                        outcome.known = true;
                        outcome.done = outcome.done && retry_is_done(jval_at(steps, i));
                }
        outcome.done = outcome.done && outcome.known;
        outcome.in_scope = outcome.known;
        return outcome;
}

/* All that comes after a wanted step is wanted too. */
static void spread(const struct run_plan *plan, struct step_outcome *outcomes) {
        bool any = true;

        while (any) {
                any = false;
                for (size_t i = 0; i < plan->n_steps; i++)
                        for (size_t k = 0; k < plan->steps[i].n_after; k++)
                                if (outcomes[plan->steps[i].after[k]].wanted && !outcomes[i].wanted)
                                        outcomes[i].wanted = any = true;
        }
}

/* Marks the step to go on from; answers the request when the run has none of that name. */
static bool mark_from(struct act *act, const struct run_plan *plan, struct step_outcome *outcomes) {
        const char *from = jval_get_str(act->params, "from");
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *known = NULL;
        struct jval *data;

        if (!from)
                return true;
        for (size_t i = 0; i < plan->n_steps; i++) {
                if (!outcomes[i].in_scope)
                        continue;
                strv_append(&names, plan->steps[i].step->name);
                if (streq(plan->steps[i].step->name, from)) {
                        outcomes[i].wanted = true;
                        spread(plan, outcomes);
                        return true;
                }
        }
        known = names ? strv_join(names, ", ") : xstrdup("none");
        data = jval_object();
        jval_set_str(data, "parameter", "from");
        act_fail(act, ERROR_KIND_INVALID_PARAMS, data, "the run has no step \"%.64s\"; it has %s", from, known);
        return false;
}

/* The steps that the new run does, or NULL: then the request has been answered. */
static struct jval *choose_steps(struct act *act, const struct run_plan *plan, const struct jval *found,
                                 struct jval *again) {
        _cleanup_free_ struct step_outcome *outcomes = xcalloc(plan->n_steps + 1, sizeof(*outcomes));
        const struct jval *run = jval_get(found, "run");
        const char *sources = jval_get_str(found, "sources");
        _cleanup_(job_unrefp) struct job *before = NULL;
        struct jval *steps;

        if (sources)
                (void)job_from_sources(&before, str_or(jval_get_str(run, "job"), ""), sources);
        for (size_t i = 0; i < plan->n_steps; i++) {
                const char *name = plan->steps[i].step->name;

                outcomes[i] = outcome_of(name, jval_get(found, "steps"));
                if (before && !job_find_step(before, name))
                        outcomes[i].in_scope = true;
        }
        if (!mark_from(act, plan, outcomes))
                return NULL;
        steps = jval_array();
        for (size_t i = 0; i < plan->n_steps; i++)
                if (plan->steps[i].fallback_of == PLAN_NONE && outcomes[i].in_scope &&
                    (!outcomes[i].done || outcomes[i].wanted)) { /* a fallback comes with its step */
                        if (outcomes[i].wanted)
                                jval_add(again, jval_string(plan->steps[i].step->name));
                        jval_add(steps, jval_string(plan->steps[i].step->name));
                }
        if (jval_array_size(steps) > 0)
                return steps;
        jval_unref(steps);
        act_fail(act, ERROR_KIND_INVALID_PARAMS, NULL,
                 "all steps of run %" PRId64
                 " succeeded: there is nothing to retry; name a step to go on from (--from), "
                 "or start the job anew",
                 jval_get_int(run, "run_number", 0));
        return NULL;
}

static void copy_member(struct jval *to, const char *name, const struct jval *from, const char *key) {
        struct jval *value = jval_get(from, key);

        if (value && jval_type_of(value) != JVAL_NULL)
                jval_set(to, name, jval_deep_copy(value));
}

/* The request becomes that of a start. */
static void start_again(struct act *act, const struct jval *found, struct jval *steps, const struct jval *again) {
        const struct jval *run = jval_get(found, "run");
        const struct start_origin origin = {
                .retry_of = jval_get_str(run, "run_id"),
                .outcomes = jval_get(found, "steps"),
                .again = again,
                .skips_gates_that_are_there = true,
        };

        jval_set_str(act->params, "triggered_by", trigger_to_string(TRIGGER_RETRY));
        copy_member(act->params, "job", run, "job");
        copy_member(act->params, "mode", run, "batch_mode");
        copy_member(act->params, "params", run, "parameters");
        copy_member(act->params, "due", run, "due_at");
        copy_member(act->params, "skip_gates", jval_get(found, "options"), "skip_gates");
        jval_set(act->params, "steps", steps);
        act->origin = &origin;
        start_run(act);
}

/* The run has been found and has ended. */
static void retry_run(struct act *act, const struct jval *found) {
        const struct jval *run = jval_get(found, "run");
        const struct job_entry *entry = act_find_job(act, str_or(jval_get_str(run, "job"), ""));
        _cleanup_free_ char *error = NULL;
        _cleanup_jval_ struct jval *again = jval_array();
        struct run_plan plan;
        struct jval *steps;

        if (!entry || !is_unchanged(act, entry, found))
                return;
        if (run_plan_make(&plan, entry->job, jval_get_str(run, "batch_mode"), NULL, &error, NULL) < 0) {
                act_fail(act, ERROR_KIND_INVALID_PARAMS, NULL, "%s", error);
                return;
        }
        steps = choose_steps(act, &plan, found, again);
        run_plan_done(&plan);
        if (steps)
                start_again(act, found, steps, again);
}

static void looked_up(int error, const char *error_text, struct jval *found, void *user) {
        struct act *act = user;
        const struct jval *run = jval_get(found, "run");
        enum run_status status = run_status_from_string(str_or(jval_get_str(run, "status"), ""));

        if (error == -ENOENT)
                act_fail(act, ERROR_KIND_NOT_FOUND, NULL, "%s",
                         str_or(error_text, "see batchctl history: there is no such run"));
        else if (error == -EINVAL)
                act_fail(act, ERROR_KIND_INVALID_PARAMS, NULL, "%s", str_or(error_text, "which run is not clear"));
        else if (error < 0)
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL, "try again: the history cannot be read: %s",
                         str_or(error_text, strerror(-error)));
        else if (jval_get(run, "backfill"))
                act_fail(act, ERROR_KIND_INVALID_PARAMS, NULL,
                         "run %" PRId64 " is a backfill: start it again, and what is missing runs",
                         jval_get_int(run, "run_number", 0));
        else if (!run_status_is_final(status))
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL, "try again in a moment: the run is just ending");
        else
                retry_run(act, found);
        if (found)
                jval_unref(found);
}

static void retry_handler(struct act *act) {
        _cleanup_free_ char *selector = selector_text(act->params, "run");
        struct run *active = engine_find_run(act->engine, str_or(selector, ""));
        struct jval *data;

        if (active && !active->ended) {
                data = jval_object();
                jval_set_str(data, "job", active->record.job);
                jval_set_int(data, "run_number", active->record.run_number);
                jval_set_str(data, "run_id", active->record.run_id);
                act_fail(act, ERROR_KIND_ALREADY_RUNNING, data,
                         "wait for its end, or cancel it: run %" PRId64 " of %s has not ended yet",
                         active->record.run_number, active->record.job);
        } else if (history_run_outcome(act->engine->history, str_or(selector, ""), looked_up, act) < 0) {
                act_fail(act, ERROR_KIND_UNAVAILABLE, NULL,
                         "try again in a moment: too many questions wait for state.db");
        }
}

void engine_run_retry(struct engine *engine, const struct jval *params, const struct caller *caller,
                      engine_answer_fn fn, void *user) {
        act_begin(engine, METHOD_RUN_RETRY, params, caller, fn, user, retry_handler);
}
