#include "alert_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine_internal.h"
#include "strutil.h"
#include "utf8.h"
#include "view.h"
#include "xalloc.h"

/* A message is read on a telephone, and has to fit into a variable of the environment. */
#define WARNINGS_SHOWN 20
#define LINES_SHOWN 10
#define TEXT_SHOWN 500

static struct jval *facts_new(const struct engine *engine, const char *event, const char *job) {
        struct jval *facts = jval_object();

        jval_set_str(facts, "event", event);
        jval_set_str(facts, "host", engine->config.host);
        jval_set_str(facts, "job", job);
        jval_set_time(facts, "at", now_realtime());
        return facts;
}

static struct jval *shortened(const char *text) {
        return text ? jval_stringn(text, MIN(strlen(text), (size_t)TEXT_SHOWN)) : jval_null();
}

static void set_warnings(struct jval *facts, const struct run *run) {
        struct jval *list = jval_array();
        size_t n = jval_array_size(run->record.warnings);

        for (size_t i = 0; i < MIN(n, (size_t)WARNINGS_SHOWN); i++) {
                const struct jval *warning = jval_at(run->record.warnings, i);
                struct jval *one = jval_object();

                jval_set(one, "category", shortened(jval_get_str(warning, "category")));
                jval_set(one, "text", shortened(jval_get_str(warning, "text")));
                jval_set_str(one, "step", jval_get_str(warning, "step"));
                jval_add(list, one);
        }
        jval_set(facts, "warnings", list);
        jval_set_int(facts, "warnings_count", (int64_t)n);
}

const struct task_run *alert_failed_task(const struct run *run) {
        for (size_t i = 0; i < run->machine.n_tasks; i++)
                if (run->machine.tasks[i].status == STEP_FAILED && run->tasks[i])
                        return run->tasks[i];
        return NULL;
}

/* The last lines that it printed, as far as they are in the live view. */
static struct jval *last_lines(const struct run *run, const struct task_run *task) {
        uint64_t first = ring_first_sequence(run->ring), from = run->ring->next_sequence;
        struct jval *lines = jval_array();
        const char *text = NULL;
        size_t n = 0;

        while (from > first && n < LINES_SHOWN) {
                const struct ring_line *line = ring_get(run->ring, --from, &text);

                n += line && line->task == task->index;
        }
        for (; from < run->ring->next_sequence; from++) {
                const struct ring_line *line = ring_get(run->ring, from, &text);

                if (line && line->task == task->index)
                        jval_add(lines, jval_stringn(text, MIN((size_t)line->len, (size_t)TEXT_SHOWN)));
        }
        return lines;
}

static void set_failed_step(struct jval *facts, const struct run *run) {
        const struct task_run *task = alert_failed_task(run);

        if (!task)
                return;
        jval_set_str(facts, "step", task->record.step_name);
        jval_set_str(facts, "item", task->record.item[0] ? task->record.item : NULL);
        jval_set_int(facts, "attempt", task->record.attempt);
        jval_set_str(facts, "step_reason", reason_to_string(task->record.reason));
        jval_set(facts, "last_lines", last_lines(run, task));
}

static void set_run(struct jval *facts, const struct run *run) {
        const struct run_record *record = &run->record;

        jval_set_str(facts, "batch_type", record->batch_type);
        jval_set_str(facts, "mode", record->batch_mode);
        jval_set_int(facts, "run_number", record->run_number);
        jval_set_str(facts, "run_id", record->run_id);
        jval_set_str(facts, "status", run_status_to_string(record->status));
        jval_set_str(facts, "reason", reason_to_string(record->reason));
        jval_set(facts, "error_message", shortened(record->error_message));
        jval_set_str(facts, "triggered_by", trigger_to_string(record->triggered_by));
        jval_set_str(facts, "triggered_by_user", record->triggered_by_user);
        jval_set_time(facts, "started_at", record->started_at);
        jval_set_time(facts, "completed_at", record->completed_at);
        if (record->duration_usec >= 0)
                jval_set_real(facts, "duration_seconds", (double)record->duration_usec / 1e6);
        jval_set(facts, "metrics", record->metrics ? jval_ref(record->metrics) : jval_object());
        set_warnings(facts, run);
        set_failed_step(facts, run);
}

static void set_text(struct jval *facts, char *title, const char *more) {
        _cleanup_free_ char *text = more ? xasprintf("%s\n%s", title, more) : xstrdup(title);

        jval_set_str(facts, "title", title);
        jval_set_str(facts, "text", text);
        free(title);
}

/* "weekly_update #12 on host" */
static char *subject(const struct run *run) {
        return xasprintf("%s #%" PRId64 " on %s", run->record.job, run->record.run_number, run->engine->config.host);
}

static char *why_hint(const struct run *run) {
        return xasprintf("See: batchctl why %" PRId64, run->record.run_number);
}

