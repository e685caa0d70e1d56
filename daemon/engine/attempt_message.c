#include "attempt_message.h"

#include <string.h>
#include <sysexits.h>

#include "cleanup.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

/* sysexits.h(3head): the meanings that programs share. */
static const char *exit_meaning(int status) {
        static const struct {
                int status;
                const char *meaning;
        } meanings[] = {
                {EX_USAGE, "wrong usage"},       {EX_DATAERR, "data it cannot use"}, {EX_NOINPUT, "no input"},
                {EX_UNAVAILABLE, "unavailable"}, {EX_SOFTWARE, "internal error"},    {EX_OSERR, "system error"},
                {EX_CANTCREAT, "cannot create"}, {EX_IOERR, "input/output error"},   {EX_TEMPFAIL, "temporary failure"},
                {EX_PROTOCOL, "protocol error"}, {EX_NOPERM, "permission denied"},   {EX_CONFIG, "configuration error"},
                {126, "cannot be executed"},     {127, "command not found"},
        };

        for (size_t i = 0; i < ELEMENTSOF(meanings); i++)
                if (meanings[i].status == status)
                        return meanings[i].meaning;
        return NULL;
}

static char *exited(const struct attempt_result *result) {
        const char *meaning = exit_meaning(result->exit_status);

        if (result->signal_number)
                return xasprintf("killed by signal %d (SIG%s)", result->signal_number,
                                 str_or(sigabbrev_np(result->signal_number), "?"));
        return xasprintf("exit status %d%s%s%s", result->exit_status, meaning ? " (" : "", str_or(meaning, ""),
                         meaning ? ")" : "");
}

static char *cause(const struct step *step, const struct attempt_result *result) {
        char span[TIMESPAN_SIZE];

        switch (result->ended_by) {
        case ENDED_BY_ITSELF:
                return exited(result);
        case ENDED_BY_TIMEOUT:
                return xasprintf("not done within TimeoutSec=%s", format_timespan(span, step->timeout));
        case ENDED_BY_RUN_TIMEOUT:
                return xstrdup("the run was not done within its RunTimeoutSec");
        case ENDED_BY_HEARTBEAT:
                return xasprintf("no sign of life for HeartbeatSec=%s", format_timespan(span, step->heartbeat));
        case ENDED_BY_OOM:
                return xstrdup("killed because it used more memory than allowed");
        case ENDED_BY_STOP:
                return xstrdup("ended on request");
        case ENDED_BY_SPAWN:
                return xasprintf("%s cannot be started: %s", step->exec ? step->exec[0] : "the command",
                                 strerror(result->spawn_errno));
        case ENDED_BY_LOST:
                return xstrdup("its monitor vanished (killed, or the machine went down); how it ended is not known");
        }
        return NULL;
}

char *attempt_message(const struct step *step, const struct attempt_result *result, const char *said) {
        _cleanup_free_ char *what = cause(step, result);

        if (!said || !*said || result->ended_by != ENDED_BY_ITSELF)
                return STEAL_PTR(what);
        return xasprintf("%s: %s", what, said);
}
