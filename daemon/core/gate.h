/* Gates: what a step must have reached before what follows may build on it. Their names, in which a start may skip them
 * (skip_gates: "coverage", or "STEP/coverage" for one step), and what their judgement is made of. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job.h"

enum gate {
        GATE_RECORDS,  /* RecordsMin= */
        GATE_BAND,     /* RecordsBand= */
        GATE_COVERAGE, /* CoverageMin= */
        GATE_BREAKER,  /* BreakerFailures= */
        _GATE_MAX,
        _GATE_INVALID = -22,
};

const char *gate_to_string(enum gate gate);
/* Whether the job file declares that gate for the step. */
bool gate_is_declared(const struct step *step, enum gate gate);

/* What a step said of its own work. */
struct step_figures {
        int64_t records;      /* RECORDS=; -1: it did not say */
        int64_t expected;     /* EXPECTED=; -1: it did not say; 0 declares that none is right */
        double coverage;      /* COVERAGE=, 0 to 1; below 0: it did not say */
        int64_t covered, all; /* COVERAGE=27/30; all 0: it said a share alone */
};

enum verdict { VERDICT_PASS, VERDICT_WARN, VERDICT_FAIL };

/* Whether one of the names of skip_gates is this gate of this step. */
bool gate_is_skipped(char *const *skip, const char *step, enum gate gate);
struct run_plan;
/* Whether each name is a gate that a step of the plan declares: 0, or -EINVAL with a text that names those there are.
 */
int gate_check_skipped(const struct run_plan *plan, char *const *skip, char **ret_error);
