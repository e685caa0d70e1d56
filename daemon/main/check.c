#include "check.h"

#include <stdio.h>

#include "job_registry.h"
#include "settings.h"
#include "strv.h"
#include "xalloc.h"

static void print_json(size_t jobs, const struct diagnostics *diagnostics) {
        _cleanup_jval_ struct jval *result = jval_object();
        _cleanup_free_ char *text = NULL;

        jval_set_int(result, "jobs", (int64_t)jobs);
        jval_set_int(result, "errors", (int64_t)diagnostics->n_errors);
        jval_set_int(result, "warnings", (int64_t)(diagnostics->count - diagnostics->n_errors));
        jval_set(result, "diagnostics", diagnostics_to_json(diagnostics));
        text = jval_dump_pretty(result);
        (void)puts(text);
}

static void print_text(size_t jobs, const struct diagnostics *diagnostics) {
        size_t errors = diagnostics->n_errors, warnings = diagnostics->count - errors;

        for (size_t i = 0; i < diagnostics->count; i++) {
                _cleanup_free_ char *text = diagnostic_to_string(&diagnostics->items[i]);

                (void)fprintf(stderr, "%s\n", text);
        }
        (void)printf("%zu job%s, %zu error%s, %zu warning%s\n", jobs, jobs == 1 ? "" : "s", errors,
                     errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}

/* Prints, frees, and gives the exit status. */
static int conclude(size_t jobs, struct diagnostics *diagnostics, bool json) {
        int status = diagnostics->n_errors > 0 ? 1 : 0;

        if (json)
                print_json(jobs, diagnostics);
        else
                print_text(jobs, diagnostics);
        diagnostics_done(diagnostics);
        return status;
}

int check_everything(const char *config_file, bool json) {
        struct diagnostics diagnostics = {0};
        struct settings settings = {0};
        struct job_registry registry = {0};
        int status;

        if (settings_load(&settings, config_file, &diagnostics) == 0) {
                job_registry_init(&registry, settings.job_folders);
                registry.limits = &settings.config.limits;
                job_registry_load(&registry, &diagnostics);
                for (size_t i = 0; i < registry.count; i++)
                        if (registry.entries[i].job)
                                alert_check_names(registry.entries[i].job, settings.config.alerts,
                                                  settings.config.n_alerts, &diagnostics);
        }
        status = conclude(registry.count, &diagnostics, json);
        job_registry_done(&registry);
        settings_done(&settings);
        return status;
}

int check_files(char *const *files, bool json) {
        struct diagnostics diagnostics = {0};

        STRV_FOREACH (file, files)
                job_file_check(*file, &diagnostics);
        return conclude(strv_length(files), &diagnostics, json);
}
