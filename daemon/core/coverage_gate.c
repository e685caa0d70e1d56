#include "coverage_gate.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "strutil.h"
#include "xalloc.h"

double coverage_of(const struct step_figures *figures) {
        if (figures->all > 0)
                return (double)figures->covered / (double)figures->all;
        if (figures->coverage >= 0)
                return figures->coverage;
        if (figures->records < 0 || figures->expected < 0)
                return -1;
        if (figures->expected == 0)
                return 1;
        return fmin(1, (double)figures->records / (double)figures->expected);
}

static void print_percent(char text[static 32], double share, int digits) {
        size_t len = (size_t)snprintf(text, 32, "%.*f", digits, 100 * share);

        while (digits > 0 && text[len - 1] == '0')
                text[--len] = '\0';
        if (text[len - 1] == '.')
                text[--len] = '\0';
}

char *coverage_text(double coverage, double other) {
        char text[32], beside[32];

        for (int digits = 1; digits < 8; digits++) {
                print_percent(text, coverage, digits);
                print_percent(beside, other, digits);
                if (!streq(text, beside))
                        break;
        }
        return xasprintf("%s %%", text);
}

enum verdict coverage_gate_judge(const struct step_figures *figures, double coverage_min, char **ret_text) {
        double coverage = coverage_of(figures);
        _cleanup_free_ char *text = NULL, *figures_text = NULL;
        char minimum[32];

        *ret_text = NULL;
        if (coverage_min <= 0 || coverage >= coverage_min)
                return VERDICT_PASS;
        print_percent(minimum, coverage_min, 4);
        if (coverage < 0) {
                *ret_text =
                        xasprintf("CoverageMin=%s%% cannot be judged: the step reported neither COVERAGE= nor RECORDS= "
                                  "and EXPECTED=",
                                  minimum);
                return VERDICT_FAIL;
        }
        text = coverage_text(coverage, coverage_min);
        if (figures->all > 0)
                figures_text = xasprintf(" (%" PRId64 " of %" PRId64 ")", figures->covered, figures->all);
        else if (figures->records >= 0 && figures->expected > 0)
                figures_text = xasprintf(" (%" PRId64 " of %" PRId64 ")", figures->records, figures->expected);
        *ret_text = xasprintf("coverage %s%s is below CoverageMin=%s%%", text, str_or(figures_text, ""), minimum);
        return VERDICT_FAIL;
}
