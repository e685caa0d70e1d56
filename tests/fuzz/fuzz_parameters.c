/* What a caller gives for a job's parameters, as values of one run or as the range or list of a backfill: refused with
 * a reason and the name of what is wrong, or values that are accepted again and stay one argument each. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backfill_values.h"
#include "job_file.h"
#include "parameter.h"
#include "run_plan.h"
#include "strutil.h"
#include "strv.h"
#include "utf8.h"

static const char job_text[] = "[Parameter number]\nType=integer\n"
                               "[Parameter week]\nType=integer\nMinimum=1\nMaximum=18\n"
                               "[Parameter day]\nType=date\n"
                               "[Parameter name]\nPattern=[a-z]+(-[0-9]{1,3})?\n"
                               "[Parameter text]\nType=string\n"
                               "[Parameter kind]\nType=enum\nValues=reg post\nDefault=reg\n"
                               "[Parameter dry]\nType=boolean\n"
                               "[Step one]\n"
                               "Exec=/bin/echo ${number} --week=${week} ${day} ${name} -${text}- ${kind} ${dry}\n";
#define ARGUMENTS 8

static void require(int condition) {
        if (!condition)
                abort();
}

static struct job *make_job(void) {
        struct source_text source = {.path = "fuzz.job", .text = job_text, .len = sizeof(job_text) - 1};
        struct diagnostics diagnostics = {0};
        struct job *job = NULL;

        require(job_parse(&job, "fuzz", &source, 1, &diagnostics) == 0);
        diagnostics_done(&diagnostics);
        return job;
}

static void check_run(const struct job *job, const struct jval *given) {
        _cleanup_jval_ struct jval *values = NULL, *again = NULL;
        _cleanup_free_ char *error = NULL, *which = NULL;
        int r = parameters_check(job, given, &values, &error, &which);

        require((r < 0) == (error != NULL) && (r < 0) == (which != NULL));
        if (r < 0)
                return;
        require(parameters_check(job, values, &again, NULL, NULL) == 0 && jval_equal(values, again));
        _cleanup_strv_ char **argv = exec_substitute(job->steps[0].exec, values, "an item");
        require(strv_length(argv) >= 2 && strv_length(argv) <= ARGUMENTS);
        STRV_FOREACH (argument, argv)
                require(utf8_is_valid(*argument, strlen(*argument)) && !strchr(*argument, '\n'));
}

static void check_backfill(const struct job *job, const struct jval *request) {
        const struct parameter *parameter = NULL;
        _cleanup_strv_ char **values = NULL;
        _cleanup_free_ char *error = NULL;
        const char *which = NULL;
        int r = backfill_values(job, request, &parameter, &values, &error, &which);

        require((r < 0) == (error != NULL) && (r < 0) == (which != NULL));
        if (r < 0)
                return;
        require(strv_length(values) > 0 && strv_length(values) <= BACKFILL_VALUES_MAX);
        STRV_FOREACH (value, values) {
                _cleanup_jval_ struct jval *read = NULL;

                require(parameter_value_check(parameter, *value, &read, NULL) == 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct job *job;
        _cleanup_jval_ struct jval *given = NULL;

        if (!job)
                job = make_job();
        if (jval_parse((const char *)data, size, &given, NULL) < 0 || !jval_is_object(given))
                return 0;
        check_run(job, given);
        check_backfill(job, given);
        return 0;
}
