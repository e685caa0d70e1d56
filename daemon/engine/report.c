/* What a step says of itself, as its monitor hands it on: whole values, so that a repeat after a reconnect changes
 * nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"
#include "heartbeat.h"
#include "missing.h"
#include "nested_steps.h"
#include "strutil.h"
#include "xalloc.h"

/* Sums saturate: a counter that would pass int64 stays at its end. */
static int64_t add_saturated(int64_t a, int64_t b) {
        int64_t sum;

        if (__builtin_add_overflow(a, b, &sum))
                return a > 0 ? INT64_MAX : INT64_MIN;
        return sum;
}

static void add_members(struct jval *sum, const struct jval *more) {
        for (void *i = jval_iter(more); i; i = jval_iter_next(more, i)) {
                const char *name = jval_iter_key(i);

                jval_set_int(sum, name, add_saturated(jval_get_int(sum, name, 0), jval_int(jval_iter_value(i), 0)));
        }
}

static void add_task_metrics(struct jval *sum, const struct task_run *task) {
        if (task->earlier_metrics)
                add_members(sum, task->earlier_metrics);
        if (task->record.metrics)
                add_members(sum, task->record.metrics);
}

/* += adds over all attempts of a task, = keeps the last attempt's; a run adds over its tasks. */
void run_recount_metrics(struct run *run) {
        struct jval *sum = run->settled_metrics ? jval_deep_copy(run->settled_metrics) : jval_object();

        for (const struct task_run *task = run->alive; task; task = task->next_alive)
                add_task_metrics(sum, task);
        if (run->record.metrics)
                jval_unref(run->record.metrics);
        run->record.metrics = sum;
}

void run_settle_metrics(const struct task_run *task) {
        struct run *run = task->run;

        if (!task->earlier_metrics && !task->record.metrics)
                return;
        if (!run->settled_metrics)
                run->settled_metrics = jval_object();
        add_task_metrics(run->settled_metrics, task);
}

/* Before a task's next attempt: what its ended attempt added stays. */
void task_recount_metrics(struct task_run *task) {
        const struct jval *metrics = task->record.metrics;

        if (!metrics)
                return;
        if (!task->earlier_metrics)
                task->earlier_metrics = jval_object();
        for (void *i = jval_iter(metrics); i; i = jval_iter_next(metrics, i)) {
                const char *name = jval_iter_key(i);

                if (task->set_metrics && jval_has(task->set_metrics, name))
                        continue;
                jval_set_int(
                        task->earlier_metrics, name,
                        add_saturated(jval_get_int(task->earlier_metrics, name, 0), jval_int(jval_iter_value(i), 0)));
        }
}

static struct jval *metadata_of(struct task_run *task) {
        if (!task->record.metadata)
                task->record.metadata = jval_object();
        return task->record.metadata;
}

static void report_metric(struct task_run *task, const char *name, const char *value, bool set) {
        int64_t number;

        if (parse_int64(value, &number) < 0)
                return;
        if (!task->record.metrics)
                task->record.metrics = jval_object();
        jval_set_int(task->record.metrics, name, number);
        if (set) {
                if (!task->set_metrics)
                        task->set_metrics = jval_object();
                jval_set_bool(task->set_metrics, name, true);
                /* Kept with the attempt, so that a daemon started later adds up the same. */
                jval_set(metadata_of(task), "set_metrics", jval_deep_copy(task->set_metrics));
        }
        run_recount_metrics(task->run);
}

static void report_progress(struct task_run *task, const char *value) {
        long long done, total;

        if (sscanf(value, "%lld/%lld", &done, &total) != 2 || total <= 0)
                return;
        task->done = done;
        task->total = total;
        task->own_progress = done >= total ? 1.0 : done <= 0 ? 0.0 : (double)done / (double)total;
}

static void report_warning(struct task_run *task, const char *value) {
        const char *colon = strchr(value, ':');
        _cleanup_free_ char *category = colon ? xstrndup(value, (size_t)(colon - value)) : xstrdup("general");
        const char *text = colon ? colon + 1 + strspn(colon + 1, " ") : value;

        task->had_warnings = true;
        run_add_warning(task->run, task->record.step_name, task->record.item, category, text);
}

static void report_note(struct task_run *task, const char *value) {
        struct run *run = task->run;

        for (size_t i = 0; i < jval_array_size(run->record.notes); i++)
                if (streq_null(jval_str(jval_at(run->record.notes, i)), value))
                        return;
        if (!run->record.notes)
                run->record.notes = jval_array();
        jval_add(run->record.notes, jval_string(value));
}

