/* Warnings: what is right as it is written, and most likely not meant. */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "exec_reference.h"
#include "exit_status.h"
#include "job_parse.h"
#include "macro.h"
#include "run_machine.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

#define WARN_AT(parser, place, ...)                                                                                    \
        diagnostics_warning((parser)->diagnostics, (place).path ? (place).path : (parser)->job->path, (place).line,    \
                            __VA_ARGS__)

/* The longest that all attempts of a step may take with the delays between them; USEC_INFINITY when nothing limits it.
 */
static usec_t longest_time(const struct step *step) {
        usec_t sum = 0;

        if (step->timeout == USEC_INFINITY)
                return USEC_INFINITY;
        for (unsigned attempt = 1; attempt <= step->retries + 1; attempt++) {
                usec_t delay = attempt > 1 ? retry_delay(step, attempt, 0) : 0;

                if (__builtin_add_overflow(sum, step->timeout, &sum) || __builtin_add_overflow(sum, delay, &sum))
                        return USEC_INFINITY - 1;
        }
        return sum;
}

static void lint_times(struct job_parser *parser, const struct parsed_object *object) {
        const struct step *step = &parser->job->steps[object->index];
        usec_t run_timeout = parser->job->run_timeout, longest = longest_time(step);
        char shorter[TIMESPAN_SIZE], longer[TIMESPAN_SIZE];

        if (longest != USEC_INFINITY && run_timeout < longest)
                WARN_AT(parser, job_place_of(object, "TimeoutSec"),
                        "step %s may take %s with its %u retries, but RunTimeoutSec ends the run after %s; make the "
                        "one shorter or the other longer",
                        step->name, format_timespan(longer, longest), step->retries,
                        format_timespan(shorter, run_timeout));
        if (step->heartbeat != USEC_INFINITY && step->heartbeat >= step->timeout)
                WARN_AT(parser, job_place_of(object, "HeartbeatSec"),
                        "HeartbeatSec= is not shorter than TimeoutSec=: it never takes effect; make it shorter");
        if (step->heartbeat == USEC_INFINITY && job_key_is_set(object, "HeartbeatAction"))
                WARN_AT(parser, job_place_of(object, "HeartbeatAction"),
                        "HeartbeatAction= without HeartbeatSec= does nothing; say after how long");
        if (step->retry_delay > step->retry_max_delay)
                WARN_AT(parser, job_place_of(object, "RetryDelaySec"),
                        "RetryDelaySec= is longer than RetryMaxDelaySec=, which counts; raise that");
}

static void lint_retries(struct job_parser *parser, const struct parsed_object *object) {
        static const char *const keys[] = {"RetryDelaySec", "RetryBackoff", "RetryMaxDelaySec", "RetryExitStatus"};
        const struct step *step = &parser->job->steps[object->index];

        for (size_t i = 0; i < ELEMENTSOF(keys) && step->retries == 0; i++)
                if (job_key_is_set(object, keys[i]))
                        WARN_AT(parser, job_place_of(object, keys[i]),
                                "%s= without Retries= does nothing; say how often", keys[i]);
        if (step->has_retry_exit_status &&
            exit_status_set_overlaps(&step->retry_exit_status, &step->success_exit_status))
                WARN_AT(parser, job_place_of(object, "RetryExitStatus"),
                        "RetryExitStatus= names a status that is success, which is never tried again; take it out");
        if (exit_status_set_overlaps(&step->warn_exit_status, &step->success_exit_status))
                WARN_AT(parser, job_place_of(object, "WarnExitStatus"),
                        "WarnExitStatus= and SuccessExitStatus= name the same status; the warning counts");
}

static void lint_gates(struct job_parser *parser, const struct parsed_object *object) {
        const struct step *step = &parser->job->steps[object->index];

        if (step->breaker_failures == 0 && job_key_is_set(object, "BreakerResetSec"))
                WARN_AT(parser, job_place_of(object, "BreakerResetSec"),
                        "BreakerResetSec= without BreakerFailures= does nothing; say after how many failures it opens");
}

/* "password=", "--api-key=", "token=": what stands before '=' ends in one of the words. */
static const char *secret_word(const char *text) {
        static const char *const words[] = {"password", "passwd", "secret", "token", "key"};
        const char *equals = strchr(text, '=');
        size_t len = equals ? (size_t)(equals - text) : 0;

        if (!equals || !equals[1])
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                size_t word_len = strlen(words[i]);

                if (len >= word_len && strncasecmp(equals - word_len, words[i], word_len) == 0 &&
                    (len == word_len || !isalnum((unsigned char)equals[-1 - (ptrdiff_t)word_len])))
                        return words[i];
        }
        return NULL;
}

/* scheme://user:password@host */
static bool has_url_password(const char *text) {
        const char *authority = strstr(text, "://");
        size_t len, user;

        if (!authority)
                return false;
        authority += 3;
        len = strcspn(authority, "/?# ");
        user = strcspn(authority, ":@/?# ");
        return user < len && authority[user] == ':' && memchr(authority, '@', len) != NULL;
}

