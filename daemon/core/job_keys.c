/* The keys of job files, one row a key. The manual batchd.job(5) has a paragraph for each; a test compares. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"
#include "job.h"
#include "job_object.h"
#include "job_parse.h"
#include "macro.h"
#include "strutil.h"
#include "strv.h"
#include "utf8.h"
#include "xalloc.h"

static const char *const overlap_words[] = {"reject", "queue", "replace", "allow", NULL};
static const char *const persistent_words[] = {"no", "last", "all", NULL};
static const char *const heartbeat_action_words[] = {"warn", "kill", NULL};
static const char *const parameter_type_words[] = {"string", "integer", "boolean", "date", "enum", NULL};

/* One expression an assignment: their lists have commas and spaces. */
static void parse_calendar(const struct config_context *context, const char *value, void *target,
                           const void *otherwise) {
        struct job_calendars *calendars = target;
        _cleanup_free_ char *error = NULL;
        struct calendar *calendar;

        if (!*value) {
                job_calendars_done(calendars);
                return;
        }
        if (calendars->count >= JOB_CALENDARS_MAX) {
                config_complain(context, "more than %d expressions; join some: \"Mon,Thu 06,18:00\"",
                                JOB_CALENDARS_MAX);
                return;
        }
        if (calendar_parse(&calendar, value, &error) < 0) {
                config_complain(context, "%s", error);
                return;
        }
        calendars->items = xreallocarray(calendars->items, calendars->count + 1, sizeof(*calendars->items));
        calendars->items[calendars->count++] = (struct job_calendar){
                .text = xstrdup(value), .calendar = calendar, .path = xstrdup(context->path), .line = context->line};
}

/* Names of other jobs, with their places: whether those exist shows when all files have been read. */
static void parse_after_job(const struct config_context *context, const char *value, void *target,
                            const void *otherwise) {
        struct job_links *links = target;
        _cleanup_strv_ char **words = NULL;

        if (!*value)
                job_links_done(links);
        else if (!config_split(context, value, &words))
                return;
        STRV_FOREACH (word, words) {
                bool twice = false;

                for (size_t i = 0; i < links->count; i++)
                        twice = twice || streq(links->items[i].name, *word);
                if (!name_is_valid(*word))
                        config_complain(context, "\"%.64s\" is no name of a job", *word);
                else if (twice)
                        config_complain(context, "%s is named twice; name it once", *word);
                else {
                        links->items = xreallocarray(links->items, links->count + 1, sizeof(*links->items));
                        links->items[links->count++] =
                                (struct job_link){xstrdup(*word), xstrdup(context->path), context->line};
                }
        }
}

/* Names of the tz database: what becomes a path must stay below its folder. */
static void parse_time_zone(const struct config_context *context, const char *value, void *target,
                            const void *otherwise) {
        if (zone_name_is_valid(value) || !*value) {
                config_parse_text(context, value, target, otherwise);
                return;
        }
        _cleanup_free_ char *shown = utf8_escape(value, strlen(value), 64);

        config_complain(context, "\"%s\" is no name of a time zone; it takes one like Europe/Berlin or UTC", shown);
}

static void parse_persistent(const struct config_context *context, const char *value, void *target,
                             const void *otherwise) {
        bool yes = streq(value, "yes") || streq(value, "true") || streq(value, "on") || streq(value, "1");
        bool no = streq(value, "false") || streq(value, "off") || streq(value, "0");

        config_parse_enum(context, yes ? "last" : no ? "no" : value, target, otherwise);
}

static void parse_bound(const struct config_context *context, const char *value, bool *has_bound, int64_t *bound) {
        if (!*value)
                *has_bound = false;
        else if (config_read_integer(context, value, bound))
                *has_bound = true;
}

static void parse_minimum(const struct config_context *context, const char *value, void *target,
                          const void *otherwise) {
        struct parameter *parameter = target;

        parse_bound(context, value, &parameter->has_minimum, &parameter->minimum);
}

