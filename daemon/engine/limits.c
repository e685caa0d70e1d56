#include "limits.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine_internal.h"
#include "log.h"
#include "strutil.h"
#include "xalloc.h"

/* In an attempt's metadata: since when it waits, and then how long it did. */
#define WAITING_SINCE "waiting_since"
#define WAITED_SECONDS "waited_seconds"
/* Of those that hold what is waited for, so many are named. */
#define HOLDERS_NAMED 10

void limit_claims_done(struct limit_claims *claims) {
        free(claims->items);
        free(claims->owners);
        *claims = (struct limit_claims){0};
}

static void add_claim(struct limit_claims *claims, const struct limit_claim *claim, struct run *run,
                      struct task_run *task) {
        if (claims->count == claims->capacity) {
                claims->capacity = claims->capacity ? 2 * claims->capacity : 16;
                claims->items = xreallocarray(claims->items, claims->capacity, sizeof(*claims->items));
                claims->owners = xreallocarray(claims->owners, claims->capacity, sizeof(*claims->owners));
        }
        claims->owners[claims->count] = (struct limit_owner){run, task};
        claims->items[claims->count++] = *claim;
}

/* A backfill holds nothing: its children do. */
static bool run_holds(const struct run *run) {
        return !run->backfill && run->plan.job->limits.count > 0 && run_machine_has_begun(&run->machine) && !run->ended;
}

static bool task_holds(const struct task_run *task) {
        enum task_state state = task->run->machine.tasks[task->index].state;

        return task->has_slots && (state == TASK_STARTING || state == TASK_RUNNING);
}

void limits_holders(const struct engine *engine, struct limit_claims *ret) {
        for (struct run *run = engine->runs; run; run = run->next) {
                if (run_holds(run))
                        add_claim(ret, &(struct limit_claim){.uses = &run->plan.job->limits, .plan = &run->plan}, run,
                                  NULL);
                for (struct task_run *task = run->alive; task; task = task->next_alive)
                        if (task_holds(task))
                                add_claim(ret, &(struct limit_claim){.uses = &task_step(task)->limits}, run, task);
        }
}

static usec_t waiting_since(const struct task_run *task) {
        const char *text = jval_get_str(task->record.metadata, WAITING_SINCE);
        usec_t since;

        return text && parse_rfc3339(text, &since) == 0 ? since : 0;
}

/* Runs have small numbers: both together stay in order, the steps of a run in the order of the plan. */
static int64_t number_of(const struct run *run, size_t task) {
        return run->record.run_number * (INT64_C(1) << 20) + (int64_t)task;
}

static struct limit_claim claim_of_run(const struct run *run) {
        return (struct limit_claim){
                .uses = &run->plan.job->limits,
                .plan = &run->plan,
                .priority = run->plan.job->priority,
                .since = run->record.created_at,
                .number = number_of(run, 0),
        };
}

static struct limit_claim claim_of_task(const struct task_run *task) {
        return (struct limit_claim){
                .uses = &task_step(task)->limits,
                .of_holder = run_holds(task->run),
                .priority = task->run->plan.job->priority,
                .since = waiting_since(task),
                .number = number_of(task->run, task->index),
        };
}

static void add_held(const struct engine *engine, struct limit_claims *claims) {
        for (struct run *run = engine->runs; run; run = run->next)
                for (struct task_run *task = run->alive; task; task = task->next_alive)
                        if (run->machine.tasks[task->index].held) {
                                struct limit_claim claim = claim_of_task(task);

                                add_claim(claims, &claim, run, task);
                        }
}

void limits_waiters(const struct engine *engine, struct limit_claims *ret) {
        add_held(engine, ret);
        for (struct run *run = engine->runs; run; run = run->next)
                if (!run_machine_has_begun(&run->machine) && !run->ended && (run->lacks || run->in_a_circle)) {
                        struct limit_claim claim = claim_of_run(run);

                        add_claim(ret, &claim, run, NULL);
                }
}

bool limits_hold(struct task_run *task) {
        if (task->has_slots || task_step(task)->limits.count == 0 ||
            !run_machine_hold(&task->run->machine, task->index))
                return false;
        if (!task->record.metadata)
                task->record.metadata = jval_object();
        if (waiting_since(task) == 0) {
                jval_set_time(task->record.metadata, WAITING_SINCE, now_realtime());
                task_mark(task);
        }
        starts_look(task->run->engine);
        return true;
}

void limits_give_back(struct task_run *task) {
        if (!task->has_slots)
                return;
        task->has_slots = false;
        starts_look(task->run->engine);
}

static void launch(struct task_run *task) {
        usec_t since = waiting_since(task), now = now_realtime();
        struct effects effects = {0};

        task->has_slots = true;
        task->lacks = NULL;
        jval_remove(task->record.metadata, WAITING_SINCE);
        if (since < now && now - since >= USEC_PER_MSEC)
                jval_set_real(task->record.metadata, WAITED_SECONDS, (double)(now - since) / (double)USEC_PER_SEC);
        (void)run_machine_release(&task->run->machine, task->index, &effects);
        run_apply(task->run, &effects);
}

/* What somebody waits for may change while it waits. */
static void note_lacking(const struct limit_owner *owner, const struct limit_claim *claim) {
        if (owner->task) {
                if (owner->task->lacks != claim->lacks)
                        task_mark(owner->task);
                owner->task->lacks = claim->lacks;
                return;
        }
        owner->run->lacks = claim->lacks;
        owner->run->in_a_circle = claim->in_a_circle;
}

