#include "backfill.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"
#include "log.h"
#include "run_plan.h"
#include "start.h"
#include "strutil.h"
#include "xalloc.h"

#define RETRY_DELAY (5 * USEC_PER_SEC)
/* Values that did not succeed, named in the message of a backfill's end. */
#define NAMED_MAX 5

bool backfill_is(const struct run_record *record) {
        return jval_is_object(jval_get(record->options, "backfill"));
}

static void try_again(void *user) {
        starts_look(((struct run *)user)->engine);
}

int backfill_attach(struct run *run) {
        const struct jval *about = jval_get(run->record.options, "backfill");
        const struct jval *values = jval_get(run->record.options, "backfill_values");
        struct backfill *backfill = NEW(struct backfill);

        run->backfill = backfill;
        backfill->parameter = xstrdup(str_or(jval_get_str(about, "parameter"), ""));
        backfill->parallel = (unsigned)jval_get_int(about, "parallel", 1);
        backfill->n = jval_array_size(values);
        backfill->items = xcalloc(backfill->n + 1, sizeof(*backfill->items));
        for (size_t i = 0; i < backfill->n; i++)
                backfill->items[i].value = xstrdup(str_or(jval_str(jval_at(values, i)), ""));
        return loop_timer_new(run->engine->loop, &backfill->retry, try_again, run);
}

struct backfill *backfill_free(struct backfill *backfill) {
        if (!backfill)
                return NULL;
        for (size_t i = 0; i < backfill->n; i++)
                free(backfill->items[i].value);
        free(backfill->items);
        free(backfill->parameter);
        backfill->retry = loop_timer_free(backfill->retry);
        free(backfill);
        return NULL;
}

/* The machine went down under its run. It is its turn once more. */
static void begin_anew(struct backfill_item *item, const struct run_record *lost) {
        item->started = false;
        item->run_id[0] = '\0';
        memcpy(item->lost_id, lost->run_id, UUID_SIZE);
        item->lost_number = lost->run_number;
}

static void take_child(const struct run_record *record, void *user) {
        struct backfill *backfill = ((struct run *)user)->backfill;
        _cleanup_free_ char *value = parameter_text(record->parameters, backfill->parameter);

        for (size_t i = 0; value && i < backfill->n; i++) {
                struct backfill_item *item = &backfill->items[i];

                if (!streq(item->value, value))
                        continue;
                item->started = true;
                item->status = record->status;
                item->lost_id[0] = '\0';
                if (!run_status_is_final(record->status))
                        memcpy(item->run_id, record->run_id, UUID_SIZE);
                else if (lost_goes_on_anew(record, ((struct run *)user)->plan.job))
                        begin_anew(item, record);
        }
}

void backfill_take_up(struct run *run) {
        run_machine_restore_run(&run->machine, run->record.status, false);
        run->machine.cancelling = run->record.reason != REASON_NONE;
        run->machine.cancel_reason = run->record.reason;
        if (store_load_children(run->engine->store, run->record.run_id, take_child, run) < 0)
                log_error("the runs of backfill #%" PRId64 " cannot be read: those that there are may run again",
                          run->record.run_number);
}

static void change_status(struct run *run, enum run_status status) {
        struct effects effects = {0};

        run_machine_restore_run(&run->machine, status, false);
        effects.items = xcalloc(2, sizeof(*effects.items));
        effects.capacity = 2;
        effects.items[effects.count++].type = EFFECT_RUN_CHANGED;
        if (run_status_is_final(status))
                effects.items[effects.count++].type = EFFECT_RUN_ENDED;
        run_apply(run, &effects);
}

void backfill_begin(struct run *run) {
        log_at(LOG_LEVEL_INFO, &(struct log_context){.run_id = run->record.run_id, .job = run->record.job},
               "backfill #%" PRId64 " of %s over %zu values of %s started", run->record.run_number, run->record.job,
               run->backfill->n, run->backfill->parameter);
        change_status(run, RUN_RUNNING);
}

static bool is_good(enum run_status status) {
        return status == RUN_SUCCESS || status == RUN_PARTIAL || status == RUN_SKIPPED;
}

struct run_progress backfill_progress(const struct run *run) {
        struct run_progress progress = {.total = run->backfill->n};

        for (size_t i = 0; i < run->backfill->n; i++) {
                const struct backfill_item *item = &run->backfill->items[i];
                bool ended = item->started && item->run_id[0] == '\0';

                progress.completed += ended;
                progress.failed += ended && !is_good(item->status);
                progress.running += item->started && !ended;
        }
        progress.percent = progress.total ? 100.0 * (double)progress.completed / (double)progress.total : 100.0;
        return progress;
}