static void parse_maximum(const struct config_context *context, const char *value, void *target,
                          const void *otherwise) {
        struct parameter *parameter = target;

        parse_bound(context, value, &parameter->has_maximum, &parameter->maximum);
}

/* An empty After= is a statement: the step waits for none. */
void job_parse_after(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        struct step *step = target;

        step->has_after = true;
        config_parse_words(context, value, &step->after, NULL);
}

void job_parse_steps(const struct config_context *context, const char *value, void *target, const void *otherwise) {
        config_parse_words(context, value, target, otherwise);
}

/* "!command" finds the items, anything else names them. The two do not mix. */
static void parse_for_each(const struct config_context *context, const char *value, void *target,
                           const void *otherwise) {
        struct step *step = target;
        const char *command = value + 1 + strspn(value + (*value == '!'), " \t");

        if (*value && (*value == '!' ? step->for_each != NULL : step->for_each_command != NULL)) {
                config_complain(context, "items are named, or found by one !command; write an empty ForEach= before to "
                                         "take the other back");
        } else if (*value == '!' && !*command) {
                config_complain(context,
                                "there is no command behind \"!\"; write one whose output lines are the items");
        } else if (*value == '!') {
                config_parse_command(context, command, &step->for_each_command, NULL);
        } else if (*value) {
                config_parse_words(context, value, &step->for_each, NULL);
        } else {
                step->for_each = strv_free(step->for_each);
                step->for_each_command = strv_free(step->for_each_command);
        }
        step->has_for_each = step->for_each || step->for_each_command;
}

static void parse_retry_exit_status(const struct config_context *context, const char *value, void *target,
                                    const void *otherwise) {
        struct step *step = target;

        config_parse_exit_statuses(context, value, &step->retry_exit_status, &(const struct exit_status_set){0});
        step->has_retry_exit_status = *value != '\0';
}

static void parse_records_min(const struct config_context *context, const char *value, void *target,
                              const void *otherwise) {
        uint64_t *records = target, number;

        if (!*value)
                *records = *(const uint64_t *)otherwise;
        else if (parse_uint64(value, &number) == 0 && number <= INT64_MAX)
                *records = number;
        else
                config_complain(context, "\"%.64s\" is no number of records; it takes a whole number from 0, like 500",
                                value);
}

#define IN_JOB(member) .section = "Job", .offset = offsetof(struct job, member)
#define IN_PARAMETER(member) .section = "Parameter", .offset = offsetof(struct parameter, member)
#define IN_MODE(member) .section = "Mode", .offset = offsetof(struct mode, member)
#define IN_STEP(member) .section = "Step", .offset = offsetof(struct step, member)
/* For functions that set more than one member: their target is the whole structure. */
#define OF_PARAMETER .section = "Parameter", .offset = 0
#define OF_STEP .section = "Step", .offset = 0
#define ANY_INTEGER .minimum = INT64_MIN, .maximum = INT64_MAX

