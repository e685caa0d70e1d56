/* What an active run does and waits for. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine_internal.h"
#include "limits.h"
#include "reason_text.h"
#include "run_clock.h"
#include "starts.h"
#include "strutil.h"
#include "why.h"
#include "xalloc.h"

#define STEPS_SHOWN 10

struct jval *why_add_fact(struct jval *facts, const char *kind, const char *format, ...) {
        struct jval *fact = jval_object();
        _cleanup_free_ char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        text = xvasprintf(format, arguments);
        va_end(arguments);
        jval_set_str(fact, "kind", kind);
        jval_set_str(fact, "text", text);
        jval_add(facts, fact);
        return fact;
}

void why_add_next(struct jval *next, const char *text, const char *format, ...) {
        struct jval *step = jval_object();
        _cleanup_free_ char *command = NULL;
        va_list arguments;

        va_start(arguments, format);
        command = xvasprintf(format, arguments);
        va_end(arguments);
        jval_set_str(step, "text", text);
        jval_set_str(step, "command", command);
        jval_add(next, step);
}

static void tell_wait(struct jval *facts, struct jval *next, const struct run *run) {
        _cleanup_jval_ struct jval *wait = run_waits_for(run);

        if (wait)
                (void)why_tell_wait(facts, next, "it", run->record.job, wait);
        else
                (void)why_add_fact(facts, "queued", "nothing holds it: it begins at once");
}

/* "odds" or "odds (KC)". New string. */
static char *task_name(const struct run *run, size_t index) {
        const struct attempt_record *record = &run->tasks[index]->record;

        return record->item && record->item[0] ? xasprintf("%s (%s)", record->step_name, record->item)
                                               : xstrdup(record->step_name);
}

static void set_task(struct jval *fact, const struct run *run, size_t index) {
        const struct attempt_record *record = &run->tasks[index]->record;

        jval_set_str(fact, "step_name", record->step_name);
        jval_set_str(fact, "item", record->item);
        jval_set_int(fact, "attempt", record->attempt);
}

/* An attempt that is decided and waits for slots. False: it does not. */
static bool tell_held(struct jval *facts, struct jval *next, const struct run *run, size_t index) {
        _cleanup_jval_ struct jval *wait = limits_task_waits_for(run->tasks[index]);
        _cleanup_free_ char *name = task_name(run, index), *who = xasprintf("step %s", name);

        if (!wait)
                return false;
        set_task(why_tell_wait(facts, next, who, run->record.job, wait), run, index);
        return true;
}

static void tell_running(struct jval *facts, const struct run *run, size_t index) {
        const struct task_run *task = run->tasks[index];
        _cleanup_free_ char *name = task_name(run, index),
                            *progress = task->total > 0 ? xasprintf(", %" PRId64 " of %" PRId64 " done", task->done,
                                                                    task->total)
                                                        : xstrdup("");
        struct jval *fact = why_add_fact(facts, "running", "step %s runs, attempt %d%s%s%s", name, task->record.attempt,
                                         progress, task->status_text ? ": " : "", str_or(task->status_text, ""));

        set_task(fact, run, index);
        jval_set_time(fact, "since", task->record.started_at);
}

/* The next attempt is prepared already: the reason is that of the one before it. */
static void tell_retry(struct jval *facts, const struct run *run, size_t index) {
        const struct task_run *task = run->tasks[index];
        usec_t due = run_clock_find(run->dir, (uint32_t)task->record.ordinal), now = now_boottime();
        _cleanup_free_ char *name = task_name(run, index);
        struct jval *fact = why_add_fact(facts, "retry", "step %s failed and is tried again, attempt %d: %s", name,
                                         task->record.attempt, reason_meaning(run->machine.tasks[index].reason));

        set_task(fact, run, index);
        jval_set_str(fact, "reason", reason_to_string(run->machine.tasks[index].reason));
        if (due > now)
                jval_set_time(fact, "until", now_realtime() + (due - now));
}

static bool plan_step_is_open(const struct run *run, size_t step) {
        const struct task_counts *counts = &run->machine.steps[step].counts;

        return counts->completed < counts->total;
}

/* One fact a step, however many items of it wait. */
static void tell_pending(struct jval *facts, const struct run *run, size_t step) {
        const struct plan_step *plan = &run->plan.steps[step];
        struct jval *after = jval_array(), *fact;
        struct buf names = BUF_INIT(4096);

        for (size_t i = 0; i < plan->n_after; i++) {
                const char *name = run->plan.steps[plan->after[i]].step->name;

                if (!plan_step_is_open(run, plan->after[i]))
                        continue;
                (void)buf_appendf(&names, "%s%s", names.len > 0 ? ", " : "", name);
                jval_add(after, jval_string(name));
        }
        if (names.len > 0) {
                fact = why_add_fact(facts, "after", "step %s comes after %s", plan->step->name, buf_data(&names));
                jval_set_str(fact, "step_name", plan->step->name);
                jval_set(fact, "after", after);
        } else {
                (void)jval_unref(after);
        }
        buf_done(&names);
}

/* One that is held back has not begun. */
static void tell_task(struct jval *facts, struct jval *next, const struct run *run, const struct task_run *task) {
        if (tell_held(facts, next, run, task->index))
                return;
        if (run->machine.tasks[task->index].state == TASK_WAITING)
                tell_retry(facts, run, task->index);
        else if (run->machine.tasks[task->index].state != TASK_PENDING)
                tell_running(facts, run, task->index);
}

static void tell_tasks(struct jval *facts, struct jval *next, const struct run *run) {
        size_t told = 0, others = 0;

        for (const struct task_run *task = run->alive; task; task = task->next_alive)
                if (told == STEPS_SHOWN)
                        others++;
                else
                        tell_task(facts, next, run, task), told++;
        for (size_t i = 0; i < run->plan.n_steps; i++) {
                const struct task_counts *counts = &run->machine.steps[i].counts;
                size_t pending = counts->total - counts->completed - counts->running;

                if (pending > 0 && told == STEPS_SHOWN)
                        others += pending;
                else if (pending > 0)
                        tell_pending(facts, run, i), told++;
        }
        if (others > 0)
                (void)why_add_fact(facts, "more", "%zu more are not shown", others);
}

void why_tell_active(struct jval *facts, struct jval *next, const struct run *run) {
        if (run->machine.status == RUN_QUEUED) {
                tell_wait(facts, next, run);
        } else {
                tell_tasks(facts, next, run);
                why_add_next(next, "watch it", "batchctl tail -f %" PRId64, run->record.run_number);
        }
        if (run->machine.cancelling && !run->cancel_held)
                (void)why_add_fact(facts, "cancelling", "it is being ended: %s",
                                   reason_meaning(run->machine.cancel_reason));
        else
                why_add_next(next, "end it", "batchctl cancel %" PRId64, run->record.run_number);
}
