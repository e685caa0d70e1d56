#include "run_message.h"

#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "strutil.h"
#include "utf8.h"
#include "xalloc.h"

/* An error message of a step may be a page; the run's is one line. */
#define STEP_MESSAGE_MAX 500

static char *outcome_text(const struct step *step, const struct attempt_end *end) {
        char span[TIMESPAN_SIZE];

        switch (end->outcome) {
        case OUTCOME_EXITED:
                if (end->verdict != REASON_NONE)
                        return xstrdup(reason_to_string(end->verdict));
                return xasprintf("exit status %d", end->exit_status);
        case OUTCOME_SIGNALED: {
                const char *name = sigabbrev_np(end->signal_number);

                return name ? xasprintf("killed by SIG%s", name) : xasprintf("killed by signal %d", end->signal_number);
        }
        case OUTCOME_OOM:
                return xstrdup("out of memory");
        case OUTCOME_TIMEOUT:
                if (step->timeout == USEC_INFINITY)
                        return xstrdup("ran out of time");
                return xasprintf("ran longer than %s", format_timespan(span, step->timeout));
        case OUTCOME_HEARTBEAT:
                if (step->heartbeat == USEC_INFINITY)
                        return xstrdup("sent no heartbeat");
                return xasprintf("sent no heartbeat for %s", format_timespan(span, step->heartbeat));
        case OUTCOME_CANCELLED:
                return xstrdup("was stopped");
        case OUTCOME_SPAWN:
                return xstrdup("could not be started");
        case OUTCOME_REFUSED:
                return xstrdup("was not tried");
        case OUTCOME_ITEMS:
                return xstrdup("its output is no list of items");
        case OUTCOME_LOST:
        case _OUTCOME_MAX:
                break;
        }
        return xstrdup("lost, its monitor or the machine went away");
}

static char *step_failed(const struct step *step, const char *item, unsigned attempt, const char *why,
                         const char *detail) {
        _cleanup_free_ char *what = step_name_to_text(step->name, item);
        _cleanup_free_ char *attempts = attempt > 1 ? xasprintf(" after %u attempts", attempt) : xstrdup("");

        return xasprintf("%s failed%s: %s%s%s", what, attempts, why, detail ? ": " : "", str_or(detail, ""));
}

/* The first line, fit to show. NULL when there is nothing to tell. */
static char *first_line(const char *text) {
        size_t len = text ? strcspn(text, "\r\n") : 0;

        return len > 0 ? utf8_escape(text, len, STEP_MESSAGE_MAX) : NULL;
}

char *run_message_step_failed(const struct step *step, const char *item, unsigned attempt,
                              const struct attempt_end *end) {
        _cleanup_free_ char *detail = first_line(end->error_message);
        bool is_judged = detail && (end->verdict != REASON_NONE || end->outcome == OUTCOME_REFUSED);
        _cleanup_free_ char *why = is_judged ? STEAL_PTR(detail) : outcome_text(step, end);

        return step_failed(step, item, attempt, why, detail);
}

char *run_message_step_failed_before(const struct step *step, const struct task *task) {
        return step_failed(step, task->item, task->attempt,
                           str_or(reason_to_string(task->reason), "for a reason that was not kept"), NULL);
}

char *run_message_cancelled(enum reason reason) {
        if (reason == REASON_TIMEOUT)
                return xstrdup("the run took longer than its RunTimeoutSec");
        return reason == REASON_LOST ? xstrdup("the machine was restarted") : NULL;
}

char *run_message_more(char *message, size_t more) {
        char *text = xasprintf("%s (%zu more failed)", message, more);

        free(message);
        return text;
}