static bool give(const struct limit_owner *owner, const struct limit_claim *claim) {
        note_lacking(owner, claim);
        if (!claim->granted)
                return false;
        if (owner->task)
                launch(owner->task);
        else
                run_begin(owner->run);
        return true;
}

bool limits_serve(struct engine *engine, struct run *const *runs, size_t n) {
        _cleanup_claims_ struct limit_claims holders = {0}, waiters = {0};
        _cleanup_free_ struct limit_claim **order = NULL;
        bool any = false;

        add_held(engine, &waiters);
        for (size_t i = 0; i < n; i++) {
                struct limit_claim claim = claim_of_run(runs[i]);

                add_claim(&waiters, &claim, runs[i], NULL);
        }
        if (waiters.count == 0)
                return false;
        limits_holders(engine, &holders);
        order = xcalloc(waiters.count, sizeof(struct limit_claim *));
        for (size_t i = 0; i < waiters.count; i++)
                order[i] = &waiters.items[i];
        limit_queue_settle(&engine->limits, holders.items, holders.count, order, waiters.count);
        for (size_t i = 0; i < waiters.count; i++)
                any = give(&waiters.owners[order[i] - waiters.items], order[i]) || any;
        return any;
}

static bool is_named(const struct engine *engine, const char *name) {
        for (const struct run *run = engine->runs; run; run = run->next)
                if (job_takes_limit(run->plan.job, name))
                        return true;
        for (size_t i = 0; i < engine->jobs.count; i++)
                if (engine->jobs.entries[i].job && job_takes_limit(engine->jobs.entries[i].job, name))
                        return true;
        return false;
}

void engine_set_limits(struct engine *engine, const struct limit_set *limits) {
        struct limit_set fresh = limit_set_copy(limits);

        for (size_t i = 0; i < engine->limits.count; i++) {
                const struct limit *old = &engine->limits.items[i];

                if (limit_set_find(&fresh, old->name) || !is_named(engine, old->name))
                        continue;
                log_warning("[Limit %s] is gone from batchd.conf and still named by jobs: it stays, with %u slots",
                            old->name, old->slots);
                fresh.items = xreallocarray(fresh.items, fresh.count + 1, sizeof(*fresh.items));
                fresh.items[fresh.count++] = (struct limit){xstrdup(old->name), old->slots, true};
        }
        limit_set_done(&engine->limits);
        engine->limits = fresh;
        starts_look(engine);
}

struct jval *limit_owner_json(const struct limit_owner *owner, unsigned slots) {
        struct jval *object = jval_object();
        const struct attempt_record *record = owner->task ? &owner->task->record : NULL;

        jval_set_int(object, "run_number", owner->run->record.run_number);
        jval_set_str(object, "run_id", owner->run->record.run_id);
        jval_set_str(object, "job", owner->run->record.job);
        jval_set_str(object, "step", record ? record->step_name : NULL);
        jval_set_str(object, "item", record ? record->item : NULL);
        jval_set_int(object, "slots", slots);
        jval_set_time(object, "since", record ? record->started_at : owner->run->record.started_at);
        return object;
}

static struct jval *wait_for_limit(const struct engine *engine, const struct limit_use *use) {
        const struct limit *limit = limit_set_find(&engine->limits, use->name);
        _cleanup_claims_ struct limit_claims holders = {0};
        struct jval *wait = jval_object(), *named = jval_array();

        limits_holders(engine, &holders);
        jval_set_str(wait, "kind", "limit");
        jval_set_str(wait, "limit", use->name);
        jval_set_int(wait, "wants", use->slots);
        jval_set_int(wait, "slots", limit ? limit->slots : 0);
        jval_set_int(wait, "used", limit_queue_used(use->name, holders.items, holders.count));
        for (size_t i = 0; i < holders.count && jval_array_size(named) < HOLDERS_NAMED; i++) {
                const struct limit_use *held = limit_uses_find(holders.items[i].uses, use->name);

                if (held)
                        jval_add(named, limit_owner_json(&holders.owners[i], held->slots));
        }
        jval_set(wait, "holders", named);
        return wait;
}

/* Any of those whose steps may wait for it: the oldest. */
static struct jval *wait_for_circle(const struct engine *engine) {
        struct jval *wait = jval_object();

        jval_set_str(wait, "kind", "limit_order");
        for (const struct run *run = engine->runs; run; run = run->next)
                if (run_holds(run)) {
                        jval_set_int(wait, "run_number", run->record.run_number);
                        jval_set_str(wait, "run_id", run->record.run_id);
                        jval_set_str(wait, "job", run->record.job);
                        break;
                }
        return wait;
}

struct jval *limits_run_waits_for(const struct run *run) {
        if (run->lacks)
                return wait_for_limit(run->engine, run->lacks);
        return run->in_a_circle ? wait_for_circle(run->engine) : NULL;
}

struct jval *limits_task_waits_for(const struct task_run *task) {
        struct jval *wait;

        if (!task->run->machine.tasks[task->index].held || !task->lacks)
                return NULL;
        wait = wait_for_limit(task->run->engine, task->lacks);
        jval_set_time(wait, "since", waiting_since(task));
        return wait;
}
