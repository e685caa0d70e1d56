/* daemon.reload: the job files anew. */
#include <stdlib.h>
#include <string.h>

#include "alerts.h"
#include "deadlines.h"
#include "engine_internal.h"
#include "log.h"
#include "message_ids.h"
#include "reload.h"
#include "scheduler.h"
#include "strutil.h"
#include "xalloc.h"

struct known_job {
        char *name;
        char hash[17];
};

static struct known_job *remember(const struct job_registry *registry) {
        struct known_job *known = xcalloc(registry->count + 1, sizeof(*known));

        for (size_t i = 0; i < registry->count; i++) {
                known[i].name = xstrdup(registry->entries[i].name);
                if (registry->entries[i].job)
                        memcpy(known[i].hash, registry->entries[i].job->definition_hash, sizeof(known[i].hash));
        }
        return known;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(((const struct known_job *)a)->name, ((const struct known_job *)b)->name);
}

static struct jval *compare(const struct known_job *before, size_t n_before, const struct job_registry *now) {
        struct jval *added = jval_array(), *changed = jval_array(), *removed = jval_array(), *result = jval_object();

        for (size_t i = 0; i < now->count; i++) {
                struct known_job wanted = {.name = now->entries[i].name};
                const struct known_job *known = bsearch(&wanted, before, n_before, sizeof(*before), compare_names);

                if (!now->entries[i].job)
                        continue; /* not in force, and its errors are told */
                if (!known || !*known->hash)
                        jval_add(added, jval_string(now->entries[i].name));
                else if (!streq(known->hash, now->entries[i].job->definition_hash))
                        jval_add(changed, jval_string(now->entries[i].name));
        }
        for (const struct known_job *known = before; known->name; known++)
                if (*known->hash && !job_registry_find(now, known->name))
                        jval_add(removed, jval_string(known->name));
        jval_set_int(result, "jobs", (int64_t)job_registry_in_force(now));
        jval_set(result, "added", added);
        jval_set(result, "changed", changed);
        jval_set(result, "removed", removed);
        return result;
}

static void log_diagnostics(const struct diagnostics *diagnostics) {
        for (size_t i = 0; i < diagnostics->count; i++) {
                _cleanup_free_ char *text = diagnostic_to_string(&diagnostics->items[i]);

                log_at(diagnostics->items[i].is_warning ? LOG_LEVEL_WARNING : LOG_LEVEL_ERR,
                       &(struct log_context){.message_id = MESSAGE_ID_JOB_FILE_ERROR}, "%s", text);
        }
}

static struct jval *errors_json(const struct diagnostics *diagnostics) {
        struct jval *errors = jval_array();

        for (size_t i = 0; i < diagnostics->count; i++) {
                const struct diagnostic *item = &diagnostics->items[i];
                struct jval *error;

                if (item->is_warning)
                        continue;
                error = jval_object();
                jval_set_str(error, "file", item->path);
                jval_set_int(error, "line", item->line);
                jval_set_str(error, "message", item->text);
                jval_add(errors, error);
        }
        return errors;
}

struct jval *engine_load_jobs(struct engine *engine, struct diagnostics *before_them) {
        struct diagnostics diagnostics = before_them ? *before_them : (struct diagnostics){0};
        size_t n_before = engine->jobs.count;
        struct known_job *before = remember(&engine->jobs);
        struct jval *result;

        job_registry_load(&engine->jobs, &diagnostics);
        alerts_check_names(engine->alerts, &engine->jobs, &diagnostics);
        result = compare(before, n_before, &engine->jobs);
        log_diagnostics(&diagnostics);
        if (engine->job_errors)
                jval_unref(engine->job_errors);
        engine->job_errors = errors_json(&diagnostics);
        jval_set(result, "errors", jval_ref(engine->job_errors));
        diagnostics_done(&diagnostics);
        for (struct known_job *known = before; known->name; known++)
                free(known->name);
        free(before);
        log_at(LOG_LEVEL_INFO, &(struct log_context){.message_id = MESSAGE_ID_JOBS_RELOADED},
               "%zu jobs in force, %zu errors", job_registry_in_force(&engine->jobs),
               jval_array_size(engine->job_errors));
        return result;
}

static void reload_handler(struct act *act) {
        const struct engine_config *config = &act->engine->config;
        struct diagnostics diagnostics = {0};
        struct jval *result;

        if (config->reload_settings)
                config->reload_settings(&diagnostics, config->changed_user);
        result = engine_load_jobs(act->engine, &diagnostics);

        scheduler_take_jobs(act->engine->scheduler);
        deadlines_take_jobs(act->engine->deadlines);
        act_succeed(act, result, NULL);
        sweep_soon(act->engine);
}

void engine_reload(struct engine *engine, const struct jval *params, const struct caller *caller, engine_answer_fn fn,
                   void *user) {
        act_begin(engine, METHOD_DAEMON_RELOAD, params, caller, fn, user, reload_handler);
}
