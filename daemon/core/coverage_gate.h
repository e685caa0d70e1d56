/* CoverageMin=: how much of its input a step must have had. */
#pragma once

#include "gate.h"

/* coverage_min: 0 to 1; 0: none. The coverage is what the step reported (COVERAGE=), else RECORDS= of EXPECTED=. One
 * that is not known does not pass: nobody can tell that it was reached. *ret_text, new memory, has the figures where
 * the verdict is not to pass. */
enum verdict coverage_gate_judge(const struct step_figures *figures, double coverage_min, char **ret_text);
/* 0 to 1, or below 0: not known. */
double coverage_of(const struct step_figures *figures);
/* "82.4 %", with as many digits as tell it from `other`. New memory. */
char *coverage_text(double coverage, double other);
