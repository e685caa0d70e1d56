/* Jobs and plans for the tests of core: from texts, as files give them. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_file.h"
#include "run_plan.h"

/* Prints what is wrong and gives up when the text is no job. */
static inline struct job *job_from_text(const char *text) {
        struct source_text source = {.path = "test.job", .text = text, .len = strlen(text)};
        struct diagnostics diagnostics = {0};
        struct job *job = NULL;

        if (job_parse(&job, "test", &source, 1, &diagnostics) < 0) {
                for (size_t i = 0; i < diagnostics.count; i++) {
                        char *line = diagnostic_to_string(&diagnostics.items[i]);

                        fprintf(stderr, "%s\n", line);
                        free(line);
                }
                abort();
        }
        diagnostics_done(&diagnostics);
        return job;
}

/* The plan holds the job. */
static inline struct run_plan plan_from_text(const char *text) {
        struct job *job = job_from_text(text);
        struct run_plan plan;
        char *error = NULL;

        if (run_plan_make(&plan, job, NULL, NULL, &error, NULL) < 0) {
                fprintf(stderr, "%s\n", error);
                abort();
        }
        job_unref(job);
        return plan;
}
