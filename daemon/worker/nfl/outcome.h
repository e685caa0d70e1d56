/* How the parts of a fetch went, and what that makes of the whole.
 *
 * A part whose data cannot be used would fail at every repetition: it is a warning, and the rest counts, unless nothing
 * was usable. A part that may work later makes the whole fail for now, after everything that came has been stored; a
 * repetition then needs to get only what is missing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "api_answer.h"

struct outcome {
        size_t good, later, refused, unusable;
        char *first; /* "item: why" of the first that went wrong */
        char *names; /* items whose data cannot be used, with why */
};

/* Counts an error of this process (errors_encountered); whether any was counted. */
void outcome_count_error(void);
bool outcome_has_counted_errors(void);
/* Counts, logs and reports (errors_encountered) one part that went wrong. class: NFL_LATER, NFL_DATA, NFL_CONFIG. */
void outcome_fail(struct outcome *outcome, const char *item, int class, const char *why);
/* The class of an answer that brings no data and is no ANSWER_NOTHING. */
int answer_class(const struct answer *answer);
/* what: "box scores", "odds". Warns of parts that cannot be used. 0, or the class of the failure of the whole. */
int outcome_result(const struct outcome *outcome, const char *what, char **ret_error);
void outcome_done(struct outcome *outcome);
