#include <stdlib.h>
#include <string.h>

#include "errorclass.h"
#include "errortext.h"
#include "log.h"
#include "outcome.h"
#include "step_report.h"
#include "xalloc.h"

#define NAMES_MAX 1500

static bool has_counted;

void outcome_count_error(void) {
        has_counted = true;
        report_metric("errors_encountered", 1);
}

bool outcome_has_counted_errors(void) {
        return has_counted;
}

static void add_name(struct outcome *outcome, const char *item, const char *why) {
        if (outcome->names && strlen(outcome->names) > NAMES_MAX)
                return;
        char *longer =
                xasprintf("%s%s%s (%s)", outcome->names ? outcome->names : "", outcome->names ? ", " : "", item, why);
        free(outcome->names);
        outcome->names = longer;
}

void outcome_fail(struct outcome *outcome, const char *item, int class, const char *why) {
        log_error("%s: %s", item, why);
        outcome_count_error();
        if (!outcome->first)
                outcome->first = xasprintf("%s: %s", item, why);
        if (class == NFL_DATA) {
                outcome->unusable++;
                add_name(outcome, item, why);
        } else if (class == NFL_CONFIG) {
                outcome->refused++;
        } else {
                outcome->later++;
        }
}

int answer_class(const struct answer *answer) {
        if (answer->kind == ANSWER_REFUSED)
                return NFL_CONFIG;
        return answer->kind == ANSWER_UNUSABLE ? NFL_DATA : NFL_LATER;
}

int outcome_result(const struct outcome *outcome, const char *what, char **ret_error) {
        size_t failed = outcome->later + outcome->refused + outcome->unusable;
        if (failed == 0)
                return 0;
        size_t all = failed + outcome->good;
        if (outcome->refused || outcome->later)
                return error_set(ret_error, outcome->refused ? NFL_CONFIG : NFL_LATER,
                                 "%s: %zu of %zu failed; first %s", what, failed, all, outcome->first);
        if (outcome->good == 0)
                return error_set(ret_error, NFL_DATA, "%s: none of %zu can be used; first %s", what, all,
                                 outcome->first);
        report_warning("unusable_data", "%s: %zu of %zu cannot be used: %s", what, outcome->unusable, all,
                       outcome->names);
        return 0;
}

void outcome_done(struct outcome *outcome) {
        free(outcome->first);
        free(outcome->names);
        *outcome = (struct outcome){0};
}
