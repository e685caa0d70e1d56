/* The table of the control protocol's methods: the one place where a method's name, arguments, right and help are
 * written. Daemon (dispatch, argument checks), client and documentation tests use it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jval.h"

#define PROTOCOL_VERSION 1

enum method_id {
        METHOD_DAEMON_HELLO,
        METHOD_DAEMON_STATUS,
        METHOD_DAEMON_RELOAD,
        METHOD_DAEMON_DRAIN,
        METHOD_JOB_LIST,
        METHOD_JOB_SHOW,
        METHOD_JOB_PAUSE,
        METHOD_JOB_RESUME,
        METHOD_BREAKER_RESET,
        METHOD_SCHEDULE_LIST,
        METHOD_RUN_START,
        METHOD_RUN_CURRENT,
        METHOD_RUN_LIST,
        METHOD_RUN_SHOW,
        METHOD_RUN_CANCEL,
        METHOD_RUN_RETRY,
        METHOD_RUN_BACKFILL,
        METHOD_RUN_TAIL,
        METHOD_EVENTS_SUBSCRIBE,
        METHOD_RUN_SUMMARY,
        METHOD_RUN_QUALITY,
        METHOD_RUN_WHY,
        METHOD_JOB_HEALTH,
        METHOD_STEP_LIST,
        METHOD_LOG_READ,
        METHOD_ALERT_LIST,
        METHOD_ALERT_TEST,
        METHOD_LIMIT_LIST,
        METHOD_AUDIT_LIST,
        METHOD_READINESS_SHOW,
        METHOD_READINESS_REFRESH,
        _METHOD_MAX,
};

enum method_right {
        RIGHT_NONE,  /* anybody who can connect: daemon.hello */
        RIGHT_WATCH, /* group batchd, and all who may act */
        RIGHT_ACT,   /* group batchd-admin, root, the daemon's own user */
};

enum argument_type {
        ARGUMENT_STRING,
        ARGUMENT_INTEGER,
        ARGUMENT_BOOLEAN,
        ARGUMENT_TIME,    /* RFC 3339 */
        ARGUMENT_STRINGS, /* array of strings */
        ARGUMENT_OBJECT,
        ARGUMENT_RUN, /* run number (integer or decimal text), uuid */
};

struct method_argument {
        const char *name; /* NULL ends the list */
        enum argument_type type;
        bool required;
        const char *help;
        const char *const *values; /* allowed words, NULL-terminated; NULL: any */
        int64_t minimum, maximum;  /* of an integer; both 0: any */
};

struct method {
        enum method_id id;
        const char *name;
        enum method_right right;
        bool acts;    /* changes something: takes request_id and on_behalf, is counted by the rate limit, audited */
        bool streams; /* notifications may follow the answer */
        const char *help;
        struct method_argument arguments[16];
};

const struct method *method_by_id(enum method_id id);
/* NULL when there is none. */
const struct method *method_by_name(const char *name);
/* The known name nearest to a wrong one, or NULL. */
const char *method_suggest(const char *name);
/* What an argument takes, for people: "an integer from 1 to 1000", "one of manual, api, timer". New string. */
char *method_argument_takes(const struct method_argument *argument);

/* Checks params (NULL or an object) against the table: unknown names, types, allowed words, what is required. 0, or
 * -EINVAL with *ret_error saying which parameter and what it takes, and *ret_parameter its name. */
int method_check_params(const struct method *method, const struct jval *params, char **ret_error, char **ret_parameter);

/* Kinds of errors: `data.kind` of an error object. The words are part of the protocol. */
enum error_kind {
        ERROR_KIND_PARSE,  /* the frame's content is no JSON, or no JSON-RPC */
        ERROR_KIND_METHOD, /* no such method */
        ERROR_KIND_INVALID_PARAMS,
        ERROR_KIND_ALREADY_RUNNING,
        ERROR_KIND_NOT_FOUND,
        ERROR_KIND_RATE_LIMITED,
        ERROR_KIND_NOT_PERMITTED,
        ERROR_KIND_PAUSED,
        ERROR_KIND_TOO_LARGE,
        ERROR_KIND_UNAVAILABLE,
        ERROR_KIND_VERSION,
        ERROR_KIND_INTERNAL,
        _ERROR_KIND_MAX,
};
const char *error_kind_to_string(enum error_kind kind);
/* ERROR_KIND_INTERNAL for an unknown word. */
enum error_kind error_kind_from_string(const char *text);
/* JSON-RPC 2.0's number for the kind (-32700, -32601, -32602, -32000 ...). */
int error_kind_code(enum error_kind kind);
