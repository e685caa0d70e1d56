/* daemon.status, job.list, job.show. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alerts.h"
#include "answer.h"
#include "breaker_set.h"
#include "deadlines.h"
#include "engine_internal.h"
#include "file_systems.h"
#include "pause.h"
#include "scheduler.h"
#include "strutil.h"
#include "view.h"
#include "xalloc.h"

/* Resident memory in bytes (proc(5), /proc/self/statm). */
static int64_t resident_memory(void) {
        _cleanup_fclose_ FILE *file = fopen("/proc/self/statm", "re");
        long size, resident;

        if (!file || fscanf(file, "%ld %ld", &size, &resident) != 2)
                return -1;
        return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static struct jval *store_json(struct engine *engine) {
        const char *trouble = store_trouble(engine->store);
        struct jval *object = jval_object();

        jval_set_str(object, "state", trouble ? "down" : "up");
        jval_set_str(object, "path", store_path(engine->store));
        jval_set_int(object, "waiting", (int64_t)store_backlog(engine->store));
        jval_set_str(object, "error", trouble);
        return object;
}

static struct jval *mirror_json(const struct engine *engine) {
        struct jval *object;

        if (engine->mirror)
                return mirror_status(engine->mirror);
        object = jval_object();
        jval_set_str(object, "state", "off");
        return object;
}

void engine_status(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        struct jval *result = jval_object(), *launcher = jval_object();
        int64_t queued = 0;

        (void)params;
        for (const struct run *run = engine->runs; run; run = run->next)
                queued += run_told_status(run) == RUN_QUEUED;
        jval_set_str(result, "version", engine->config.version);
        jval_set_int(result, "protocol", PROTOCOL_VERSION);
        jval_set_str(result, "host", engine->config.host);
        jval_set_int(result, "pid", getpid());
        jval_set_str(result, "instance", store_instance(engine->store));
        jval_set_time(result, "started_at", engine->started_realtime);
        jval_set_real(result, "uptime_seconds", (double)(now_boottime() - engine->started_boottime) / 1e6);
        jval_set_int(result, "runs_active", (int64_t)engine->n_runs - queued);
        jval_set_int(result, "runs_queued", queued);
        jval_set(result, "draining", engine_drain_of(engine) ? jval_deep_copy(engine_drain_of(engine)) : jval_null());
        jval_set_int(result, "jobs", (int64_t)job_registry_in_force(&engine->jobs));
        jval_set(result, "breakers", breakers_open_json(engine));
        jval_set(result, "job_errors", jval_ref(engine->job_errors));
        jval_set_int(result, "watchers", (int64_t)engine->n_watches);
        jval_set_int(result, "memory_bytes", resident_memory());
        jval_set(result, "store", store_json(engine));
        jval_set(result, "file_systems", file_systems_json(engine->file_systems));
        jval_set_str(launcher, "state", supervise_launcher_is_up(engine->supervise) ? "up" : "down");
        jval_set(result, "launcher", launcher);
        jval_set(result, "mirror", mirror_json(engine));
        fn(NULL, result, user);
}

void engine_alert_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        (void)params;
        fn(NULL, alerts_json(engine->alerts), user);
}

static struct jval *active_numbers(const struct engine *engine, const char *job) {
        struct jval *numbers = jval_array();

        for (const struct run *run = engine->runs; run; run = run->next)
                if (streq(run->record.job, job))
                        jval_add(numbers, jval_integer(run->record.run_number));
        return numbers;
}

static struct jval *names_of(const struct jval *objects) {
        struct jval *names = jval_array();

        for (size_t i = 0; i < jval_array_size(objects); i++)
                jval_add(names, jval_string(jval_get_str(jval_at(objects, i), "name")));
        return names;
}

static struct jval *last_run_of(const struct jval *last_runs, const char *job) {
        struct jval *run = jval_get(last_runs, job);

        return run ? jval_ref(run) : jval_null();
}

static struct jval *paused_json(const struct engine *engine, const char *job) {
        const struct jval *pause = pause_of_job(engine, job);

        return pause ? jval_deep_copy(pause) : jval_null();
}

static struct jval *job_row(const struct engine *engine, const struct job_entry *entry, const struct jval *last_runs) {
        struct jval *row = jval_object();

