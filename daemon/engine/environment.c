/* The environment of a step: an allow-list of the daemon's, what the job says, and what tells the step who it is. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"
#include "environment.h"
#include "fileutil.h"
#include "log.h"
#include "macro.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

#define ENVIRONMENT_FILE_MAX ((size_t)64 * 1024)

/* Nothing of the daemon's own life (NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*, INVOCATION_ID, *_DIRECTORY ...). The monitor
 * adds the credentials of the service that the step lives in. */
static const char *const inherited[] = {
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ",
};

/* Later assignments of a name replace earlier ones. */
static void set(char ***environment, const char *assignment) {
        size_t length = strcspn(assignment, "=") + 1;

        STRV_FOREACH (item, *environment)
                if (strncmp(*item, assignment, length) == 0) {
                        char **slot = (char **)(uintptr_t)item;

                        free(*slot);
                        *slot = xstrdup(assignment);
                        return;
                }
        strv_append(environment, assignment);
}

void environment_set(char ***environment, const char *name, const char *value) {
        _cleanup_free_ char *assignment = xasprintf("%s=%s", name, value);

        set(environment, assignment);
}

static void set_all(char ***environment, char *const *assignments) {
        STRV_FOREACH (item, assignments)
                set(environment, *item);
}

/* systemd's EnvironmentFile=: lines NAME=value, '#' and ';' begin comments, a value may be quoted; a leading '-' of the
 * path makes the file optional. */
static void set_from_file(char ***environment, const char *path) {
        bool optional = path[0] == '-';
        _cleanup_free_ char *text = NULL;
        int r = read_file(path + (optional ? 1 : 0), ENVIRONMENT_FILE_MAX, &text, NULL);
        char *state = NULL;

        if (r < 0) {
                if (!optional || r != -ENOENT)
                        log_warning("EnvironmentFile=%s cannot be read: %s; the step runs without it", path,
                                    strerror(-r));
                return;
        }
        for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
                char *start = strstrip(line), *value = strchr(start, '=');
                size_t length;

                if (!value || *start == '#' || *start == ';')
                        continue;
                *value++ = 0;
                value = strstrip(value);
                length = strlen(value);
                if (length >= 2 && (value[0] == '"' || value[0] == '\'') && value[length - 1] == value[0]) {
                        value[length - 1] = 0;
                        value++;
                }
                environment_set(environment, strstrip(start), value);
        }
}

static void set_parameters(char ***environment, const struct jval *parameters) {
        for (void *i = jval_iter(parameters); i; i = jval_iter_next(parameters, i)) {
                _cleanup_free_ char *name = xasprintf("BATCH_PARAM_%s", jval_iter_key(i));
                _cleanup_free_ char *value = parameter_text(parameters, jval_iter_key(i));

                if (!value)
                        continue;
                for (char *c = name; *c; c++)
                        *c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
                environment_set(environment, name, value);
        }
}

static void set_identity(char ***environment, const struct task_run *task) {
        const struct run *run = task->run;
        _cleanup_free_ char *number = xasprintf("%" PRId64, run->record.run_number);
        _cleanup_free_ char *attempt = xasprintf("%d", task->record.attempt);
        _cleanup_free_ char *tmp = path_join(run->dir, "tmp");
        /* A command beside a step works for that step. */
        _cleanup_free_ char *step = xstrndup(task->record.step_name, strcspn(task->record.step_name, ":"));

        environment_set(environment, "BATCH_RUN_ID", run->record.run_id);
        environment_set(environment, "BATCH_RUN", number);
        environment_set(environment, "BATCH_JOB", run->record.job);
        environment_set(environment, "BATCH_STEP", step);
        environment_set(environment, "BATCH_ATTEMPT", attempt);
        environment_set(environment, "BATCH_ITEM", task->record.item);
        environment_set(environment, "BATCH_MODE", str_or(run->record.batch_mode, ""));
        environment_set(environment, "BATCH_TRIGGER", trigger_to_string(run->record.triggered_by));
        environment_set(environment, "TMPDIR", tmp);
}

void environment_inherit(char ***environment) {
        for (size_t i = 0; i < ELEMENTSOF(inherited); i++) {
                const char *value = getenv(inherited[i]);

                if (value)
                        environment_set(environment, inherited[i], value);
        }
        STRV_FOREACH (item, environ)
                if (startswith(*item, "LC_"))
                        set(environment, *item);
}

char **task_environment(const struct task_run *task) {
        const struct job *job = task->run->plan.job;
        const struct step *step = task_step(task);
        char **environment = NULL;

        environment_inherit(&environment);
        STRV_FOREACH (path, job->environment_files)
                set_from_file(&environment, *path);
        set_all(&environment, job->environment);
        set_all(&environment, step->environment);
        set_parameters(&environment, task->run->record.parameters);
        set_identity(&environment, task);
        return environment;
}
