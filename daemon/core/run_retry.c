/* What the end of an attempt means, and whether and when the next one follows: pure functions of the step's settings.
 */
#include <sysexits.h>

#include "run_machine.h"

/* A delay never grows beyond this, whatever the file says: seconds of a century still fit every calculation. */
#define RETRY_DELAY_CEILING (100 * 365 * USEC_PER_DAY)
/* Retries of many runs that failed together are spread by this part of their delay. */
#define RETRY_JITTER 0.1

enum step_status attempt_end_status(const struct step *step, const struct attempt_end *end, enum reason *ret_reason,
                                    bool *ret_warned) {
        *ret_warned = false;
        *ret_reason = REASON_NONE;
        switch (end->outcome) {
        case OUTCOME_EXITED:
                *ret_warned = exit_status_set_contains(&step->warn_exit_status, end->exit_status);
                if (*ret_warned || end->exit_status == 0 ||
                    exit_status_set_contains(&step->success_exit_status, end->exit_status)) {
                        *ret_reason = end->verdict;
                        return end->verdict == REASON_NONE ? STEP_SUCCESS : STEP_FAILED;
                }
                *ret_reason = REASON_EXIT;
                return STEP_FAILED;
        case OUTCOME_SIGNALED:
                *ret_reason = REASON_SIGNAL;
                return STEP_FAILED;
        case OUTCOME_OOM:
                *ret_reason = REASON_OOM;
                return STEP_FAILED;
        case OUTCOME_TIMEOUT:
                *ret_reason = REASON_TIMEOUT;
                return STEP_FAILED;
        case OUTCOME_HEARTBEAT:
                *ret_reason = REASON_HEARTBEAT;
                return STEP_FAILED;
        case OUTCOME_SPAWN:
                *ret_reason = REASON_SPAWN;
                return STEP_FAILED;
        case OUTCOME_ITEMS:
                *ret_reason = REASON_ITEMS;
                return STEP_FAILED;
        case OUTCOME_CANCELLED:
                *ret_reason = REASON_REQUEST;
                return STEP_CANCELLED;
        case OUTCOME_REFUSED:
                *ret_reason = REASON_BREAKER;
                return STEP_FAILED;
        case OUTCOME_LOST:
        case _OUTCOME_MAX:
                break;
        }
        *ret_reason = REASON_LOST;
        return STEP_FAILED;
}

/* sysexits.h tells what may work later from what never will, for steps that say nothing themselves. */
static bool exit_status_is_permanent(int status) {
        return status == EX_DATAERR || status == EX_CONFIG;
}

bool retry_applies(const struct step *step, const struct attempt_end *end) {
        enum reason reason;
        bool warned;

        if (attempt_end_status(step, end, &reason, &warned) != STEP_FAILED)
                return false;
        if (end->outcome == OUTCOME_REFUSED)
                return false;
        if (end->error_class != ERROR_CLASS_UNKNOWN)
                return end->error_class == ERROR_CLASS_TRANSIENT;
        /* What cannot be started now (not found, not executable) cannot be started in a minute; what ended well and
         * named what cannot be an item will name it again. */
        if (end->outcome == OUTCOME_SPAWN || end->outcome == OUTCOME_ITEMS)
                return false;
        if (end->outcome != OUTCOME_EXITED || end->verdict != REASON_NONE)
                return true;
        if (step->has_retry_exit_status)
                return exit_status_set_contains(&step->retry_exit_status, end->exit_status);
        return !exit_status_is_permanent(end->exit_status);
}

usec_t retry_delay(const struct step *step, unsigned next_attempt, double jitter) {
        double ceiling =
                (double)(step->retry_max_delay < RETRY_DELAY_CEILING ? step->retry_max_delay : RETRY_DELAY_CEILING);
        double delay = (double)step->retry_delay;

        for (unsigned attempt = 2; attempt < next_attempt && delay < ceiling && step->retry_backoff > 1; attempt++)
                delay *= step->retry_backoff;
        if (delay > ceiling)
                delay = ceiling;
        if (jitter > 0)
                delay += delay * RETRY_JITTER * (jitter < 1 ? jitter : 1);
        return (usec_t)delay;
}