        jval_set_str(row, "job", entry->name);
        jval_set_str(row, "broken", entry->broken);
        if (entry->job) {
                _cleanup_jval_ struct jval *whole = job_to_json(entry->job);

                jval_set_str(row, "description", entry->job->description);
                jval_set_str(row, "batch_type", entry->job->type);
                jval_set_str(row, "default_mode", entry->job->default_mode);
                jval_set(row, "modes", names_of(jval_get(whole, "modes")));
                jval_set(row, "parameters", names_of(jval_get(whole, "parameters")));
                jval_set(row, "steps", names_of(jval_get(whole, "steps")));
                jval_set_str(row, "path", entry->job->path);
        }
        jval_set(row, "active", active_numbers(engine, entry->name));
        jval_set_time(row, "next_elapse", scheduler_next_due(engine->scheduler, entry->name));
        jval_set(row, "paused", paused_json(engine, entry->name));
        jval_set(row, "last_run", last_run_of(last_runs, entry->name));
        return row;
}

static void list_jobs(int error, const char *error_text, struct jval *last_runs, void *user) {
        struct question *question = user;
        struct jval *result, *jobs;

        if (error < 0) {
                question_fail_history(question, error, error_text, "jobs");
                return;
        }
        result = jval_object();
        jobs = jval_array();
        for (size_t i = 0; i < question->engine->jobs.count; i++)
                jval_add(jobs, job_row(question->engine, &question->engine->jobs.entries[i], last_runs));
        jval_set(result, "jobs", jobs);
        jval_unref(last_runs);
        question_answer(question, result);
}

void engine_job_list(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        struct question *question = question_new(engine, params, fn, user);
        int r = history_last_runs(engine->history, list_jobs, question);

        if (r < 0)
                question_fail_history(question, r, NULL, "jobs");
}

static void set_breakers(const struct engine *engine, struct jval *result, const char *job) {
        const struct jval *steps = jval_get(result, "steps");

        for (size_t i = 0; i < jval_array_size(steps); i++) {
                struct jval *breaker = breaker_json(engine, job, jval_get_str(jval_at(steps, i), "name"));

                jval_set(jval_at(steps, i), "breaker", breaker ? breaker : jval_null());
        }
}

static void show_job(int error, const char *error_text, struct jval *last_runs, void *user) {
        struct question *question = user;
        const char *name = jval_get_str(question->params, "job");
        const struct job_entry *entry = job_registry_find(&question->engine->jobs, name);
        struct jval *result;

        if (error < 0 || !entry || !entry->job) {
                question_fail_history(question, error < 0 ? error : -ENOENT, error_text, "there is no such job");
                return;
        }
        result = job_to_json(entry->job);
        set_breakers(question->engine, result, entry->name);
        jval_set_str(result, "job", entry->name);
        jval_set_str(result, "broken", entry->broken);
        jval_set(result, "active", active_numbers(question->engine, name));
        jval_set(result, "paused", paused_json(question->engine, name));
        jval_set_time(result, "next_elapse", scheduler_next_due(question->engine->scheduler, name));
        jval_set_time(result, "next_deadline", deadlines_next(question->engine->deadlines, name));
        jval_set(result, "last_run", last_run_of(last_runs, name));
        jval_unref(last_runs);
        question_answer(question, result);
}

void engine_job_show(struct engine *engine, const struct jval *params, engine_answer_fn fn, void *user) {
        struct question *question = question_new(engine, params, fn, user);
        const char *name = str_or(jval_get_str(params, "job"), "");
        const struct job_entry *entry = job_registry_find(&engine->jobs, name);
        const char *near = entry ? NULL : job_registry_suggest(&engine->jobs, name);
        int r;

        if (entry && !entry->job) {
                question_fail(question, ERROR_KIND_UNAVAILABLE,
                              "mend the file of job %s, then run: batchctl reload (%s)", name, entry->broken);
                return;
        }
        if (!entry) {
                question_fail(question, ERROR_KIND_NOT_FOUND, "there is no job %s%s%s%s", name,
                              near ? "; did you mean " : "; see: batchctl list", str_or(near, ""), near ? "?" : "");
                return;
        }
        r = history_last_runs(engine->history, show_job, question);
        if (r < 0)
                question_fail_history(question, r, NULL, "job");
}
