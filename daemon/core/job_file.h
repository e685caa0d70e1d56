/* From the text of a job file and its drop-ins to a job. Pure: the texts are given, nothing is read. */
#pragma once

#include "alert.h"
#include "diagnostic.h"
#include "job.h"

struct source_text {
        const char *path;
        const char *text;
        size_t len;
};

/* sources[0] is NAME.job, the others its drop-ins in order. All mistakes are told to diagnostics. 0 with a new
 * reference in *ret, or -EINVAL when there was an error (warnings alone do not count). */
int job_parse(struct job **ret, const char *name, const struct source_text *sources, size_t n_sources,
              struct diagnostics *diagnostics);

/* batchd.conf and its drop-ins. */
struct daemon_config {
        char *database;              /* libpq conninfo; NULL or "": none */
        unsigned actions_per_minute; /* default 5 */
        int log_level;               /* enum log_level */
        bool log_json;               /* LogFormat=json */
        char *log_target; /* "journal", "console", "file", or NULL: journal when the journal listens, else console */
        char *log_file;   /* LogFile=; <state>/log/batchd.log when NULL */
        uint64_t log_rotate_size;
        unsigned log_rotate_keep;
        struct keep keep; /* of all ended runs together */
        struct limit_set limits;
        char **trusted_clients; /* user names */
        char *watch_group;      /* "batchd" */
        char *act_group;        /* "batchd-admin" */
        char *mirror_host;      /* HostName=; NULL: gethostname */
        char *state_directory;  /* NULL when not given, as all that follow */
        char *runtime_directory;
        char **jobs_directories; /* the first that has a job of a name wins */
        char *runner_path;
        char *sql_directory;
        char *alert_path;
        bool alerts_on;       /* Alerts= */
        struct alert *alerts; /* in the order of their first sections */
        size_t n_alerts;
};
int daemon_config_parse(struct daemon_config *ret, const struct source_text *sources, size_t n_sources,
                        struct diagnostics *diagnostics);
void daemon_config_done(struct daemon_config *config);

/* Names of all keys of a section ("Job", "Step", "Parameter", "Mode", "Daemon", "Alert"), NULL-terminated: for the
 * documentation test. Valid until the next call. */
const char *const *config_section_keys(const char *section);
