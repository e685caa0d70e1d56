#include "record_expectation.h"

#include <inttypes.h>

#include "macro.h"
#include "xalloc.h"

/* "1 record", "12 records" */
static char *count_text(int64_t records) {
        return records == 1 ? xstrdup("1 record") : xasprintf("%" PRId64 " records", records);
}

static enum verdict judge_undeclared(int64_t records, uint64_t minimum, char **ret_text) {
        _cleanup_free_ char *count = NULL;

        if (minimum == 0 || (records >= 0 && (uint64_t)records >= minimum))
                return VERDICT_PASS;
        if (records < 0) {
                *ret_text =
                        xasprintf("the step reported no RECORDS=, and RecordsMin=%" PRIu64 " asks for them", minimum);
                return VERDICT_FAIL;
        }
        count = count_text(records);
        *ret_text = xasprintf("%s, RecordsMin=%" PRIu64
                              "; where so few are right, the step declares it (EXPECTED=%" PRId64 ")",
                              count, minimum, records);
        return VERDICT_FAIL;
}

static enum verdict judge_declared(const struct step_figures *figures, uint64_t minimum, char **ret_text) {
        uint64_t least = MIN(minimum, (uint64_t)figures->expected);
        _cleanup_free_ char *count = NULL;

        if (figures->records < 0) {
                if (figures->expected == 0)
                        return VERDICT_PASS;
                *ret_text = xasprintf("the step expected %" PRId64 " records (EXPECTED=) and reported none (RECORDS=)",
                                      figures->expected);
                return least > 0 ? VERDICT_FAIL : VERDICT_WARN;
        }
        if (figures->records >= figures->expected && (figures->expected > 0 || figures->records == 0))
                return VERDICT_PASS;
        count = count_text(figures->records);
        *ret_text = xasprintf("%s of %" PRId64 " expected", count, figures->expected);
        return (uint64_t)figures->records < least ? VERDICT_FAIL : VERDICT_WARN;
}

enum verdict record_expectation_judge(const struct step_figures *figures, uint64_t records_min, char **ret_text) {
        *ret_text = NULL;
        if (figures->expected < 0)
                return judge_undeclared(figures->records, records_min, ret_text);
        return judge_declared(figures, records_min, ret_text);
}
