/* What an active run does and waits for. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine_internal.h"
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
        if (vasprintf(&text, format, arguments) < 0)
                abort();
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
        if (vasprintf(&command, format, arguments) < 0)
                abort();
        va_end(arguments);
        jval_set_str(step, "text", text);
        jval_set_str(step, "command", command);
        jval_add(next, step);
}

/* "by alice: bye week" of what people said; "" of nothing. New string. */
static char *said_by(const struct jval *said) {
        const char *by = jval_get_str(said, "by"), *reason = jval_get_str(said, "reason");

        return xasprintf("%s%s%s%s", by ? " by " : "", str_or(by, ""), reason ? ": " : "", str_or(reason, ""));
}

static struct jval *tell_wait_for_run(struct jval *facts, struct jval *next, const struct jval *wait) {
        int64_t number = jval_get_int(wait, "run_number", 0);

        why_add_next(next, "see how far that run is", "batchctl status %" PRId64, number);
        return why_add_fact(facts, "run", "it waits for run %" PRId64 " of %s, which is %s", number,
                            str_or(jval_get_str(wait, "job"), "the job"),
                            str_or(jval_get_str(wait, "status"), "active"));
}

/* `kind` and members as in waits_for of run.show (protocol.md, Waiting). */
static void tell_wait(struct jval *facts, struct jval *next, const struct run *run) {
        _cleanup_jval_ struct jval *wait = run_waits_for(run);
        const char *kind = str_or(jval_get_str(wait, "kind"), "");
        _cleanup_free_ char *by = said_by(wait);
        struct jval *fact;

        if (!wait) {
                (void)why_add_fact(facts, "queued", "nothing holds it: it begins at once");
                return;
        }
        if (streq(kind, "run")) {
                fact = tell_wait_for_run(facts, next, wait);
        } else if (streq(kind, "paused")) {
                fact = why_add_fact(facts, kind, "it waits for the end of the pause of its job, paused%s", by);
                why_add_next(next, "end the pause", "batchctl resume %s", run->record.job);
        } else if (streq(kind, "drained")) {
                fact = why_add_fact(facts, kind, "it waits for the end of the drain, drained%s", by);
                why_add_next(next, "let jobs start again", "batchctl drain --off");
        } else {
                fact = why_add_fact(facts, kind, "it waits (%s)", kind);
        }
        for (void *i = jval_iter(wait); i; i = jval_iter_next(wait, i))
                if (!streq(jval_iter_key(i), "kind"))
                        jval_set(fact, jval_iter_key(i), jval_ref(jval_iter_value(i)));
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
        for (size_t i = 0; i < run->machine.n_tasks; i++)
                if (run->machine.tasks[i].plan_index == step && run->machine.tasks[i].state != TASK_ENDED)
                        return true;
        return false;
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

static void tell_tasks(struct jval *facts, const struct run *run) {
        size_t told = 0, last_pending = SIZE_MAX, others = 0;

        for (size_t i = 0; i < run->machine.n_tasks; i++) {
                const struct task *task = &run->machine.tasks[i];

                if (task->state == TASK_ENDED || (task->state == TASK_PENDING && task->plan_index == last_pending))
                        continue;
                if (told == STEPS_SHOWN) {
                        others++;
                        continue;
                }
                told++;
                switch (task->state) {
                case TASK_STARTING:
                case TASK_RUNNING:
                        tell_running(facts, run, i);
                        break;
                case TASK_WAITING:
                        tell_retry(facts, run, i);
                        break;
                case TASK_PENDING:
                        last_pending = task->plan_index;
                        tell_pending(facts, run, task->plan_index);
                        break;
                case TASK_ENDED:
                        break;
                }
        }
        if (others > 0)
                (void)why_add_fact(facts, "more", "%zu more are not shown", others);
}

void why_tell_active(struct jval *facts, struct jval *next, const struct run *run) {
        if (run->machine.status == RUN_QUEUED) {
                tell_wait(facts, next, run);
        } else {
                tell_tasks(facts, run);
                why_add_next(next, "watch it", "batchctl tail -f %" PRId64, run->record.run_number);
        }
        if (run->machine.cancelling)
                (void)why_add_fact(facts, "cancelling", "it is being ended: %s",
                                   reason_meaning(run->machine.cancel_reason));
        else
                why_add_next(next, "end it", "batchctl cancel %" PRId64, run->record.run_number);
}
