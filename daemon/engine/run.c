/* A run's life in the engine: made, moved by the state machine's effects, ended. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alerts.h"
#include "backfill.h"
#include "breaker_set.h"
#include "engine_internal.h"
#include "fileutil.h"
#include "follow.h"
#include "launches.h"
#include "limits.h"
#include "log.h"
#include "message_ids.h"
#include "run_clock.h"
#include "scheduler.h"
#include "strutil.h"
#include "view.h"
#include "xalloc.h"

/* More kinds of warnings than this are counted under one heading: a step cannot make the record grow without end. */
#define WARNINGS_MAX 100

struct run *run_new(struct engine *engine, struct job *job) {
        struct run *run = NEW(struct run);

        run->engine = engine;
        run->plan.job = job;
        run->record.duration_usec = -1;
        run->next_ordinal = 1;
        return run;
}

void run_free(struct run *run) {
        run_free_tasks(run);
        run_free_paces(run);
        if (run->settled_metrics)
                jval_unref(run->settled_metrics);
        run->backfill = backfill_free(run->backfill);
        run_machine_done(&run->machine);
        run_plan_done(&run->plan);
        run_record_done(&run->record);
        run->timeout_timer = loop_timer_free(run->timeout_timer);
        run->slow_timer = loop_timer_free(run->slow_timer);
        run->ring = ring_free(run->ring);
        run->log_index = log_index_close(run->log_index);
        free(run->dir);
        free(run);
}

static void timed_out(void *user) {
        run_cancel(user, REASON_TIMEOUT);
}

/* A run that is taken up goes on, whatever became of its folder: its steps run. */
static void go_on_without_index(struct run *run, int error, uint64_t *ret_next) {
        log_error("the sequence index in %s cannot be written: %s; lines of %s #%" PRId64
                  " may be numbered anew after a restart",
                  run->dir, strerror(-error), run->record.job, run->record.run_number);
        run->index_broken = true;
        if (log_index_next(run->dir, ret_next) < 0)
                *ret_next = 1;
}

/* What the folder holds, apart from logs: made with the first attempt, since a new file may cost milliseconds and many
 * runs may be decided at once. */
static uint64_t fill_folder(struct run *run) {
        _cleanup_free_ char *tmp = path_join(run->dir, "tmp");
        uint64_t next = 1;
        int r = mkdir_parents(tmp, 0700);

        if (r >= 0)
                r = log_index_open(&run->log_index, run->dir, &next);
        if (r < 0)
                go_on_without_index(run, r, &next);
        run->folder_is_open = true;
        return next;
}

static void note_clock(const struct run *run, uint32_t what, usec_t boottime) {
        if (run->folder_is_open)
                (void)run_clock_note(run->dir, what, boottime);
}

void run_open_folder(struct run *run) {
        if (run->folder_is_open)
                return;
        (void)fill_folder(run);
        note_clock(run, RUN_CLOCK_BEGAN, run->began_boottime);
        if (run->record.started_at && run->plan.ready)
                note_clock(run, RUN_CLOCK_STARTED, run->started_boottime);
}

static int prepare_folder(struct run *run, uint64_t *ret_lines) {
        uint64_t next = 1;
        int r;

        run->dir = xasprintf("%s/runs/%s", run->engine->config.state_dir, run->record.run_id);
        r = mkdir_parents(run->dir, 0700);
        if (r < 0)
                return r;
        if (run->engine->recovering)
                next = fill_folder(run);
        run->ring = ring_new(next);
        *ret_lines = next - 1;
        return 0;
}

int run_prepare(struct run *run, uint64_t *ret_lines) {
        int r = prepare_folder(run, ret_lines);

        if (r < 0)
                return r;
        run_machine_init(&run->machine, &run->plan);
        run_add_tasks(run);
        run->began_boottime = run->started_boottime = now_boottime();
        return loop_timer_new(run->engine->loop, &run->timeout_timer, timed_out, run);
}

void run_arm_timeout(struct run *run) {
        usec_t limit = run->plan.job->run_timeout, spent = now_boottime() - run->began_boottime;

        if (run_machine_has_begun(&run->machine) && !run->backfill && limit != USEC_INFINITY)
                loop_timer_arm(run->timeout_timer, spent < limit ? limit - spent : 0);
}

