/* The words for what became of runs and steps: statuses, reasons, triggers. They are part of every interface. */
#pragma once

#include <stdbool.h>

enum run_status {
        RUN_QUEUED,
        RUN_RUNNING,
        RUN_SUCCESS,
        RUN_PARTIAL, /* done, with warnings or a failure that is not critical */
        RUN_FAILED,
        RUN_CANCELLED,
        RUN_SKIPPED,
        _RUN_STATUS_MAX,
        _RUN_STATUS_INVALID = -22, /* -EINVAL */
};

enum step_status {
        STEP_PENDING,
        STEP_RUNNING,
        STEP_SUCCESS,
        STEP_FAILED,
        STEP_SKIPPED,
        STEP_CANCELLED,
        _STEP_STATUS_MAX,
        _STEP_STATUS_INVALID = -22,
};

enum reason {
        REASON_NONE, /* written as NULL / null */
        REASON_EXIT,
        REASON_SIGNAL,
        REASON_OOM,
        REASON_TIMEOUT,
        REASON_HEARTBEAT,
        REASON_LOST,
        REASON_DEPENDENCY,
        REASON_NOT_READY,
        REASON_CONDITION,
        REASON_GATE,
        REASON_RECORDS,
        REASON_BREAKER,
        REASON_SPAWN,
        REASON_STOPPED,
        REASON_REPLACED,
        REASON_REQUEST,
        REASON_ITEMS, /* what ForEach= found is no list of items */
        _REASON_MAX,
        _REASON_INVALID = -22,
};

enum trigger {
        TRIGGER_MANUAL,
        TRIGGER_API,
        TRIGGER_TIMER,
        TRIGGER_SCHEDULE,
        TRIGGER_CI,
        TRIGGER_RETRY,
        TRIGGER_BACKFILL,
        TRIGGER_CATCH_UP,
        TRIGGER_JOB,
        _TRIGGER_MAX,
        _TRIGGER_INVALID = -22,
};

/* What became of a due time. */
enum due_outcome {
        DUE_RAN,
        DUE_RAN_LATE,
        DUE_SKIPPED, /* it was seen, and nothing was started */
        DUE_MISSED,  /* it passed unseen */
        _DUE_OUTCOME_MAX,
        _DUE_OUTCOME_INVALID = -22,
};

const char *due_outcome_to_string(enum due_outcome outcome);
const char *run_status_to_string(enum run_status status);
enum run_status run_status_from_string(const char *text);
bool run_status_is_final(enum run_status status);
const char *step_status_to_string(enum step_status status);
enum step_status step_status_from_string(const char *text);
bool step_status_is_final(enum step_status status);
/* NULL for REASON_NONE. */
const char *reason_to_string(enum reason reason);
/* NULL and "" give REASON_NONE. */
enum reason reason_from_string(const char *text);
const char *trigger_to_string(enum trigger trigger);
enum trigger trigger_from_string(const char *text);