/* clang-format off */
static const struct config_key job_keys[] = {
        {.name = "Description", IN_JOB(description), .parse = config_parse_text, .help = "what the job is for"},
        {.name = "Type", IN_JOB(type), .parse = config_parse_text, .help = "kind of batch in the history; the job's name unless said"},
        {.name = "OnCalendar", IN_JOB(on_calendar), .parse = parse_calendar, .is_list = true, .help = "when the job is due"},
        {.name = "TimeZone", IN_JOB(time_zone), .parse = parse_time_zone, .help = "time zone of OnCalendar="},
        {.name = "Persistent", IN_JOB(persistent), .parse = parse_persistent, .words = persistent_words, .help = "which missed due times run later"},
        {.name = "RandomizedDelaySec", IN_JOB(randomized_delay), .parse = config_parse_span, .help = "spreads due times over so long a time"},
        {.name = "AfterJob", IN_JOB(after_jobs), .parse = parse_after_job, .is_list = true, .help = "jobs whose success starts this one"},
        {.name = "Overlap", IN_JOB(overlap), .parse = config_parse_enum, .words = overlap_words, .help = "what a start does while a run is active"},
        {.name = "Priority", IN_JOB(priority), .parse = config_parse_int, .minimum = -1000, .maximum = 1000, .help = "which waiting run goes first: the higher one"},
        {.name = "Deadline", IN_JOB(deadline), .parse = parse_calendar, .is_list = true, .help = "by when a run must have succeeded"},
        {.name = "OnFailure", IN_JOB(on_failure), .parse = config_parse_words, .is_list = true, .help = "alerts that are told what goes wrong"},
        {.name = "OnRecovery", IN_JOB(on_recovery), .parse = config_parse_words, .is_list = true, .help = "alerts that are told when it is right again"},
        {.name = "Limit", IN_JOB(limits), .parse = config_parse_limits, .is_list = true, .help = "slots of limits that a run holds"},
        {.name = "RunTimeoutSec", IN_JOB(run_timeout), .parse = config_parse_limit_span, .help = "longest time for all of a run"},
        {.name = "RestartLost", IN_JOB(restart_lost), .parse = config_parse_bool, .help = "start a run again that the machine went down under"},
        {.name = "Condition", IN_JOB(condition), .parse = config_parse_command, .help = "a command that decides whether the run is skipped"},
        {.name = "ReadyWhen", IN_JOB(ready_when), .parse = config_parse_command, .help = "a command that tells when the run may begin"},
        {.name = "Keep", IN_JOB(keep), .parse = config_parse_keep, .help = "how much of its ended runs stays"},
        {.name = "DefaultMode", IN_JOB(default_mode), .parse = config_parse_text, .help = "mode of a run that names none"},
        {.name = "Environment", IN_JOB(environment), .parse = config_parse_environment, .is_list = true, .help = "variables for all steps"},
        {.name = "EnvironmentFile", IN_JOB(environment_files), .parse = config_parse_optional_paths, .is_list = true, .help = "files with variables for all steps"},
        {.name = "WorkingDirectory", IN_JOB(working_directory), .parse = config_parse_path, .help = "where the commands run"},

        {.name = "Type", IN_PARAMETER(type), .parse = config_parse_enum, .words = parameter_type_words, .help = "kind of value"},
        {.name = "Minimum", OF_PARAMETER, .parse = parse_minimum, ANY_INTEGER, .help = "least integer"},
        {.name = "Maximum", OF_PARAMETER, .parse = parse_maximum, ANY_INTEGER, .help = "greatest integer"},
        {.name = "Pattern", IN_PARAMETER(pattern), .parse = config_parse_text, .help = "regular expression for the whole value"},
        {.name = "Values", IN_PARAMETER(values), .parse = config_parse_words, .is_list = true, .help = "the words that an enum takes"},
        {.name = "Default", IN_PARAMETER(default_value), .parse = config_parse_text, .help = "value when none is given"},
        {.name = "Required", IN_PARAMETER(required), .parse = config_parse_bool, .help = "a run must be given a value"},
        {.name = "Description", IN_PARAMETER(description), .parse = config_parse_text, .help = "what the parameter means"},

        {.name = "Steps", IN_MODE(steps), .parse = job_parse_steps, .is_list = true, .help = "steps of the mode, in order"},
        {.name = "Description", IN_MODE(description), .parse = config_parse_text, .help = "what the mode is for"},

        {.name = "Exec", IN_STEP(exec), .parse = config_parse_command, .help = "the command and its arguments"},
        {.name = "After", OF_STEP, .parse = job_parse_after, .is_list = true, .help = "steps that must have ended"},
        {.name = "ForEach", OF_STEP, .parse = parse_for_each, .is_list = true, .help = "the items that the step runs for, or !command that finds them"},
        {.name = "MaxParallel", IN_STEP(max_parallel), .parse = config_parse_unsigned, .minimum = 1, .maximum = 1000, .help = "items at once"},
        {.name = "ItemDelaySec", IN_STEP(item_delay), .parse = config_parse_span, .help = "time between the starts of two items"},
        {.name = "Condition", IN_STEP(condition), .parse = config_parse_command, .help = "a command that decides whether the step is skipped"},
        {.name = "Fallback", IN_STEP(fallback), .parse = config_parse_text, .help = "the step that runs instead when this one failed"},
        {.name = "TimeoutSec", IN_STEP(timeout), .parse = config_parse_limit_span, .help = "longest time for one attempt"},
        {.name = "KillGraceSec", IN_STEP(kill_grace), .parse = config_parse_span, .help = "time from SIGTERM to SIGKILL"},
        {.name = "HeartbeatSec", IN_STEP(heartbeat), .parse = config_parse_limit_span, .help = "longest silence of the step"},
        {.name = "HeartbeatAction", IN_STEP(heartbeat_action), .parse = config_parse_enum, .words = heartbeat_action_words, .help = "what a missing heartbeat does"},
        {.name = "SuccessExitStatus", IN_STEP(success_exit_status), .parse = config_parse_exit_statuses, .is_list = true, .help = "further statuses that are success"},
        {.name = "WarnExitStatus", IN_STEP(warn_exit_status), .parse = config_parse_exit_statuses, .is_list = true, .help = "statuses that are success with a warning"},
        {.name = "Retries", IN_STEP(retries), .parse = config_parse_unsigned, .minimum = 0, .maximum = 1000, .help = "attempts after the first"},
        {.name = "RetryDelaySec", IN_STEP(retry_delay), .parse = config_parse_span, .help = "time before the first retry"},
        {.name = "RetryBackoff", IN_STEP(retry_backoff), .parse = config_parse_factor, .minimum = 1, .maximum = 100, .help = "factor from one delay to the next"},
        {.name = "RetryMaxDelaySec", IN_STEP(retry_max_delay), .parse = config_parse_limit_span, .help = "longest delay"},
        {.name = "RetryExitStatus", OF_STEP, .parse = parse_retry_exit_status, .is_list = true, .help = "exit statuses that are tried again"},
        {.name = "Critical", IN_STEP(critical), .parse = config_parse_bool, .help = "whether a failure ends the run"},
        {.name = "RecordsMin", IN_STEP(records_min), .parse = parse_records_min, .help = "fewest records that are a success"},
        {.name = "RecordsBand", IN_STEP(records_band), .parse = config_parse_band, .help = "what an unusual number of records does"},
        {.name = "CoverageMin", IN_STEP(coverage_min), .parse = config_parse_share, .help = "least part of the input that is a success"},
        {.name = "BreakerFailures", IN_STEP(breaker_failures), .parse = config_parse_unsigned, .minimum = 0, .maximum = 1000, .help = "failures in a row that open the breaker"},
        {.name = "BreakerResetSec", IN_STEP(breaker_reset), .parse = config_parse_span, .help = "how long an open breaker refuses"},
        {.name = "MemoryMax", IN_STEP(memory_max), .parse = config_parse_bytes, .help = "most memory, in bytes"},
        {.name = "CPUQuota", IN_STEP(cpu_quota_percent), .parse = config_parse_percent, .minimum = 1, .maximum = 100000, .help = "most processor time"},
        {.name = "TasksMax", IN_STEP(tasks_max), .parse = config_parse_count, .help = "most processes and threads"},
        {.name = "Nice", IN_STEP(nice), .parse = config_parse_int, .minimum = -20, .maximum = 19, .help = "scheduling priority"},
        {.name = "Limit", IN_STEP(limits), .parse = config_parse_limits, .is_list = true, .help = "slots of limits that an attempt holds"},
        {.name = "Environment", IN_STEP(environment), .parse = config_parse_environment, .is_list = true, .help = "variables for this step"},
        {.name = "Description", IN_STEP(description), .parse = config_parse_text, .help = "what the step does"},
        {.name = "Impact", IN_STEP(impact), .parse = config_parse_text, .help = "what running it changes"},
};
/* clang-format on */

const struct config_table job_key_table = {.keys = job_keys, .n_keys = ELEMENTSOF(job_keys), .file = "a job file"};