struct run *engine_find_run(const struct engine *engine, const char *selector) {
        int64_t number;

        for (struct run *run = engine->runs; run; run = run->next) {
                if (parse_int64(selector, &number) == 0 && run->record.run_number == number)
                        return run;
                if (strlen(selector) >= 8 && startswith(run->record.run_id, selector))
                        return run;
        }
        return NULL;
}

void run_state_changed(struct run *run) {
        run->state_sequence++;
        events_run_changed(run);
        run_notify_watches(run);
}

void run_mark(struct run *run) {
        run->dirty = true;
        run_state_changed(run);
}

void run_add_warning(struct run *run, const char *step, const char *item, const char *category, const char *text) {
        struct jval *warning;

        if (!run->record.warnings)
                run->record.warnings = jval_array();
        run_machine_warn(&run->machine);
        for (size_t i = 0; i < jval_array_size(run->record.warnings); i++) {
                warning = jval_at(run->record.warnings, i);
                if (streq_null(jval_get_str(warning, "category"), category) &&
                    streq_null(jval_get_str(warning, "text"), text) &&
                    streq_null(jval_get_str(warning, "step"), step) && streq_null(jval_get_str(warning, "item"), item))
                        return;
        }
        if (jval_array_size(run->record.warnings) >= WARNINGS_MAX) {
                warning = jval_at(run->record.warnings, WARNINGS_MAX - 1);
                jval_set_int(warning, "count", jval_get_int(warning, "count", 1) + 1);
                return;
        }
        warning = jval_object();
        jval_set_str(warning, "category", category);
        jval_set_str(warning, "text", text);
        jval_set_str(warning, "step", step);
        jval_set_str(warning, "item", item);
        jval_set_int(warning, "count", 1);
        jval_add(run->record.warnings, warning);
        log_at(LOG_LEVEL_WARNING,
               &(struct log_context){.message_id = MESSAGE_ID_STEP_WARNING,
                                     .run_id = run->record.run_id,
                                     .job = run->record.job,
                                     .step = step,
                                     .item = item},
               "%s #%" PRId64 " %s: %s: %s", run->record.job, run->record.run_number, step, category, text);
}

void run_set_warning(struct run *run, const char *step, const char *item, const char *category, const char *text) {
        for (size_t i = 0; i < jval_array_size(run->record.warnings); i++) {
                struct jval *warning = jval_at(run->record.warnings, i);

                if (!streq_null(jval_get_str(warning, "category"), category) ||
                    !streq_null(jval_get_str(warning, "step"), step) ||
                    !streq_null(jval_get_str(warning, "item"), item))
                        continue;
                jval_set_str(warning, "text", text);
                return;
        }
        run_add_warning(run, step, item, category, text);
}

static void cancel_kept(void *user) {
        struct run *run = user;

        run->cancel_held = false;
        events_run_changed(run);
}

void run_note_cancel(struct run *run, enum reason reason) {
        run->told_reason = run_told_reason(run);
        run->cancel_held = true;
        run->record.reason = reason;
        run_mark(run);
        decisions_after_commit(run->engine, cancel_kept, run);
}

void run_cancel(struct run *run, enum reason reason) {
        struct effects effects = {0};

        if (run->backfill) {
                backfill_cancel(run, reason);
                return;
        }
        if (!run_machine_cancel(&run->machine, reason, &effects))
                return;
        run_note_cancel(run, reason);
        run_apply(run, &effects);
}

static void unlink_run(struct run *run) {
        struct engine *engine = run->engine;

        for (struct run **link = &engine->runs; *link; link = &(*link)->next)
                if (*link == run) {
                        *link = run->next;
                        engine->n_runs--;
                        return;
                }
}

static void answer_cancels(struct run *run) {
        while (run->cancel_acts) {
                struct act *act = run->cancel_acts;
                struct jval *result = jval_object();

                run->cancel_acts = act->waiting;
                jval_set_int(result, "run_number", run->record.run_number);
                jval_set_str(result, "run_id", run->record.run_id);
                jval_set_str(result, "job", run->record.job);
                jval_set_str(result, "status", run_status_to_string(run->record.status));
                jval_set_int(result, "processes_ended", run->processes_ended);
                act_succeed(act, result, run->record.run_id);
        }
}

