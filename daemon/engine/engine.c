#include "engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "alerts.h"
#include "breaker_set.h"
#include "deadlines.h"
#include "engine_internal.h"
#include "errortext.h"
#include "log.h"
#include "pause.h"
#include "reload.h"
#include "scheduler.h"
#include "view.h"
#include "xalloc.h"

static void flush_again(void *user) {
        /* The pass hook, which runs after this callback, does the work. */
        (void)user;
}

int engine_new(struct engine **ret, const struct engine_parts *parts, const struct engine_config *config,
               char **ret_error) {
        struct engine *engine = NEW(struct engine);
        int r;

        engine->loop = parts->loop;
        engine->store = parts->store;
        engine->history = parts->history;
        engine->file_systems = parts->file_systems;
        engine->supervise = parts->supervise;
        engine->mirror = parts->mirror;
        engine->config = *config;
        engine->started_boottime = now_boottime();
        engine->started_realtime = now_realtime();
        job_registry_init(&engine->jobs, config->job_folders);
        engine->jobs.limits = &engine->limits;
        if (config->limits)
                engine_set_limits(engine, config->limits);
        r = loop_timer_new(engine->loop, &engine->flush_timer, flush_again, engine);
        if (r == 0)
                r = sweep_start(engine);
        if (r == 0)
                r = starts_begin(engine);
        if (r == 0)
                r = launches_begin(engine);
        if (r == 0)
                r = store_load_counters(engine->store, &engine->next_run_number, &engine->next_attempt_number);
        if (r < 0) {
                engine_free(engine);
                return r;
        }
        r = alerts_new(&engine->alerts, engine, config->alert_path, ret_error);
        if (r < 0) {
                engine_free(engine);
                return r;
        }
        engine->events.known_number = engine->next_run_number - 1;
        alerts_configure(engine->alerts, config->alerts, config->n_alerts, config->alerts_on);
        jval_unref(engine_load_jobs(engine, NULL));
        r = pauses_load(engine);
        if (r == 0)
                r = breakers_load(engine);
        if (r < 0) {
                engine_free(engine);
                return error_set(ret_error, r, "pauses and breakers cannot be read from state.db");
        }
        r = scheduler_new(&engine->scheduler, engine, ret_error);
        if (r == 0)
                r = deadlines_new(&engine->deadlines, engine, ret_error);
        if (r == 0)
                r = engine_recover(engine, ret_error);
        if (r == 0)
                breakers_recovered(engine);
        if (r < 0) {
                engine_free(engine);
                return r;
        }
        loop_set_pass_hook(engine->loop, decisions_flush, engine);
        /* What recovery decided is flushed by the first pass. */
        loop_defer(engine->loop, flush_again, engine);
        *ret = engine;
        return 0;
}

struct engine *engine_free(struct engine *engine) {
        if (!engine)
                return NULL;
        loop_set_pass_hook(engine->loop, NULL, NULL);
        while (engine->runs) {
                struct run *run = engine->runs;

                engine->runs = run->next;
                run_free(run);
        }
        engine->scheduler = scheduler_free(engine->scheduler);
        engine->deadlines = deadlines_free(engine->deadlines);
        engine->alerts = alerts_free(engine->alerts);
        jval_unref(engine->pauses);
        jval_unref(engine->drain);
        jval_unref(engine->breakers);
        engine->flush_timer = loop_timer_free(engine->flush_timer);
        sweep_done(engine);
        starts_done(engine);
        launches_done(engine);
        job_registry_done(&engine->jobs);
        limit_set_done(&engine->limits);
        events_done(&engine->events);
        if (engine->job_errors)
                jval_unref(engine->job_errors);
        decisions_drop(engine);
        free(engine);
        return NULL;
}

void engine_set_keep(struct engine *engine, const struct keep *keep) {
        engine->config.keep = *keep;
        sweep_soon(engine);
}

void engine_set_alerts(struct engine *engine, const struct alert *items, size_t n_items, bool on) {
        alerts_configure(engine->alerts, items, n_items, on);
}

size_t engine_active_runs(const struct engine *engine) {
        return engine->n_runs;
}

char *engine_status_line(const struct engine *engine) {
        const struct run *run = engine->runs;
        const struct task_run *task;
        _cleanup_jval_ struct jval *progress = NULL;
        _cleanup_free_ char *next =
                engine_drain_of(engine) ? xstrdup("; drained") : scheduler_status(engine->scheduler);

        if (!run)
                return xasprintf("Idle; %zu jobs%s", engine->jobs.count, next);
        progress = run_progress_json(run);
        task = run_current_task(run);
        return xasprintf("%zu run%s active: %s #%lld%s%s %.0f%%%s%s", engine->n_runs, engine->n_runs == 1 ? "" : "s",
                         run->record.job, (long long)run->record.run_number, task ? " " : "",
                         task ? task->record.step_name : "", jval_get_real(progress, "percent", 0),
                         engine->n_runs > 1 ? ", ..." : "", next);
}