static bool is_shell_operator(const char *argument) {
        static const char *const operators[] = {"|", "||", "&&", "&", ">", ">>", "<", "2>&1", "2>", ">&2"};

        for (size_t i = 0; i < ELEMENTSOF(operators); i++)
                if (streq(argument, operators[i]))
                        return true;
        return false;
}

/* ${name} alone as an argument disappears when it is open; the option before it then takes what follows. */
static bool leaves_option_dangling(const struct job *job, const char *before, const char *argument) {
        const char *name = NULL;
        size_t len = 0;
        _cleanup_free_ char *key = NULL;
        const struct parameter *parameter;

        if (before[0] != '-' || strchr(before, '=') || exec_reference_next(argument, &name, &len) != argument ||
            name[len + 1] != '\0')
                return false;
        key = xstrndup(name, len);
        parameter = job_find_parameter(job, key);
        return parameter && !parameter->required && !parameter->default_value;
}

static void lint_exec(struct job_parser *parser, const struct parsed_object *object) {
        const struct step *step = &parser->job->steps[object->index];
        struct place place = job_place_of(object, "Exec");

        for (size_t i = 1; step->exec[0] && step->exec[i]; i++) {
                const char *argument = step->exec[i];
                const char *secret = secret_word(argument);

                if (secret || has_url_password(argument))
                        WARN_AT(parser, place,
                                "Exec=: argument %zu looks like a secret (%s): every user of the machine can read it; "
                                "use LoadCredential= and a file",
                                i, secret ? secret : "a password in a URL");
                if (is_shell_operator(argument))
                        WARN_AT(parser, place,
                                "Exec=: %s is passed to the program as it is, there is no shell; write sh -c '...' for "
                                "one",
                                argument);
                if (leaves_option_dangling(parser->job, step->exec[i - 1], argument))
                        WARN_AT(parser, place, "Exec=: %s disappears when it is open and leaves %s behind; write %s=%s",
                                argument, step->exec[i - 1], step->exec[i - 1], argument);
        }
}

static void lint_environment(struct job_parser *parser, const struct parsed_object *object, char *const *environment) {
        STRV_FOREACH (variable, environment) {
                const char *secret = secret_word(*variable);

                if (secret || has_url_password(*variable))
                        WARN_AT(parser, job_place_of(object, "Environment"),
                                "Environment=: %.*s looks like a secret (%s): all who may read the file can read it; "
                                "use LoadCredential=",
                                (int)strcspn(*variable, "="), *variable, secret ? secret : "a password in a URL");
        }
}

/* Itself, or as the fallback of one that is. depth: fallbacks of fallbacks. */
static bool is_in_some_mode(const struct job *job, const char *step, size_t depth) {
        for (size_t i = 0; i < job->n_modes; i++)
                if (strv_contains(job->modes[i].steps, step))
                        return true;
        for (size_t i = 0; depth < job->n_steps && i < job->n_steps; i++)
                if (streq_null(job->steps[i].fallback, step) && is_in_some_mode(job, job->steps[i].name, depth + 1))
                        return true;
        return false;
}

static void lint_step(struct job_parser *parser, const struct parsed_object *object) {
        const struct step *step = &parser->job->steps[object->index];

        lint_times(parser, object);
        lint_retries(parser, object);
        lint_gates(parser, object);
        lint_exec(parser, object);
        lint_environment(parser, object, step->environment);
        if (parser->job->n_modes > 0 && !is_in_some_mode(parser->job, step->name, 0))
                WARN_AT(parser, object->header, "step %s is in no mode and never runs; add it to the Steps= of one",
                        step->name);
}

static void lint_parameter(struct job_parser *parser, const struct parsed_object *object) {
        const struct parameter *parameter = &parser->job->parameters[object->index];

        if (parameter->required && parameter->default_value)
                WARN_AT(parser, job_place_of(object, "Default"),
                        "Default= is never used with Required=yes; take one of them out");
}

/* Keys that need a schedule to mean something. */
static void lint_schedule(struct job_parser *parser) {
        static const char *const keys[] = {"TimeZone", "Persistent", "RandomizedDelaySec"};
        const struct parsed_object *object = &parser->objects[0];

        for (size_t i = 0; parser->job->on_calendar.count == 0 && i < ELEMENTSOF(keys); i++)
                if (job_key_is_set(object, keys[i]))
                        WARN_AT(parser, job_place_of(object, keys[i]),
                                "%s= has no effect without OnCalendar=; add one or take it out", keys[i]);
}

void job_lint(struct job_parser *parser) {
        lint_schedule(parser);
        lint_environment(parser, &parser->objects[0], parser->job->environment);
        for (size_t i = 1; i < parser->n_objects; i++) {
                if (parser->objects[i].section == SECTION_STEP)
                        lint_step(parser, &parser->objects[i]);
                else if (parser->objects[i].section == SECTION_PARAMETER)
                        lint_parameter(parser, &parser->objects[i]);
        }
}
