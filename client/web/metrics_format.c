#include "metrics_format.h"

#include <string.h>

#include "macro.h"
#include "metric_text.h"
#include "strutil.h"

static void gauge(struct buf *out, const char *name, const char *help, double value) {
        metric_family(out, name, "gauge", help);
        metric_sample(out, name, NULL, NULL, NULL, NULL, value);
}

/* Seconds since 1970 of an instant; below 0 when there is none. */
static double timestamp(const struct jval *object, const char *key) {
        const char *text = jval_get_str(object, key);
        usec_t instant;

        return text && parse_rfc3339(text, &instant) == 0 ? (double)instant / 1e6 : -1;
}

static bool is_up(const struct jval *status, const char *part) {
        return streq_null(jval_get_str(jval_get(status, part), "state"), "up");
}

void metrics_of_web(struct buf *out, const struct web_counts *counts, bool daemon_is_up) {
        gauge(out, "batchd_up", "Whether batchd answers.", daemon_is_up);
        gauge(out, "batchd_web_connections", "Open HTTP connections.", (double)counts->connections);
        metric_family(out, "batchd_web_streams", "gauge", "Open event streams.");
        metric_sample(out, "batchd_web_streams", "kind", "run", NULL, NULL, (double)counts->run_streams);
        metric_sample(out, "batchd_web_streams", "kind", "events", NULL, NULL, (double)counts->event_streams);
}

static void metrics_of_mirror(struct buf *out, const struct jval *mirror) {
        double oldest = timestamp(mirror, "oldest_waiting");

        if (streq_null(jval_get_str(mirror, "state"), "off"))
                return;
        gauge(out, "batchd_mirror_up", "Whether PostgreSQL takes rows.",
              streq_null(jval_get_str(mirror, "state"), "up"));
        gauge(out, "batchd_mirror_rows_waiting", "Rows that wait for PostgreSQL.",
              (double)jval_get_int(mirror, "rows_waiting", 0));
        gauge(out, "batchd_mirror_rows_parked", "Rows that PostgreSQL refused for their data.",
              (double)jval_get_int(mirror, "parked", 0));
        gauge(out, "batchd_mirror_lag_seconds", "Age of the oldest row that waits for PostgreSQL.",
              oldest < 0 ? 0 : MAX((double)now_realtime() / 1e6 - oldest, 0.0));
}

static void metrics_of_breakers(struct buf *out, const struct jval *breakers) {
        metric_family(out, "batchd_breaker_open", "gauge", "Steps that are not tried because they kept failing.");
        for (size_t i = 0; i < jval_array_size(breakers); i++) {
                const struct jval *breaker = jval_at(breakers, i);

                metric_sample(out, "batchd_breaker_open", "job", str_or(jval_get_str(breaker, "job"), ""), "step",
                              str_or(jval_get_str(breaker, "step"), ""), 1);
        }
}

/* A sample for each use of each file system; where it cannot be measured there is none. */
static void metrics_of_file_systems(struct buf *out, const struct jval *systems) {
        static const struct {
                const char *name, *help, *member;
        } families[] = {
                {"batchd_filesystem_free_bytes", "What may still be written.", "free_bytes"},
                {"batchd_filesystem_size_bytes", "What the file system holds in all.", "total_bytes"},
                {"batchd_filesystem_free_files", "How many files may still be made.", "free_inodes"},
        };

        for (size_t f = 0; f < ELEMENTSOF(families); f++) {
                metric_family(out, families[f].name, "gauge", families[f].help);
                for (size_t i = 0; i < jval_array_size(systems); i++) {
                        const struct jval *system = jval_at(systems, i), *holds = jval_get(system, "holds");
                        double value = jval_get_real(system, families[f].member, -1);

                        for (size_t k = 0; value >= 0 && k < jval_array_size(holds); k++)
                                metric_sample(out, families[f].name, "holds", str_or(jval_str(jval_at(holds, k)), ""),
                                              "path", str_or(jval_get_str(system, "path"), ""), value);
                }
        }
}