/* The end is durable. */
static void run_finished(void *user) {
        struct run *run = user;
        struct engine *engine = run->engine;

        run->told_status = run->record.status;
        run->told_reason = run->record.reason;
        unlink_run(run);
        sweep_run_ended(engine, run);
        answer_cancels(run);
        scheduler_run_ended(engine->scheduler, run->record.job);
        events_run_ended(run);
        run_end_watches(run);
        if (!run->watches)
                run_free(run);
        if (engine->stopping && !engine->runs && engine->stopped)
                decisions_after_commit(engine, engine->stopped, engine->stopped_user);
}

static void log_end(const struct run *run) {
        char span[TIMESPAN_SIZE];
        enum run_status status = run->record.status;

        log_at(status == RUN_FAILED    ? LOG_LEVEL_ERR
               : status == RUN_SUCCESS ? LOG_LEVEL_INFO
                                       : LOG_LEVEL_NOTICE,
               &(struct log_context){
                       .message_id = MESSAGE_ID_RUN_ENDED, .run_id = run->record.run_id, .job = run->record.job},
               "%s #%" PRId64 " ended: %s%s%s%s%s%s", run->record.job, run->record.run_number,
               run_status_to_string(status), run->record.error_message ? " (" : "",
               str_or(run->record.error_message, ""), run->record.error_message ? ")" : "",
               run->record.duration_usec < 0 ? "" : " after ",
               run->record.duration_usec < 0 ? "" : format_timespan(span, (usec_t)run->record.duration_usec));
}

/* The time of RunTimeoutSec begins: with the run, or with the question whether it may begin. */
static void begin_clock(struct run *run) {
        run->clock_runs = true;
        run->began_boottime = now_boottime();
        note_clock(run, RUN_CLOCK_BEGAN, run->began_boottime);
        run_arm_timeout(run);
}

static void note_started(struct run *run) {
        run->record.started_at = now_realtime();
        run->started_boottime = now_boottime();
        alerts_run_started(run);
        if (!run->plan.ready)
                return;
        note_clock(run, RUN_CLOCK_STARTED, run->started_boottime);
        run->record.reason = REASON_NONE;
        free(run->record.error_message);
        run->record.error_message = NULL;
}

static void apply_run_changed(struct run *run) {
        struct run_record *record = &run->record;

        if (!run->clock_runs)
                begin_clock(run);
        run->told_status = record->status;
        run->told_reason = run_told_reason(run);
        record->status = run->machine.status;
        if (record->status == RUN_RUNNING && record->started_at == 0)
                note_started(run);
        else if (record->status == RUN_QUEUED)
                record->reason = run->machine.reason;
        if (run_status_is_final(run->machine.status)) {
                record->reason = run->machine.reason;
                free(record->error_message);
                record->error_message = xstrdup_or_null(run->machine.error_message);
        }
        run_mark(run);
}

static void apply_run_ended(struct run *run) {
        run->record.completed_at = now_realtime();
        /* When a lost one ended is not known, only when that was noticed. */
        if (run->record.started_at && run->times_lost == 0)
                run->record.duration_usec = (int64_t)(now_boottime() - run->started_boottime);
        run->ended = true;
        starts_look(run->engine);
        loop_timer_disarm(run->timeout_timer);
        run_free_paces(run);
        run_drop_items(run);
        run_mark(run);
        log_end(run);
        run_restart_lost(run);
        follow_run(run);
        backfill_child_ended(run);
        alerts_run_ended(run);
        decisions_after_commit(run->engine, run_finished, run);
}

/* An item that ended without having begun: a row, and nothing in memory. */
void run_put_unbegun(struct run *run, size_t index) {
        struct task_run task = {.run = run, .index = index};
        const struct task *state = &run->machine.tasks[index];

        task_fill_record(&task, 1);
        task.record.status = state->status;
        task.record.reason = state->reason;
        task.record.completed_at = task.record.updated_at = task.record.created_at;
        task.record.version = 1;
        store_batch_put_attempt(decisions_batch(run->engine), &task.record, NULL);
        attempt_record_done(&task.record);
        run->state_sequence++;
}

