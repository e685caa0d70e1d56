#include "reason_text.h"

#include "macro.h"
#include "strutil.h"

const char *reason_meaning(enum reason reason) {
        switch (reason) {
        case REASON_NONE:
                return "nothing is recorded of why";
        case REASON_EXIT:
                return "its command ended with an exit status that means failure";
        case REASON_SIGNAL:
                return "its command was ended by a signal";
        case REASON_OOM:
                return "it needed more memory than it may have, and the kernel ended it";
        case REASON_TIMEOUT:
                return "it was not done in the time that it may take";
        case REASON_HEARTBEAT:
                return "it gave no sign of life for longer than HeartbeatSec= allows";
        case REASON_LOST:
                return "its monitor or the machine went away while it ran, so how it ended is not known";
        case REASON_DEPENDENCY:
                return "a step that it comes after did not succeed";
        case REASON_NOT_READY:
                return "what it needs was not there yet";
        case REASON_CONDITION:
                return "its condition said that there is nothing to do, or could not say";
        case REASON_GATE:
                return "its input was less complete than CoverageMin= asks for";
        case REASON_RECORDS:
                return "it processed another number of records than is to be expected of it";
        case REASON_BREAKER:
                return "it failed so often in a row that it is not tried for a while";
        case REASON_SPAWN:
                return "its command could not be started";
        case REASON_STOPPED:
                return "the service was stopped";
        case REASON_REPLACED:
                return "a newer run took its place";
        case REASON_REQUEST:
                return "somebody asked for its end";
        case REASON_ITEMS:
                return "what ForEach= found for it is no list of items";
        case _REASON_MAX:
        case _REASON_INVALID:
                break;
        }
        return "the reason that is recorded is not one that this version knows";
}

const char *reason_advice(enum reason reason) {
        switch (reason) {
        case REASON_NONE:
                return NULL;
        case REASON_EXIT:
                return "read what it printed, mend that, and run it again";
        case REASON_SIGNAL:
                return "read what it printed; a program that crashes needs mending, one that was killed by hand can be run again";
        case REASON_OOM:
                return "let it do less at once, or give it more with MemoryMax=";
        case REASON_TIMEOUT:
                return "see what it was doing when its time was over; give it more with TimeoutSec= or RunTimeoutSec= if it only was slow";
        case REASON_HEARTBEAT:
                return "see what it was doing when it fell silent; a step that is long silent by nature needs a longer HeartbeatSec=";
        case REASON_LOST:
                return "run it again; nothing of it is left running";
        case REASON_DEPENDENCY:
                return "look at the step that failed before it";
        case REASON_NOT_READY:
                return "see what it waits for, and run it again when that is there";
        case REASON_CONDITION:
                return NULL;
        case REASON_GATE:
                return "bring in what is missing and run it again, or skip the gate if that is good enough";
        case REASON_RECORDS:
                return "see whether its input is complete; a step that may rightly do nothing says EXPECTED=0";
        case REASON_BREAKER:
                return "mend what makes it fail; it is tried again by itself, or at once when the breaker is reset";
        case REASON_SPAWN:
                return "see whether the program is there and may be executed, then run it again";
        case REASON_STOPPED:
                return "run it again now that the service is back";
        case REASON_REPLACED:
                return "look at the run that replaced it";
        case REASON_REQUEST:
                return NULL;
        case REASON_ITEMS:
                return "let the command behind ForEach=! write the names of the items, one a line, and nothing else";
        case _REASON_MAX:
        case _REASON_INVALID:
                break;
        }
        return NULL;
}

const char *due_reason_meaning(const char *word) {
        static const struct {
                const char *word, *meaning;
        } meanings[] = {
                {"overlap", "an earlier run of the job was still active"},
                {"paused", "the job was paused"},
                {"drained", "the daemon was drained"},
                {"unavailable", "the daemon could not start anything then"},
                {"refused", "the start was refused"},
                {"daemon_down", "the daemon was not running then"},
                {"clock_jump", "the clock was set past it"},
        };

        for (size_t i = 0; word && i < ELEMENTSOF(meanings); i++)
                if (streq(meanings[i].word, word))
                        return meanings[i].meaning;
        return NULL;
}