void metrics_of_daemon(struct buf *out, const struct jval *status) {
        if (!status)
                return;
        metric_family(out, "batchd_build_info", "gauge", "Version of batchd.");
        metric_sample(out, "batchd_build_info", "version", str_or(jval_get_str(status, "version"), ""), NULL, NULL, 1);
        gauge(out, "batchd_start_time_seconds", "When batchd was started.", timestamp(status, "started_at"));
        gauge(out, "batchd_resident_memory_bytes", "Memory of batchd.",
              (double)jval_get_int(status, "memory_bytes", 0));
        gauge(out, "batchd_runs_active", "Runs that are running.", (double)jval_get_int(status, "runs_active", 0));
        gauge(out, "batchd_runs_queued", "Runs that wait.", (double)jval_get_int(status, "runs_queued", 0));
        gauge(out, "batchd_watchers", "Subscriptions that follow runs.", (double)jval_get_int(status, "watchers", 0));
        gauge(out, "batchd_draining", "Whether nothing new starts.", jval_is_object(jval_get(status, "draining")));
        gauge(out, "batchd_job_file_errors", "Mistakes in job files.",
              (double)jval_array_size(jval_get(status, "job_errors")));
        gauge(out, "batchd_store_up", "Whether state.db can be written.", is_up(status, "store"));
        metrics_of_file_systems(out, jval_get(status, "file_systems"));
        gauge(out, "batchd_launcher_up", "Whether steps can be started.", is_up(status, "launcher"));
        metrics_of_mirror(out, jval_get(status, "mirror"));
        metrics_of_breakers(out, jval_get(status, "breakers"));
}

/* A family with a sample for each element of an array that has the number; below 0: it has none. */
static void per_element(struct buf *out, const char *name, const char *help, const struct jval *array, const char *key,
                        const char *label, double (*number)(const struct jval *element)) {
        metric_family(out, name, "gauge", help);
        for (size_t i = 0; i < jval_array_size(array); i++) {
                double value = number(jval_at(array, i));

                if (value >= 0)
                        metric_sample(out, name, label, str_or(jval_get_str(jval_at(array, i), key), ""), NULL, NULL,
                                      value);
        }
}

static double job_paused(const struct jval *job) {
        return jval_is_object(jval_get(job, "paused"));
}

static double job_next(const struct jval *job) {
        return timestamp(job, "next_elapse");
}

static double job_active(const struct jval *job) {
        return (double)jval_array_size(jval_get(job, "active"));
}

void metrics_of_jobs(struct buf *out, const struct jval *answer) {
        const struct jval *jobs = jval_get(answer, "jobs");

        if (!answer)
                return;
        per_element(out, "batchd_job_paused", "Whether the job is paused.", jobs, "job", "job", job_paused);
        per_element(out, "batchd_job_active_runs", "Queued and running runs of the job.", jobs, "job", "job",
                    job_active);
        per_element(out, "batchd_job_next_due_timestamp_seconds", "When the job is due next.", jobs, "job", "job",
                    job_next);
}

static double last_success(const struct jval *job) {
        return timestamp(job, "last_success_at");
}

static double zero_record_runs(const struct jval *job) {
        return jval_get_real(job, "zero_record_runs", -1);
}

void metrics_of_health(struct buf *out, const struct jval *answer) {
        static const char *const statuses[] = {"queued", "running",   "success", "partial",
                                               "failed", "cancelled", "skipped"};
        static const struct {
                const char *quantile, *member;
        } quantiles[] = {{"0.5", "median_duration_seconds"}, {"0.95", "p95_duration_seconds"}};
        const struct jval *jobs = jval_get(answer, "jobs");

        if (!answer)
                return;
        metric_family(out, "batchd_runs", "gauge", "Runs on record, by job and status.");
        for (size_t i = 0; i < jval_array_size(jobs); i++)
                for (size_t k = 0; k < ELEMENTSOF(statuses); k++)
                        metric_sample(out, "batchd_runs", "job", str_or(jval_get_str(jval_at(jobs, i), "job"), ""),
                                      "status", statuses[k], jval_get_real(jval_at(jobs, i), statuses[k], 0));
        metric_family(out, "batchd_job_duration_seconds", "gauge", "Durations of the job's latest runs.");
        for (size_t i = 0; i < jval_array_size(jobs); i++)
                for (size_t k = 0; k < ELEMENTSOF(quantiles); k++) {
                        double seconds = jval_get_real(jval_at(jobs, i), quantiles[k].member, -1);

                        if (seconds >= 0)
                                metric_sample(out, "batchd_job_duration_seconds", "job",
                                              str_or(jval_get_str(jval_at(jobs, i), "job"), ""), "quantile",
                                              quantiles[k].quantile, seconds);
                }
        per_element(out, "batchd_job_last_success_timestamp_seconds", "When the job last succeeded.", jobs, "job",
                    "job", last_success);
        per_element(out, "batchd_job_zero_record_runs", "Runs on record that told of no record.", jobs, "job", "job",
                    zero_record_runs);
}