char *backfill_current(const struct run *run) {
        for (size_t i = 0; i < run->backfill->n; i++)
                if (run->backfill->items[i].run_id[0])
                        return xasprintf("%s=%s", run->backfill->parameter, run->backfill->items[i].value);
        return NULL;
}

/* "3 of 10 did not succeed: day=2026-11-03, ..."; NULL when all did. New memory. */
static char *end_message(const struct run *run, size_t bad) {
        struct buf text = BUF_INIT(4096);
        size_t named = 0;

        if (bad == 0)
                return NULL;
        (void)buf_appendf(&text, "%zu of %zu did not succeed", bad, run->backfill->n);
        for (size_t i = 0; i < run->backfill->n && named < NAMED_MAX; i++) {
                const struct backfill_item *item = &run->backfill->items[i];

                if (item->started && !is_good(item->status))
                        (void)buf_appendf(&text, "%s%s", named++ == 0 ? ": " : ", ", item->value);
        }
        if (named < bad)
                (void)buf_append_str(&text, ", ...");
        return buf_steal(&text);
}

static void end(struct run *run) {
        size_t bad = 0, good = 0, partial = 0;

        for (size_t i = 0; i < run->backfill->n; i++) {
                const struct backfill_item *item = &run->backfill->items[i];

                bad += item->started && !is_good(item->status);
                good += item->started && is_good(item->status);
                partial += item->started && item->status == RUN_PARTIAL;
        }
        free(run->machine.error_message);
        run->machine.error_message = end_message(run, bad);
        if (run->machine.cancelling) {
                run->machine.reason = run->machine.cancel_reason;
                change_status(run, RUN_CANCELLED);
                return;
        }
        run->machine.reason = bad > 0 && good == 0 ? REASON_DEPENDENCY : REASON_NONE;
        change_status(run, bad > 0 && good == 0 ? RUN_FAILED : bad > 0 || partial > 0 ? RUN_PARTIAL : RUN_SUCCESS);
}

static void end_if_done(struct run *run) {
        struct run_progress progress = backfill_progress(run);

        if (run->ended || progress.running > 0)
                return;
        if (run->machine.cancelling || progress.completed == progress.total)
                end(run);
}

/* Of those that have ended, so many are told to who watches. */
#define ENDED_TOLD 50

void backfill_add_steps(const struct run *run, struct jval *steps) {
        const struct backfill *backfill = run->backfill;

        for (size_t i = 0; i < backfill->n; i++) {
                const struct backfill_item *item = &backfill->items[i];
                bool is_active = item->run_id[0] != '\0';
                _cleanup_free_ char *name = NULL;
                struct jval *step;

                if (!is_active && (item->ended == 0 || item->ended + ENDED_TOLD <= backfill->n_ended))
                        continue;
                name = xasprintf("%s=%s #%" PRId64, backfill->parameter, item->value, item->run_number);
                step = jval_object();
                jval_set_str(step, "step_name", name);
                jval_set_str(step, "item", "");
                jval_set_str(step, "status", is_active ? "running" : run_status_to_string(item->status));
                jval_set_int(step, "attempt", 1);
                if (!is_active && item->duration_usec >= 0)
                        jval_set_real(step, "duration_seconds", (double)item->duration_usec / (double)USEC_PER_SEC);
                jval_add(steps, step);
        }
}

static struct run *parent_of(const struct run *child) {
        struct run *parent = child->record.triggered_by == TRIGGER_BACKFILL && child->record.parent_run_id
                                     ? engine_find_run(child->engine, child->record.parent_run_id)
                                     : NULL;

        return parent && parent->backfill ? parent : NULL;
}

void backfill_child_ended(struct run *run) {
        struct run *parent = parent_of(run);

        for (size_t i = 0; parent && i < parent->backfill->n; i++) {
                struct backfill_item *item = &parent->backfill->items[i];

                if (!streq(item->run_id, run->record.run_id))
                        continue;
                item->status = run->record.status;
                item->duration_usec = run->record.duration_usec;
                item->ended = ++parent->backfill->n_ended;
                item->run_id[0] = '\0';
                parent->processes_ended += run->processes_ended;
                run_mark(parent);
                if (!parent->machine.cancelling && lost_goes_on_anew(&run->record, parent->plan.job))
                        begin_anew(item, &run->record); /* starts_look has been told */
                else
                        end_if_done(parent);
                return;
        }
}

