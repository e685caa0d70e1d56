#include "check.h"

#include <stdio.h>

#include "job_registry.h"
#include "settings.h"

int check_everything(const char *config_file) {
        struct diagnostics diagnostics = {0};
        struct settings settings = {0};
        struct job_registry registry = {0};
        size_t errors;

        if (settings_load(&settings, config_file, &diagnostics) == 0) {
                job_registry_init(&registry, settings.job_folders);
                job_registry_load(&registry, &diagnostics);
                for (size_t i = 0; i < registry.count; i++)
                        if (registry.entries[i].job)
                                alert_check_names(registry.entries[i].job, settings.config.alerts,
                                                  settings.config.n_alerts, &diagnostics);
        }
        for (size_t i = 0; i < diagnostics.count; i++) {
                _cleanup_free_ char *text = diagnostic_to_string(&diagnostics.items[i]);

                (void)fprintf(stderr, "%s\n", text);
        }
        errors = diagnostics.n_errors;
        (void)printf("%zu jobs, %zu errors, %zu warnings\n", registry.count, errors, diagnostics.count - errors);
        job_registry_done(&registry);
        settings_done(&settings);
        diagnostics_done(&diagnostics);
        return errors > 0 ? 1 : 0;
}
