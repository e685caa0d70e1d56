/* The model of a job: what a job file says, checked. Immutable once parsed; shared by reference, so that running runs
 * keep theirs over a reload. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calendar.h"
#include "cleanup.h"
#include "due.h"
#include "jval.h"
#include "limit.h"
#include "retention.h"
#include "timeutil.h"

enum parameter_type { PARAMETER_STRING, PARAMETER_INTEGER, PARAMETER_BOOLEAN, PARAMETER_DATE, PARAMETER_ENUM };

struct parameter {
        char *name;
        enum parameter_type type;
        bool has_minimum, has_maximum;
        int64_t minimum, maximum;
        char *pattern; /* POSIX extended, matches the whole value */
        char **values; /* of an enum */
        char *default_value;
        bool required;
        char *description;
};

struct mode {
        char *name;
        char *description;
        char **steps;
};

enum heartbeat_action { HEARTBEAT_WARN, HEARTBEAT_KILL };

enum band_action { BAND_NONE, BAND_WARN, BAND_FAIL };

/* RecordsBand=: record_band.h. */
struct band_rule {
        enum band_action action;
        double width;
        unsigned window, least;
};

struct exit_status_set {
        uint8_t bits[32]; /* 256 bits */
};
bool exit_status_set_contains(const struct exit_status_set *set, int status);

struct step {
        char *name;
        char *description;
        char *impact;
        char **exec;    /* argv before substitution */
        bool has_after; /* After= was written; an empty one starts at once */
        char **after;
        usec_t timeout;    /* of one attempt; USEC_INFINITY: none */
        usec_t kill_grace; /* TERM to KILL */
        usec_t heartbeat;  /* USEC_INFINITY: none */
        enum heartbeat_action heartbeat_action;
        struct exit_status_set success_exit_status; /* 0 is always in it */
        struct exit_status_set warn_exit_status;
        unsigned retries;
        usec_t retry_delay;
        double retry_backoff; /* factor from one delay to the next; 1 is constant */
        usec_t retry_max_delay;
        bool has_retry_exit_status; /* else every failure but a permanent one is tried again */
        struct exit_status_set retry_exit_status;
        bool critical;
        uint64_t records_min; /* 0: none */
        struct band_rule records_band;
        double coverage_min;       /* 0 to 1; 0: none */
        unsigned breaker_failures; /* in a row; 0: no breaker */
        usec_t breaker_reset;
        char **condition;           /* argv of a command: 0 goes on, 1 skips the step; NULL: none */
        char *fallback;             /* name of the step that runs instead when this one failed; NULL: none */
        char **for_each;            /* words, before substitution; NULL: none */
        char **for_each_command;    /* argv of a command whose output lines are the items; NULL: none */
        bool has_for_each;          /* ForEach= was written: the one or the other */
        unsigned max_parallel;      /* items at once */
        usec_t item_delay;          /* between the starts of two items */
        uint64_t memory_max;        /* bytes; UINT64_MAX: none */
        unsigned cpu_quota_percent; /* 0: none; 100 is one processor */
        uint64_t tasks_max;         /* UINT64_MAX: none */
        int nice;
        struct limit_uses limits; /* each attempt holds them */
        char **environment;       /* NAME=value */
};

enum overlap { OVERLAP_REJECT, OVERLAP_QUEUE, OVERLAP_REPLACE, OVERLAP_ALLOW };

/* One OnCalendar=. */
struct job_calendar {
        char *text;
        struct calendar *calendar;
        char *path; /* where it was written */
        unsigned line;
};

/* One word of AfterJob=. */
struct job_link {
        char *name; /* of the other job */
        char *path; /* where it was written */
        unsigned line;
};

struct job_links {
        struct job_link *items;
        size_t count;
};

struct job_calendars {
        struct job_calendar *items;
        size_t count;
};

struct job {
        unsigned references;
        char *name;
        char *path; /* of the main file */
        char definition_hash[17];
        char *description;
        char *type; /* batch_type; the job's name when absent */
        struct job_calendars on_calendar;
        char *time_zone; /* of the calendars that name none; NULL: the machine's */
        enum persistent persistent;
        usec_t randomized_delay;
        struct job_calendars deadline; /* a run must have succeeded between one of its instants and the next */
        struct job_links after_jobs;   /* a run of one of them that succeeds starts a run */
        enum overlap overlap;
        int priority;             /* of its runs that wait: higher ones first */
        struct limit_uses limits; /* each run holds them, from its start to its end */
        usec_t run_timeout;       /* USEC_INFINITY: none */
        bool restart_lost;        /* a run that the machine went down under is started again */
        struct keep keep;         /* of its ended runs; KEEP_ALL unless said */
        char **condition;         /* argv of a command: 0 goes on, 1 skips the run; NULL: none */
        char **ready_when;        /* argv of a command: 0 when the run may begin; NULL: none */
        char *default_mode;       /* NULL when there are no modes: all steps */
        char **environment;
        char **environment_files; /* with the leading '-' of an optional one */
        char *working_directory;
        char **on_failure, **on_recovery;
        struct parameter *parameters;
        size_t n_parameters;
        struct mode *modes;
        size_t n_modes;
        struct step *steps; /* in the file's order */
        size_t n_steps;
};

struct job *job_ref(struct job *job);
struct job *job_unref(struct job *job);
DEFINE_CLEANUP(struct job, job_unref);

const struct step *job_find_step(const struct job *job, const char *name);
/* Whether the job or one of its steps names the limit. */
bool job_takes_limit(const struct job *job, const char *name);
const struct mode *job_find_mode(const struct job *job, const char *name);
const struct parameter *job_find_parameter(const struct job *job, const char *name);

/* The result of job.show: description, type, parameters with types and ranges, modes, steps with what they do, file. */
struct jval *job_to_json(const struct job *job);
