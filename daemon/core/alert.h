/* Alerts: whom batchd.conf wants to be told, of what, and in which words. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "diagnostic.h"
#include "jval.h"
#include "timeutil.h"

#define ALERTS_MAX 100
#define ALERT_HEADERS_MAX 20

struct job;

/* What can be told. The words are those of On=. */
enum alert_event {
        ALERT_FAILURE,  /* a run failed */
        ALERT_PARTIAL,  /* a run ended partial, with a warning that the run before did not have */
        ALERT_RECOVERY, /* a run succeeded after one that failed, or after a deadline that passed */
        ALERT_DEADLINE, /* Deadline= passed without a success */
        ALERT_BREAKER,  /* a step's circuit breaker opened */
        ALERT_SLOW,     /* a run takes much longer than usual */
        ALERT_SUCCESS,  /* a run succeeded: for dead-man switches */
        _ALERT_EVENT_MAX,
};
const char *alert_event_to_string(enum alert_event event);

enum alert_method { ALERT_POST, ALERT_PUT, ALERT_GET }; /* GET sends no body */
const char *alert_method_to_string(enum alert_method method);

/* One [Alert NAME]. */
struct alert {
        char *name;
        char *url;            /* where the message is sent to, or */
        char *url_credential; /* the name of the credential that holds the URL, or */
        char **command;       /* the command that is given it */
        enum alert_method method;
        char *body; /* a template; NULL: all facts as one JSON object */
        char *content_type;
        char **headers;            /* "Name: value" */
        char **header_credentials; /* names of credentials that hold such lines */
        unsigned on;               /* bits of enum alert_event; 0: all but success */
        char **jobs;               /* patterns of job names (fnmatch(3)): told without being named in the job's file */
        usec_t repeat;             /* the same fact again is told no sooner; 0: each time */
        usec_t timeout;            /* of one attempt to deliver */
        unsigned retries;
};
extern const struct alert alert_defaults;
void alert_done(struct alert *alert);

/* Deep copies; free with alert_done. */
void alert_copy(struct alert *ret, const struct alert *alert);

/* Whether the alert is told of that event of the job: it matches Jobs=, or the job names it in OnFailure= (recoveries
 * and successes: OnRecovery=). */
bool alert_wants(const struct alert *alert, enum alert_event event, const struct job *job);

/* Names in OnFailure= and OnRecovery= that no alert has, and a Deadline= that nobody is told of, as warnings. */
void alert_check_names(const struct job *job, const struct alert *items, size_t n_items,
                       struct diagnostics *diagnostics);

/* -EINVAL with what is wrong: a ${name} that is no fact. */
int alert_template_check(const char *text, char **ret_error);
/* The body of the message: all facts, or the template with ${name} replaced by facts, which are escaped for the inside
 * of a JSON string when the content type is JSON. New string. */
char *alert_body(const struct alert *alert, const struct jval *facts);
