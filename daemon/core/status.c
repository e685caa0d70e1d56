#include "status.h"

#include <stddef.h>

#include "macro.h"
#include "strutil.h"

static const char *const run_status_names[_RUN_STATUS_MAX] = {
        [RUN_QUEUED] = "queued", [RUN_RUNNING] = "running",     [RUN_SUCCESS] = "success", [RUN_PARTIAL] = "partial",
        [RUN_FAILED] = "failed", [RUN_CANCELLED] = "cancelled", [RUN_SKIPPED] = "skipped",
};

static const char *const step_status_names[_STEP_STATUS_MAX] = {
        [STEP_PENDING] = "pending", [STEP_RUNNING] = "running", [STEP_SUCCESS] = "success",
        [STEP_FAILED] = "failed",   [STEP_SKIPPED] = "skipped", [STEP_CANCELLED] = "cancelled",
};

static const char *const reason_names[_REASON_MAX] = {
        [REASON_EXIT] = "exit",
        [REASON_SIGNAL] = "signal",
        [REASON_OOM] = "oom",
        [REASON_TIMEOUT] = "timeout",
        [REASON_HEARTBEAT] = "heartbeat",
        [REASON_LOST] = "lost",
        [REASON_DEPENDENCY] = "dependency",
        [REASON_NOT_READY] = "not_ready",
        [REASON_CONDITION] = "condition",
        [REASON_GATE] = "gate",
        [REASON_RECORDS] = "records",
        [REASON_BREAKER] = "breaker",
        [REASON_SPAWN] = "spawn",
        [REASON_STOPPED] = "stopped",
        [REASON_REPLACED] = "replaced",
        [REASON_REQUEST] = "request",
        [REASON_ITEMS] = "items",
};

static const char *const trigger_names[_TRIGGER_MAX] = {
        [TRIGGER_MANUAL] = "manual",
        [TRIGGER_API] = "api",
        [TRIGGER_TIMER] = "timer",
        [TRIGGER_SCHEDULE] = "schedule",
        [TRIGGER_CI] = "ci",
        [TRIGGER_RETRY] = "retry",
        [TRIGGER_BACKFILL] = "backfill",
        [TRIGGER_CATCH_UP] = "catch_up",
        [TRIGGER_JOB] = "job",
};

static const char *name_of(const char *const *names, size_t count, int value) {
        return value >= 0 && (size_t)value < count ? names[value] : NULL;
}

/* The index of the name, or -22 (-EINVAL): each enum's _INVALID. */
static int value_of(const char *const *names, size_t count, const char *text) {
        for (size_t i = 0; text && i < count; i++)
                if (names[i] && streq(names[i], text))
                        return (int)i;
        return -22;
}

static const char *const due_outcome_names[_DUE_OUTCOME_MAX] = {
        [DUE_RAN] = "ran", [DUE_RAN_LATE] = "ran_late", [DUE_SKIPPED] = "skipped", [DUE_MISSED] = "missed"};

const char *due_outcome_to_string(enum due_outcome outcome) {
        return name_of(due_outcome_names, ELEMENTSOF(due_outcome_names), outcome);
}

const char *run_status_to_string(enum run_status status) {
        return name_of(run_status_names, ELEMENTSOF(run_status_names), status);
}

enum run_status run_status_from_string(const char *text) {
        return value_of(run_status_names, ELEMENTSOF(run_status_names), text);
}

bool run_status_is_final(enum run_status status) {
        return status != RUN_QUEUED && status != RUN_RUNNING;
}

const char *step_status_to_string(enum step_status status) {
        return name_of(step_status_names, ELEMENTSOF(step_status_names), status);
}

enum step_status step_status_from_string(const char *text) {
        return value_of(step_status_names, ELEMENTSOF(step_status_names), text);
}

bool step_status_is_final(enum step_status status) {
        return status != STEP_PENDING && status != STEP_RUNNING;
}

const char *reason_to_string(enum reason reason) {
        return name_of(reason_names, ELEMENTSOF(reason_names), reason);
}

enum reason reason_from_string(const char *text) {
        if (!text || !*text)
                return REASON_NONE;
        return value_of(reason_names, ELEMENTSOF(reason_names), text);
}

const char *trigger_to_string(enum trigger trigger) {
        return name_of(trigger_names, ELEMENTSOF(trigger_names), trigger);
}

enum trigger trigger_from_string(const char *text) {
        return value_of(trigger_names, ELEMENTSOF(trigger_names), text);
}