static void report_parameter(struct task_run *task, const char *name, const char *value) {
        struct run *run = task->run;
        _cleanup_free_ char *assignment = xasprintf("%s=%s", name, value), *error = NULL;
        _cleanup_free_ char *before = parameter_text(run->record.parameters, name);

        if (before && streq(before, value))
                return;
        if (parameters_fill(run->plan.job, run->record.parameters, assignment, &error) < 0)
                run_add_warning(run, task->record.step_name, task->record.item, "parameter", str_or(error, assignment));
}

static void report_result(struct task_run *task, const char *value) {
        struct jval *result = NULL;

        if (jval_parse(value, strlen(value), &result, NULL) < 0)
                result = jval_string(value);
        jval_set(metadata_of(task), "result", result);
}

static void report_count(struct task_run *task, const char *key, const char *value) {
        int64_t count;

        if (parse_int64(value, &count) == 0)
                jval_set_int(metadata_of(task), key, count);
}

static void report_share(struct task_run *task, const char *key, const char *value) {
        struct jval *metadata = metadata_of(task);
        long long have, all;
        double share;

        if (sscanf(value, "%lld/%lld", &have, &all) == 2 && all > 0) {
                struct jval *figures = jval_array();

                jval_add(figures, jval_integer(have));
                jval_add(figures, jval_integer(all));
                jval_set(metadata, "covered", figures);
                jval_set_real(metadata, key, (double)have / (double)all);
        } else if (parse_double(value, &share) == 0) {
                jval_remove(metadata, "covered");
                jval_set_real(metadata, key, share);
        }
}

static void report_missing(struct task_run *task, const char *number, const char *value) {
        int64_t n;

        if (parse_int64(number, &n) == 0)
                missing_add(metadata_of(task), n, value);
}

static void report_missing_more(struct task_run *task, const char *value) {
        int64_t more;

        if (parse_int64(value, &more) == 0)
                missing_set_more(metadata_of(task), more);
}

/* Keys without a name behind them; true when key was one. */
static bool report_plain(struct task_run *task, const char *key, const char *value) {
        if (streq(key, "status")) {
                free(task->status_text);
                task->status_text = xstrdup(value);
        } else if (streq(key, "item")) {
                free(task->item_text);
                task->item_text = xstrdup(value);
        } else if (streq(key, "progress")) {
                report_progress(task, value);
        } else if (streq(key, "records")) {
                (void)parse_int64(value, &task->record.records_processed);
        } else if (streq(key, "error_class")) {
                task->error_class = streq(value, "transient")   ? ERROR_CLASS_TRANSIENT
                                    : streq(value, "permanent") ? ERROR_CLASS_PERMANENT
                                                                : ERROR_CLASS_UNKNOWN;
        } else if (streq(key, "result")) {
                report_result(task, value);
        } else if (streq(key, "heartbeat_missed")) {
                report_warning(task, "heartbeat: no sign of life for longer than HeartbeatSec");
        } else if (streq(key, "heartbeat")) {
                heartbeat_report(task, value);
        } else if (streq(key, "expected")) {
                report_count(task, key, value);
        } else if (streq(key, "coverage")) {
                report_share(task, key, value);
        } else if (streq(key, "missing_more")) {
                report_missing_more(task, value);
        } else if (streq(key, "quality")) {
                jval_set_str(metadata_of(task), key, value);
        } else {
                return false;
        }
        return true;
}

void task_report(struct task_run *task, const char *key, const char *value) {
        struct run *run = task->run;
        const char *name;

        if (report_plain(task, key, value))
                ;
        else if ((name = startswith(key, "metric+:")))
                report_metric(task, name, value, false);
        else if ((name = startswith(key, "metric=:")))
                report_metric(task, name, value, true);
        else if (startswith(key, "warning:"))
                report_warning(task, value);
        else if (startswith(key, "refused:"))
                run_add_warning(run, task->record.step_name, task->record.item, "report", value);
        else if (startswith(key, "note:"))
                report_note(task, value);
        else if ((name = startswith(key, "parameter:")))
                report_parameter(task, name, value);
        else if ((name = startswith(key, "missing:")))
                report_missing(task, name, value);
        else if ((name = startswith(key, "step:")))
                nested_report(task, name, value);
        task_note_report(task);
}
