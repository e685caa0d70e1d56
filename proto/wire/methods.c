#include "method_table.h"

#include <assert.h>

#include "macro.h"
#include "method_arguments.h"

const struct method method_table[] = {
        [METHOD_DAEMON_HELLO] =
                {
                        .id = METHOD_DAEMON_HELLO,
                        .name = "daemon.hello",
                        .right = RIGHT_NONE,
                        .help = "Who answers: version of the program and of the protocol, host and process",
                        .arguments =
                                {
                                        {.name = "client",
                                         .type = ARGUMENT_STRING,
                                         .help = "Name and version of the client"},
                                        {.name = "protocol",
                                         .type = ARGUMENT_INTEGER,
                                         .help = "Version of the protocol that the client speaks",
                                         .minimum = 1,
                                         .maximum = INT32_MAX},
                                },
                },
        [METHOD_DAEMON_STATUS] =
                {
                        .id = METHOD_DAEMON_STATUS,
                        .name = "daemon.status",
                        .right = RIGHT_WATCH,
                        .help = "The daemon at a glance: uptime, runs, watchers, memory, state of database and mirror",
                },
        [METHOD_DAEMON_RELOAD] =
                {
                        .id = METHOD_DAEMON_RELOAD,
                        .name = "daemon.reload",
                        .right = RIGHT_ACT,
                        .acts = true,
                        .help = "Reads the job files again; a job whose file is wrong stays as it was",
                        .arguments = {ACTING},
                },
        [METHOD_DAEMON_DRAIN] =
                {
                        .id = METHOD_DAEMON_DRAIN,
                        .name = "daemon.drain",
                        .right = RIGHT_ACT,
                        .acts = true,
                        .help = "Starts nothing new and lets finish what runs, until it is taken back",
                        .arguments =
                                {
                                        {.name = "off",
                                         .type = ARGUMENT_BOOLEAN,
                                         .help = "Take it back: jobs start again"},
                                        {.name = "reason",
                                         .type = ARGUMENT_STRING,
                                         .help = "Why, in words; shown with what is refused"},
                                        ACTING,
                                },
                },
        [METHOD_JOB_LIST] =
                {
                        .id = METHOD_JOB_LIST,
                        .name = "job.list",
                        .right = RIGHT_WATCH,
                        .help = "All jobs with their last run",
                },
        [METHOD_JOB_SHOW] =
                {
                        .id = METHOD_JOB_SHOW,
                        .name = "job.show",
                        .right = RIGHT_WATCH,
                        .help = "The definition of one job: parameters, modes, steps",
                        .arguments =
                                {{.name = "job", .type = ARGUMENT_STRING, .required = true, .help = "Name of the job"}},
                },
        [METHOD_JOB_PAUSE] =
                {
                        .id = METHOD_JOB_PAUSE,
                        .name = "job.pause",
                        .right = RIGHT_ACT,
                        .acts = true,
                        .help = "Starts no run of the job, by schedule or by hand, until it is resumed",
                        .arguments =
                                {
                                        {.name = "job",
                                         .type = ARGUMENT_STRING,
                                         .required = true,
                                         .help = "Name of the job"},
                                        {.name = "reason",
                                         .type = ARGUMENT_STRING,
                                         .help = "Why, in words; shown with the job"},
                                        {.name = "until",
                                         .type = ARGUMENT_TIME,
                                         .help = "When the pause ends by itself; absent: when it is resumed"},
                                        ACTING,
                                },
                },
        [METHOD_JOB_RESUME] =
                {
                        .id = METHOD_JOB_RESUME,
                        .name = "job.resume",
                        .right = RIGHT_ACT,
                        .acts = true,
                        .help = "Ends the pause of a job",
                        .arguments =
                                {
                                        {.name = "job",
                                         .type = ARGUMENT_STRING,
                                         .required = true,
                                         .help = "Name of the job"},
                                        ACTING,
                                },
                },
        [METHOD_BREAKER_RESET] =
                {
                        .id = METHOD_BREAKER_RESET,
                        .name = "breaker.reset",
                        .right = RIGHT_ACT,
                        .acts = true,
                        .help = "Closes breakers of a job's steps and forgets the failures that they counted",
                        .arguments =
                                {
                                        {.name = "job",
                                         .type = ARGUMENT_STRING,
                                         .required = true,
                                         .help = "Name of the job"},
                                        {.name = "step", .type = ARGUMENT_STRING, .help = "Only the one of this step"},
                                        ACTING,
                                },
                },
        [METHOD_SCHEDULE_LIST] =
                {
                        .id = METHOD_SCHEDULE_LIST,
                        .name = "schedule.list",
                        .right = RIGHT_WATCH,
                        .help = "Due times: what became of those past, and those ahead",
                        .arguments =
                                {
                                        {.name = "job", .type = ARGUMENT_STRING, .help = "Only of this job"},
                                        {.name = "from",
                                         .type = ARGUMENT_TIME,
                                         .help = "Due times from this instant on; absent: now"},
                                        {.name = "count",
                                         .type = ARGUMENT_INTEGER,
                                         .help = "How many; absent: 20",
                                         .minimum = 1,
                                         .maximum = 1000},
                                },
                },
        [METHOD_RUN_START] =
                {
                        .id = METHOD_RUN_START,
                        .name = "run.start",
                        .right = RIGHT_ACT,
                        .acts = true,
                        .help = "Starts a run of a job",
                        .arguments =
                                {
                                        {.name = "job",
                                         .type = ARGUMENT_STRING,
                                         .required = true,
                                         .help = "Name of the job"},
                                        {.name = "mode",
                                         .type = ARGUMENT_STRING,
                                         .help = "Mode; absent: the job's DefaultMode="},
                                        {.name = "params",
                                         .type = ARGUMENT_OBJECT,
                                         .help = "Values of the job's parameters by name"},
                                        {.name = "steps",
                                         .type = ARGUMENT_STRINGS,
                                         .help = "Only these steps of the mode"},
                                        {.name = "force",
                                         .type = ARGUMENT_BOOLEAN,
                                         .help = "Start although a run of the job is active"},
                                        {.name = "skip_gates",
                                         .type = ARGUMENT_STRINGS,
                                         .help = "Gates that let through with a warning: records, band, coverage or "
                                                 "breaker, of every step, or STEP/coverage"},
                                        {.name = "triggered_by",
                                         .type = ARGUMENT_STRING,
                                         .help = "What asked for the run; absent: manual",
                                         .values = callers_triggers},
                                        {.name = "reason",
                                         .type = ARGUMENT_STRING,
                                         .help = "Why, in words; kept with the run"},
                                        {.name = "due",
                                         .type = ARGUMENT_TIME,
                                         .help = "The due instant it is started for: the same job and instant again "
                                                 "returns the "
                                                 "first run"},
                                        ACTING,
                                },
                },
        [METHOD_RUN_CURRENT] =
                {
                        .id = METHOD_RUN_CURRENT,
                        .name = "run.current",
                        .right = RIGHT_WATCH,
                        .help = "What is queued or runs now; an empty list: idle",
                        .arguments = {{.name = "job", .type = ARGUMENT_STRING, .help = "Only runs of this job"}},
                },
        [METHOD_RUN_LIST] =
                {
                        .id = METHOD_RUN_LIST,
                        .name = "run.list",
                        .right = RIGHT_WATCH,
                        .help = "Runs, newest first",
                        .arguments =
                                {
                                        {.name = "job", .type = ARGUMENT_STRING, .help = "Only runs of this job"},
                                        {.name = "type",
                                         .type = ARGUMENT_STRING,
                                         .help = "Only runs of this batch type"},
                                        {.name = "mode", .type = ARGUMENT_STRING, .help = "Only runs in this mode"},
                                        {.name = "status",
                                         .type = ARGUMENT_STRING,
                                         .help = "Only runs with this status",
                                         .values = run_statuses},
                                        {.name = "triggered_by",
                                         .type = ARGUMENT_STRING,
                                         .help = "Only runs with this trigger",
                                         .values = all_triggers},
                                        {.name = "params",
                                         .type = ARGUMENT_OBJECT,
                                         .help = "Only runs whose parameters have these values"},
                                        SINCE_UNTIL("runs asked for"),
                                        LIMIT_OF_PAGE,
                                        {.name = "before",
                                         .type = ARGUMENT_INTEGER,
                                         .help = "Only runs with a smaller number: the `next` of the page before",
                                         .minimum = 1,
                                         .maximum = INT64_MAX},
                                },
                },
        [METHOD_RUN_SHOW] =
                {
                        .id = METHOD_RUN_SHOW,
                        .name = "run.show",
                        .right = RIGHT_WATCH,
                        .help = "One run with its steps, attempts, counters, warnings and progress",
                        .arguments = {RUN_OR_LATEST,
                                      {.name = "after",
                                       .type = ARGUMENT_INTEGER,
                                       .help = "Leave out so many steps and attempts: the `next` of the page before",
                                       .maximum = INT32_MAX}},
                },
        [METHOD_RUN_CANCEL] =
                {
                        .id = METHOD_RUN_CANCEL,
                        .name = "run.cancel",
                        .right = RIGHT_ACT,
                        .acts = true,
                        .help = "Ends a run and all its processes",
                        .arguments =
                                {
                                        {.name = "run",
                                         .type = ARGUMENT_RUN,
                                         .help = "Number or uuid of the run; absent: the one that runs, if it is one"},
                                        {.name = "reason",
                                         .type = ARGUMENT_STRING,
                                         .help = "Why, in words; kept with the run"},
                                        ACTING,
                                },
                },
        [METHOD_RUN_RETRY] =
                {
                        .id = METHOD_RUN_RETRY,
                        .name = "run.retry",
                        .right = RIGHT_ACT,
                        .acts = true,
                        .help = "A new run that goes on where an ended one did not succeed",
                        .arguments =
                                {
                                        {.name = "run",
                                         .type = ARGUMENT_RUN,
                                         .required = true,
                                         .help = "Number or uuid of the run that has ended"},
                                        {.name = "from",
                                         .type = ARGUMENT_STRING,
                                         .help = "Step to go on from: it and all that come after it run, and what did not "
                                                 "succeed; absent: only that"},
                                        {.name = "force",
                                         .type = ARGUMENT_BOOLEAN,
                                         .help = "Although the job has changed or is paused, or a run of it is active"},
                                        {.name = "reason",
                                         .type = ARGUMENT_STRING,
                                         .help = "Why, in words; kept with the run"},
                                        ACTING,
                                },
                },
        [METHOD_RUN_BACKFILL] =
                {
                        .id = METHOD_RUN_BACKFILL,
                        .name = "run.backfill",
                        .right = RIGHT_ACT,
                        .acts = true,
                        .help = "Runs a job for a range or a list of values of a parameter",
                        .arguments =
                                {
                                        {.name = "job",
                                         .type = ARGUMENT_STRING,
                                         .required = true,
                                         .help = "Name of the job"},
                                        {.name = "mode",
                                         .type = ARGUMENT_STRING,
                                         .help = "Mode; absent: the job's DefaultMode="},
                                        {.name = "parameter",
                                         .type = ARGUMENT_STRING,
                                         .help = "The parameter to go through; absent: the only date, else the only integer"},
                                        {.name = "from", .type = ARGUMENT_STRING, .help = "First value of a range"},
                                        {.name = "to", .type = ARGUMENT_STRING, .help = "Last value of the range"},
                                        {.name = "values",
                                         .type = ARGUMENT_STRINGS,
                                         .help = "A list of values instead"},
                                        {.name = "params",
                                         .type = ARGUMENT_OBJECT,
                                         .help = "Values of the other parameters by name"},
                                        {.name = "only",
                                         .type = ARGUMENT_STRING,
                                         .help = "missing (what has no successful run), failed (what failed last) or all; "
                                                 "absent: missing",
                                         .values = backfill_choices},
                                        {.name = "parallel",
                                         .type = ARGUMENT_INTEGER,
                                         .help = "How many run beside each other; absent: 1",
                                         .minimum = 1,
                                         .maximum = 50},
                                        {.name = "reverse", .type = ARGUMENT_BOOLEAN, .help = "The last value first"},
                                        {.name = "dry_run",
                                         .type = ARGUMENT_BOOLEAN,
                                         .help = "Only say what would run"},
                                        {.name = "skip_gates",
                                         .type = ARGUMENT_STRINGS,
                                         .help = "Gates that stop none of the runs"},
                                        {.name = "reason",
                                         .type = ARGUMENT_STRING,
                                         .help = "Why, in words; kept with the run"},
                                        ACTING,
                                },
                },
        [METHOD_RUN_TAIL] =
                {
                        .id = METHOD_RUN_TAIL,
                        .name = "run.tail",
                        .right = RIGHT_WATCH,
                        .streams = true,
                        .help = "The lines of a run; with follow, every new line and change of state until it ends",
                        .arguments =
                                {
                                        RUN_OR_LATEST,
                                        {.name = "lines",
                                         .type = ARGUMENT_INTEGER,
                                         .help = "Begin with that many of the last lines; absent: all that the live "
                                                 "buffer holds",
                                         .maximum = 100000},
                                        {.name = "after",
                                         .type = ARGUMENT_INTEGER,
                                         .help = "Begin behind the line with this sequence number; 0: from the first "
                                                 "line",
                                         .maximum = INT64_MAX},
                                        {.name = "follow",
                                         .type = ARGUMENT_BOOLEAN,
                                         .help = "Go on with new lines and changes of state until the run ends"},
                                },
                },
        [METHOD_RUN_SUMMARY] =
                {
                        .id = METHOD_RUN_SUMMARY,
                        .name = "run.summary",
                        .right = RIGHT_WATCH,
                        .help = "What came of a run, step by step, against the median of earlier runs",
                        .arguments = {RUN_OR_LATEST},
                },
        [METHOD_RUN_QUALITY] =
                {
                        .id = METHOD_RUN_QUALITY,
                        .name = "run.quality",
                        .right = RIGHT_WATCH,
                        .help = "The quality of a run's data: how many items are full, limited, failed",
                        .arguments = {RUN_OR_LATEST},
                },
        [METHOD_RUN_WHY] =
                {
                        .id = METHOD_RUN_WHY,
                        .name = "run.why",
                        .right = RIGHT_WATCH,
                        .help = "Why a run waits, or ended as it did, or why a job does not run: facts, and what to do next",
                        .arguments = {RUN_OR_LATEST,
                                      {.name = "job",
                                       .type = ARGUMENT_STRING,
                                       .help = "Of this job, instead of a run"}},
                },
        [METHOD_JOB_HEALTH] =
                {
                        .id = METHOD_JOB_HEALTH,
                        .name = "job.health",
                        .right = RIGHT_WATCH,
                        .help = "How jobs have been doing: runs, failure rate, durations, runs without a record",
                        .arguments =
                                {
                                        {.name = "job", .type = ARGUMENT_STRING, .help = "Only this job"},
                                        SINCE_UNTIL("runs asked for"),
                                        {.name = "compare",
                                         .type = ARGUMENT_TIME,
                                         .help = "Before and after this instant, apart"},
                                },
                },
        [METHOD_STEP_LIST] =
                {
                        .id = METHOD_STEP_LIST,
                        .name = "step.list",
                        .right = RIGHT_WATCH,
                        .help = "The steps of all runs that have ended, newest first, or counts of them by name and status",
                        .arguments =
                                {
                                        {.name = "step", .type = ARGUMENT_STRING, .help = "Only steps of this name"},
                                        {.name = "item", .type = ARGUMENT_STRING, .help = "Only steps of this item"},
                                        {.name = "job", .type = ARGUMENT_STRING, .help = "Only steps of this job"},
                                        {.name = "type",
                                         .type = ARGUMENT_STRING,
                                         .help = "Only steps of runs of this batch type"},
                                        {.name = "status",
                                         .type = ARGUMENT_STRING,
                                         .help = "Only steps with this status",
                                         .values = ended_statuses},
                                        SINCE_UNTIL("steps that ended"),
                                        {.name = "group",
                                         .type = ARGUMENT_BOOLEAN,
                                         .help = "Counts by name and status instead of the steps themselves"},
                                        LIMIT_OF_PAGE,
                                        {.name = "before",
                                         .type = ARGUMENT_STRING,
                                         .help = "The `next` of the page before"},
                                },
                },
        [METHOD_EVENTS_SUBSCRIBE] =
                {
                        .id = METHOD_EVENTS_SUBSCRIBE,
                        .name = "events.subscribe",
                        .right = RIGHT_WATCH,
                        .streams = true,
                        .help = "What is queued or runs now, then every change of state of every run",
                        .arguments = {{.name = "jobs",
                                       .type = ARGUMENT_STRINGS,
                                       .help = "Only of these jobs; absent: of all"}},
                },
        [METHOD_LOG_READ] =
                {
                        .id = METHOD_LOG_READ,
                        .name = "log.read",
                        .right = RIGHT_WATCH,
                        .help = "The complete log of an attempt from disk, paged",
                        .arguments =
                                {
                                        RUN_OR_LATEST,
                                        {.name = "step",
                                         .type = ARGUMENT_STRING,
                                         .help = "Name of the step; absent: the first that did not succeed, else the "
                                                 "last"},
                                        {.name = "item", .type = ARGUMENT_STRING, .help = "Item of the step"},
                                        {.name = "attempt",
                                         .type = ARGUMENT_INTEGER,
                                         .help = "Attempt, from 1; absent or 0: the last",
                                         .maximum = INT32_MAX},
                                        {.name = "offset",
                                         .type = ARGUMENT_INTEGER,
                                         .help = "Byte of the file to begin at; absent: 0",
                                         .maximum = INT64_MAX},
                                        {.name = "limit",
                                         .type = ARGUMENT_INTEGER,
                                         .help = "Bytes of the file at most; absent and at most: 131072",
                                         .minimum = 1,
                                         .maximum = 131072},
                                        {.name = "encoding",
                                         .type = ARGUMENT_STRING,
                                         .help = "text (foreign bytes escaped) or base64 (byte for byte); absent: text",
                                         .values = encodings},
                                },
                },
        [METHOD_ALERT_LIST] =
                {
                        .id = METHOD_ALERT_LIST,
                        .name = "alert.list",
                        .right = RIGHT_WATCH,
                        .help = "Whom alerts tell, how that went, and the messages that wait",
                },
        [METHOD_ALERT_TEST] =
                {
                        .id = METHOD_ALERT_TEST,
                        .name = "alert.test",
                        .right = RIGHT_ACT,
                        .acts = true,
                        .help = "Sends a message that says that it is a test",
                        .arguments =
                                {
                                        {.name = "alert",
                                         .type = ARGUMENT_STRING,
                                         .required = true,
                                         .help = "Name of the alert"},
                                        ACTING,
                                },
                },
        [METHOD_LIMIT_LIST] =
                {
                        .id = METHOD_LIMIT_LIST,
                        .name = "limit.list",
                        .right = RIGHT_WATCH,
                        .help = "The limits with their slots, who holds some, and who waits for some",
                },
        [METHOD_AUDIT_LIST] =
                {
                        .id = METHOD_AUDIT_LIST,
                        .name = "audit.list",
                        .right = RIGHT_WATCH,
                        .help = "Who did what, with which outcome, newest first",
                        .arguments =
                                {
                                        {.name = "run", .type = ARGUMENT_RUN, .help = "Only what was done to this run"},
                                        {.name = "user", .type = ARGUMENT_STRING, .help = "Only calls by or for them"},
                                        {.name = "method",
                                         .type = ARGUMENT_STRING,
                                         .help = "Only calls of this method"},
                                        SINCE_UNTIL("what was done"),
                                        LIMIT_OF_PAGE,
                                        {.name = "before",
                                         .type = ARGUMENT_INTEGER,
                                         .help = "The `next` of the page before",
                                         .maximum = INT64_MAX},
                                },
                },
        [METHOD_READINESS_SHOW] =
                {
                        .id = METHOD_READINESS_SHOW,
                        .name = "readiness.show",
                        .right = RIGHT_WATCH,
                        .help = "What there is of a week's football data, and how complete it is",
                        .arguments = {FOOTBALL_WEEK},
                },
        [METHOD_READINESS_REFRESH] =
                {
                        .id = METHOD_READINESS_REFRESH,
                        .name = "readiness.refresh",
                        .right = RIGHT_ACT,
                        .acts = true,
                        .help = "Starts a run of the job data_readiness, which counts it anew",
                        .arguments = {FOOTBALL_WEEK, ACTING},
                },
};
static_assert(ELEMENTSOF(method_table) == _METHOD_MAX, "a row for every method");