static char *recovery_title(const struct run *run, const struct alert_news *news) {
        _cleanup_free_ char *who = subject(run);
        char since[RFC3339_SIZE];

        if (news->failed_runs == 0)
                return xasprintf("%s succeeded, after its deadline", who);
        return xasprintf("%s succeeded again: %" PRId64 " run%s had failed since #%" PRId64 " (%s)", who,
                         news->failed_runs, news->failed_runs == 1 ? "" : "s", news->since_run,
                         format_rfc3339(since, news->since_at));
}

static char *title_of(const struct run *run, enum alert_event event, const struct alert_news *news) {
        _cleanup_free_ char *who = subject(run);
        char span[TIMESPAN_SIZE];

        (void)format_timespan(span, run->record.duration_usec < 0 ? 0 : (usec_t)run->record.duration_usec);
        switch (event) {
        case ALERT_FAILURE:
                return xasprintf("%s failed after %s: %s", who, span,
                                 str_or(run->record.error_message, "no reason given"));
        case ALERT_PARTIAL:
                return news->n_warnings > 1
                               ? xasprintf("%s is partial: %s (and %zu more)", who, news->warning, news->n_warnings - 1)
                               : xasprintf("%s is partial: %s", who, news->warning);
        case ALERT_RECOVERY:
                return recovery_title(run, news);
        case ALERT_SUCCESS:
        case ALERT_DEADLINE:
        case ALERT_BREAKER:
        case ALERT_SLOW:
        case _ALERT_EVENT_MAX:
                break;
        }
        return xasprintf("%s succeeded after %s", who, span);
}

struct jval *alert_facts_of_run(const struct run *run, enum alert_event event, const struct alert_news *news) {
        struct jval *facts = facts_new(run->engine, alert_event_to_string(event), run->record.job);
        _cleanup_free_ char *hint = event == ALERT_FAILURE || event == ALERT_PARTIAL ? why_hint(run) : NULL;

        set_run(facts, run);
        set_text(facts, title_of(run, event, news), hint);
        return facts;
}

struct jval *alert_facts_of_slow_run(const struct run *run, usec_t median) {
        struct jval *facts = facts_new(run->engine, alert_event_to_string(ALERT_SLOW), run->record.job);
        _cleanup_free_ char *who = subject(run), *hint = why_hint(run);
        char usual[TIMESPAN_SIZE], spent[TIMESPAN_SIZE];

        set_run(facts, run);
        (void)format_timespan(usual, median);
        (void)format_timespan(spent, now_boottime() - run->started_boottime);
        jval_set_real(facts, "usual_seconds", (double)median / 1e6);
        set_text(facts, xasprintf("%s is slow: it has run for %s, usual is %s", who, spent, usual), hint);
        return facts;
}

struct jval *alert_facts_of_breaker(const struct run *run, const char *step, const char *text) {
        struct jval *facts = facts_new(run->engine, alert_event_to_string(ALERT_BREAKER), run->record.job);
        _cleanup_free_ char *who = subject(run), *hint = why_hint(run);

        set_run(facts, run);
        jval_set_str(facts, "step", step);
        set_text(facts, xasprintf("%s: the breaker of step %s opened: %s", who, step, text), hint);
        return facts;
}

struct jval *alert_facts_of_test(const struct engine *engine, const char *alert, const char *who) {
        struct jval *facts = facts_new(engine, "test", NULL);

        jval_set_str(facts, "alert", alert);
        set_text(facts,
                 xasprintf("This is a test of alert %s on %s, asked for by %s", alert, engine->config.host,
                           str_or(who, "somebody")),
                 NULL);
        return facts;
}

/* What there is to say of runs that did not make it. */
static char *instead_of_success(const struct engine *engine, const char *job, const struct jval *memory) {
        const struct run *run = engine_active_run(engine, job);
        int64_t success = jval_get_int(memory, "success_run", 0), failed = jval_get_int(memory, "since_run", 0);
        _cleanup_free_ char *now =
                run ? xasprintf("#%" PRId64 " %s", run->record.run_number, run_status_to_string(run->record.status))
                    : xstrdup("nothing runs");
        _cleanup_free_ char *last = NULL;
        char at[RFC3339_SIZE];

        if (streq_null(jval_get_str(memory, "status"), "failed"))
                last = xasprintf("it has failed since #%" PRId64, failed);
        else if (success > 0)
                last = xasprintf("its last success was #%" PRId64 " at %s", success,
                                 format_rfc3339(at, (usec_t)jval_get_int(memory, "success_at", 0)));
        else
                last = xstrdup("no success of it is known");
        return xasprintf("%s; %s\nSee: batchctl why %s", now, last, job);
}

struct jval *alert_facts_of_deadline(const struct engine *engine, const struct job *job, usec_t deadline,
                                     const struct jval *memory) {
        struct jval *facts = facts_new(engine, alert_event_to_string(ALERT_DEADLINE), job->name);
        _cleanup_free_ char *more = instead_of_success(engine, job->name, memory);
        char at[RFC3339_SIZE];

        jval_set_time(facts, "deadline", deadline);
        set_text(facts,
                 xasprintf("%s on %s has not succeeded by %s", job->name, engine->config.host,
                           format_rfc3339(at, deadline)),
                 more);
        return facts;
}
