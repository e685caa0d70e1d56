/* Whether a step processed as many records as were to be expected: against what it declared itself (EXPECTED=), and
 * against RecordsMin= where it declared nothing. */
#pragma once

#include "gate.h"

/* records_min 0: the job names none. *ret_text, new memory, says what is wrong where the verdict is not to pass.
 *
 * A declared expectation stands in for RecordsMin= where it is the lower one: EXPECTED=0 makes a zero legitimate. What
 * falls short of the declaration alone is a warning: the step said both figures and ended well. */
enum verdict record_expectation_judge(const struct step_figures *figures, uint64_t records_min, char **ret_text);
