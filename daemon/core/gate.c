#include "gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "errortext.h"
#include "macro.h"
#include "run_plan.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

static const char *const gate_words[] = {
        [GATE_RECORDS] = "records",
        [GATE_BAND] = "band",
        [GATE_COVERAGE] = "coverage",
        [GATE_BREAKER] = "breaker",
};

const char *gate_to_string(enum gate gate) {
        return (int)gate >= 0 && gate < _GATE_MAX ? gate_words[gate] : NULL;
}

bool gate_is_declared(const struct step *step, enum gate gate) {
        switch (gate) {
        case GATE_RECORDS:
                return step->records_min > 0;
        case GATE_BAND:
                return step->records_band.action != BAND_NONE;
        case GATE_COVERAGE:
                return step->coverage_min > 0;
        case GATE_BREAKER:
                return step->breaker_failures > 0;
        case _GATE_MAX:
        case _GATE_INVALID:
                break;
        }
        return false;
}

/* "coverage" or "STEP/coverage". */
static bool names_gate(const char *name, const char *step, enum gate gate) {
        const char *slash = strrchr(name, '/');
        size_t len = slash ? (size_t)(slash - name) : 0;

        if (!slash)
                return streq(name, gate_words[gate]);
        return streq(slash + 1, gate_words[gate]) && strlen(step) == len && memcmp(name, step, len) == 0;
}

bool gate_is_skipped(char *const *skip, const char *step, enum gate gate) {
        STRV_FOREACH (name, skip)
                if (names_gate(*name, step, gate))
                        return true;
        return false;
}

static char **declared_gates(const struct run_plan *plan) {
        char **names = NULL;

        for (size_t i = 0; i < plan->n_steps; i++)
                for (int gate = 0; gate < _GATE_MAX; gate++) {
                        _cleanup_free_ char *name = NULL;

                        if (!gate_is_declared(plan->steps[i].step, (enum gate)gate))
                                continue;
                        name = xasprintf("%s/%s", plan->steps[i].step->name, gate_words[gate]);
                        strv_append(&names, name);
                }
        return names;
}

static bool is_gate_of(const struct run_plan *plan, const char *name) {
        for (size_t i = 0; i < plan->n_steps; i++)
                for (int gate = 0; gate < _GATE_MAX; gate++)
                        if (gate_is_declared(plan->steps[i].step, (enum gate)gate) &&
                            names_gate(name, plan->steps[i].step->name, (enum gate)gate))
                                return true;
        return false;
}

int gate_check_skipped(const struct run_plan *plan, char *const *skip, char **ret_error) {
        STRV_FOREACH (name, skip) {
                _cleanup_strv_ char **declared = NULL;
                _cleanup_free_ char *known = NULL;

                if (is_gate_of(plan, *name))
                        continue;
                declared = declared_gates(plan);
                known = declared ? strv_join(declared, ", ") : NULL;
                if (!known)
                        return error_set(ret_error, -EINVAL,
                                         "there is no gate \"%.100s\" to skip: no step of job %s that runs has one",
                                         *name, plan->job->name);
                return error_set(ret_error, -EINVAL,
                                 "there is no gate \"%.100s\" to skip in job %s; it has %s (without STEP/ a name "
                                 "means every step)",
                                 *name, plan->job->name, known);
        }
        return 0;
}