/* One start, on its way to a decision. */
struct child_start {
        struct run *parent;
        struct backfill_item *item;
        bool is_blocked; /* not now, perhaps later */
};

static void decided(const struct jval *params, const struct engine_error *refusal, const struct jval *result,
                    void *user) {
        struct child_start *start = user;

        (void)params;
        if (!refusal) {
                struct run *lost = engine_find_run(start->parent->engine, start->item->lost_id);

                if (lost)
                        run_note_restarted(lost, jval_get_int(result, "run_number", 0));
                start->item->lost_id[0] = '\0';
                start->item->started = true;
                (void)snprintf(start->item->run_id, sizeof(start->item->run_id), "%s",
                               str_or(jval_get_str(result, "run_id"), ""));
                start->item->run_number = jval_get_int(result, "run_number", 0);
                return;
        }
        start->is_blocked = refusal->kind == ERROR_KIND_UNAVAILABLE;
        if (!start->is_blocked) {
                _cleanup_free_ char *note = xasprintf("%s=%s was not started: %s", start->parent->backfill->parameter,
                                                      start->item->value, refusal->message);

                start->item->started = true;
                start->item->status = RUN_FAILED;
                jval_add(start->parent->record.notes, jval_string(note));
        }
        log_warning("backfill #%" PRId64 ", %s: %s", start->parent->record.run_number, start->item->value,
                    refusal->message);
}

static bool start_child(struct run *run, struct backfill_item *item) {
        struct child_start start = {.parent = run, .item = item};
        bool is_anew = item->lost_id[0] != '\0';
        _cleanup_free_ char *reason = is_anew ? lost_reason(item->lost_number) : NULL;
        const struct start_origin origin = {
                .retry_of = is_anew ? item->lost_id : NULL,
                .parent_run_id = run->record.run_id,
                .job = run->plan.job,
                .group = run->record.run_number,
                .triggered_by_user = run->record.triggered_by_user,
                .is_held_back = true,
        };
        struct jval *params = jval_object(), *values = jval_deep_copy(run->record.parameters);
        struct jval *gates = jval_get(run->record.options, "skip_gates");
        struct act *act;

        jval_set_str(values, run->backfill->parameter, item->value);
        jval_set_str(params, "job", run->record.job);
        jval_set_str(params, "triggered_by", trigger_to_string(TRIGGER_BACKFILL));
        jval_set(params, "params", values);
        if (run->record.batch_mode)
                jval_set_str(params, "mode", run->record.batch_mode);
        if (gates)
                jval_set(params, "skip_gates", jval_ref(gates));
        if (reason)
                jval_set_str(params, "reason", reason);
        act = act_of_daemon(run->engine, METHOD_RUN_START, params, decided, &start);
        act->origin = &origin;
        start_run(act);
        return !start.is_blocked;
}

/* Children that were active and are no more: an earlier daemon's, which could not be taken up. */
static void settle_missing(struct run *run) {
        for (size_t i = 0; i < run->backfill->n; i++) {
                struct backfill_item *item = &run->backfill->items[i];

                if (!item->run_id[0] || engine_find_run(run->engine, item->run_id))
                        continue;
                item->status = RUN_FAILED;
                item->run_id[0] = '\0';
        }
}

static void advance(struct run *run) {
        struct backfill *backfill = run->backfill;
        size_t running;

        settle_missing(run);
        running = backfill_progress(run).running;
        for (size_t i = 0; i < backfill->n && running < backfill->parallel && !run->machine.cancelling; i++) {
                if (backfill->items[i].started)
                        continue;
                if (!start_child(run, &backfill->items[i])) {
                        loop_timer_arm(backfill->retry, RETRY_DELAY);
                        break;
                }
                running += backfill->items[i].run_id[0] != '\0';
                run_mark(run);
        }
        end_if_done(run);
}

static void cancel_children(struct run *run) {
        for (struct run *child = run->engine->runs; child; child = child->next)
                if (!child->ended && parent_of(child) == run)
                        run_cancel(child, run->machine.cancel_reason);
}

void backfill_settle(struct engine *engine) {
        for (struct run *run = engine->runs; run; run = run->next) {
                if (!run->backfill || run->ended)
                        continue;
                if (run->machine.cancelling)
                        cancel_children(run);
                advance(run);
        }
}

void backfill_cancel(struct run *run, enum reason reason) {
        if (run->ended || run->machine.cancelling)
                return;
        run->machine.cancelling = true;
        run->machine.cancel_reason = reason;
        run_note_cancel(run, reason);
        cancel_children(run);
        end_if_done(run);
}