static bool is_past(const struct jval *due, usec_t now) {
        const char *at = jval_get_str(due, "due_at");
        usec_t instant;

        return jval_get_str(due, "outcome") && at && parse_rfc3339(at, &instant) == 0 && instant <= now;
}

void metrics_of_due_times(struct buf *out, const struct jval *answer, usec_t now) {
        const struct jval *list = jval_get(answer, "due_times");
        _cleanup_jval_ struct jval *counts = jval_object();

        if (!answer)
                return;
        for (size_t i = 0; i < jval_array_size(list); i++) {
                const struct jval *due = jval_at(list, i);
                const char *job = str_or(jval_get_str(due, "job"), ""), *outcome = jval_get_str(due, "outcome");
                struct jval *of_job;

                if (!is_past(due, now))
                        continue;
                if (!jval_has(counts, job))
                        jval_set(counts, job, jval_object());
                of_job = jval_get(counts, job);
                jval_set_int(of_job, outcome,
                             jval_get_int(of_job, outcome, 0) + MAX(jval_get_int(due, "due_count", 1), 1));
        }
        metric_family(out, "batchd_due_times_last_day", "gauge",
                      "Due times of the last 24 hours, by what became of them.");
        for (void *i = jval_iter(counts); i; i = jval_iter_next(counts, i))
                for (void *k = jval_iter(jval_iter_value(i)); k; k = jval_iter_next(jval_iter_value(i), k))
                        metric_sample(out, "batchd_due_times_last_day", "job", jval_iter_key(i), "outcome",
                                      jval_iter_key(k), (double)jval_int(jval_iter_value(k), 0));
}

static double limit_slots(const struct jval *limit) {
        return jval_get_real(limit, "slots", -1);
}

static double limit_used(const struct jval *limit) {
        return jval_get_real(limit, "used", -1);
}

static double limit_waiting(const struct jval *limit) {
        return jval_get_real(limit, "waiters_total", -1);
}

void metrics_of_limits(struct buf *out, const struct jval *answer) {
        const struct jval *limits = jval_get(answer, "limits");

        if (!answer)
                return;
        per_element(out, "batchd_limit_slots", "Slots of the limit.", limits, "limit", "limit", limit_slots);
        per_element(out, "batchd_limit_used_slots", "Slots of the limit in use.", limits, "limit", "limit", limit_used);
        per_element(out, "batchd_limit_waiting", "Who waits for slots of the limit.", limits, "limit", "limit",
                    limit_waiting);
}

void metrics_of_ends(struct buf *out, const struct jval *by_job) {
        metric_family(out, "batchd_run_ends_total", "counter", "Runs that ended since batch-web was started.");
        for (void *i = jval_iter(by_job); i; i = jval_iter_next(by_job, i)) {
                const struct jval *statuses = jval_get(jval_iter_value(i), "statuses");

                for (void *k = jval_iter(statuses); k; k = jval_iter_next(statuses, k))
                        metric_sample(out, "batchd_run_ends_total", "job", jval_iter_key(i), "status", jval_iter_key(k),
                                      jval_num(jval_iter_value(k), 0));
        }
        metric_family(out, "batchd_run_duration_seconds", "summary",
                      "Durations of runs that ended since batch-web was started.");
        for (void *i = jval_iter(by_job); i; i = jval_iter_next(by_job, i)) {
                metric_sample(out, "batchd_run_duration_seconds_sum", "job", jval_iter_key(i), NULL, NULL,
                              jval_get_real(jval_iter_value(i), "seconds", 0));
                metric_sample(out, "batchd_run_duration_seconds_count", "job", jval_iter_key(i), NULL, NULL,
                              jval_get_real(jval_iter_value(i), "count", 0));
        }
}
