/* The commands of batchctl. Each is one struct verb, beside its function; verbs.c lists them. Parsing, help, completion
 * and the documentation test read these rows. */
#pragma once

#include "context.h"
#include "exit_status.h"
#include "options.h"

struct verb {
        const char *name;
        const char *arguments; /* as shown in help: "JOB", "[RUN]" */
        int min_arguments;
        int max_arguments; /* -1: any number, all passed on */
        const char *summary;
        const char *examples; /* lines; shown first in help */
        const char *details;  /* further lines of help; may be NULL */
        const struct option_row *options;
        size_t options_size;  /* of the structure that the options fill */
        const void *defaults; /* its initial content; NULL: zeros */
        /* arguments: min_arguments to max_arguments of them, NULL-terminated. Returns an exit status. */
        int (*run)(const struct context *context, const void *options, char *const *arguments);
        bool hidden;
        bool takes_all; /* everything behind the verb is an argument, options too */
};

/* NULL-terminated, in the order of help. */
extern const struct verb *const verbs[];
const struct verb *verb_find(const char *name);
/* The name nearest to a wrong one, or NULL. */
const char *verb_suggest(const char *name);
/* The options that every command takes, filling struct global_options. */
extern const struct option_row global_rows[];

extern const struct verb verb_alerts;
extern const struct verb verb_backfill;
extern const struct verb verb_cancel;
extern const struct verb verb_complete;
extern const struct verb verb_drain;
extern const struct verb verb_help;
extern const struct verb verb_history;
extern const struct verb verb_limits;
extern const struct verb verb_list;
extern const struct verb verb_logs;
extern const struct verb verb_next;
extern const struct verb verb_pause;
extern const struct verb verb_readiness;
extern const struct verb verb_reload;
extern const struct verb verb_report;
extern const struct verb verb_reset;
extern const struct verb verb_resume;
extern const struct verb verb_retry;
extern const struct verb verb_run;
extern const struct verb verb_show;
extern const struct verb verb_status;
extern const struct verb verb_steps;
extern const struct verb verb_audit;
extern const struct verb verb_summary;
extern const struct verb verb_tail;
extern const struct verb verb_validate;
extern const struct verb verb_version;
extern const struct verb verb_why;

/* Help of one command, or of all (NULL). */
void help_append(const struct verb *verb, struct buf *out);