static void apply_task_changed(struct run *run, const struct effect *effect) {
        struct task_run *task = run->tasks[effect->task];
        const struct task *state = &run->machine.tasks[effect->task];

        if (state->state != TASK_ENDED)
                return;
        if (!task && (!state->item[0] || state->status == STEP_FAILED))
                task = run_task(run, effect->task);
        if (!task) {
                run_put_unbegun(run, effect->task);
                return;
        }
        if (!task->record.step_name)
                task_prepare_attempt(task, 1);
        task->record.status = state->status;
        task->record.reason = state->reason;
        if (task->record.completed_at == 0)
                task->record.completed_at = now_realtime();
        if (state->status == STEP_FAILED && !task->record.error_message)
                task->record.error_message = xstrdup_or_null(run->helper_error);
        breaker_note_end(task);
        task_mark(task);
        task_settle(task);
}

static void apply_launch(struct run *run, const struct effect *effect) {
        struct task_run *task = run_task(run, effect->task);

        task_prepare_attempt(task, effect->attempt);
        task_set_alive(task, true);
        if (limits_hold(task))
                return;
        if (!breaker_lets_through(task)) {
                limits_give_back(task);
                return;
        }
        task->record.status = STEP_RUNNING;
        task->record.started_at = now_realtime();
        task->record.number = run->engine->next_attempt_number++;
        task_mark(task);
        decisions_after_commit(run->engine, task_launch, task);
}

static void log_retry(const struct task_run *task, usec_t delay) {
        const struct run *run = task->run;
        char span[TIMESPAN_SIZE];

        log_at(LOG_LEVEL_NOTICE,
               &(struct log_context){.message_id = MESSAGE_ID_STEP_RETRIED,
                                     .run_id = run->record.run_id,
                                     .job = run->record.job,
                                     .step = task->record.step_name},
               "%s #%" PRId64 " %s: attempt %d failed (%s), next in %s", run->record.job, run->record.run_number,
               task->record.step_name, task->record.attempt, str_or(task->record.error_message, "no reason given"),
               format_timespan(span, delay));
}

/* What is left of the delay that an earlier daemon began; all of it when that is not known. */
static usec_t delay_left(const struct task_run *task, usec_t delay) {
        usec_t due = run_clock_find(task->run->dir, (uint32_t)task->record.ordinal), now = now_boottime();

        if (due == 0)
                return delay;
        return due > now ? due - now : 0;
}

/* The failed attempt is recorded as it is, and the next one beside it: so a daemon that starts later knows that there
 * is one to come. */
static void apply_retry(struct run *run, const struct effect *effect) {
        struct task_run *task = run_task(run, effect->task);
        usec_t delay = effect->delay;

        if (task->record.attempt == (int32_t)effect->attempt) {
                delay = delay_left(task, delay);
        } else {
                log_retry(task, delay);
                task_prepare_attempt(task, effect->attempt);
                task_mark(task);
                (void)run_clock_note(run->dir, (uint32_t)task->record.ordinal, now_boottime() + delay);
        }
        task_arm_retry(task, delay);
}

static void stop_attempt(void *user) {
        struct task_run *task = user;

        if (task->attempt)
                attempt_stop(task->attempt);
}

static void apply(struct run *run, const struct effect *effect) {
        switch (effect->type) {
        case EFFECT_LAUNCH:
                apply_launch(run, effect);
                break;
        case EFFECT_RETRY_TIMER:
                apply_retry(run, effect);
                break;
        case EFFECT_STOP_ATTEMPT:
                decisions_after_commit(run->engine, stop_attempt, run_task(run, effect->task));
                break;
        case EFFECT_TASK_CHANGED:
                apply_task_changed(run, effect);
                break;
        case EFFECT_RUN_CHANGED:
                apply_run_changed(run);
                break;
        case EFFECT_FIND_ITEMS:
                run_find_list(run, effect->index);
                break;
        case EFFECT_PACE_TIMER:
                run_arm_pace(run, effect->index, effect->delay);
                break;
        case EFFECT_RUN_ENDED:
                apply_run_ended(run);
                break;
        }
}

void run_apply(struct run *run, struct effects *effects) {
        run_add_tasks(run);
        for (size_t i = 0; i < effects->count; i++)
                apply(run, &effects->items[i]);
        effects_done(effects);
}
