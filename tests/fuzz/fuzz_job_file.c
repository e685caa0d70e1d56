/* Any bytes as a job file, with the part behind the first NUL as its drop-in, and as batchd.conf: refused with a
 * reason, or a job that can be shown, planned and run. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "job_file.h"
#include "run_plan.h"
#include "strv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_job(struct job *job) {
        _cleanup_jval_ struct jval *shown = job_to_json(job), *parameters = NULL;
        struct run_plan plan;
        char *error = NULL, *parameter = NULL;

        assert(job->n_steps > 0 && jval_is_object(shown));
        if (parameters_check(job, NULL, &parameters, &error, &parameter) < 0)
                assert(error && parameter);
        free(error);
        free(parameter);
        assert(run_plan_make(&plan, job, NULL, NULL, NULL, NULL) == 0);
        for (size_t i = 0; i < plan.n_steps; i++) {
                char **argv = exec_substitute(plan.steps[i].step->exec, parameters, "item");

                assert(argv && argv[0]);
                strv_free(argv);
        }
        run_plan_done(&plan);
}

static void read_config(const char *text, size_t len) {
        struct source_text source = {.path = "fuzz.conf", .text = text, .len = len};
        struct diagnostics diagnostics = {0};
        struct daemon_config config;

        if (daemon_config_parse(&config, &source, 1, &diagnostics) == 0)
                daemon_config_done(&config);
        else
                assert(diagnostics.n_errors > 0);
        diagnostics_done(&diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data, *end = memchr(text, 0, size);
        size_t len = end ? (size_t)(end - text) : size;
        struct source_text sources[2] = {
                {.path = "fuzz.job", .text = text, .len = len},
                {.path = "fuzz.job.d/10.conf", .text = end ? end + 1 : "", .len = end ? size - len - 1 : 0},
        };
        struct diagnostics diagnostics = {0};
        struct job *job = NULL;

        if (job_parse(&job, "fuzz", sources, end ? 2 : 1, &diagnostics) == 0) {
                use_job(job);
                job_unref(job);
        } else {
                assert(diagnostics.n_errors > 0 && !job);
        }
        diagnostics_done(&diagnostics);
        read_config(text, len);
        return 0;
}
