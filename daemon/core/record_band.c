#include "record_band.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "macro.h"
#include "xalloc.h"

/* Of normal noise the MAD is the standard deviation divided by this. */
#define MAD_TO_DEVIATION 1.4826
#define LEAST_SHARE 0.05
#define LEAST_COUNT 1.0

static int compare(const void *a, const void *b) {
        double left = *(const double *)a, right = *(const double *)b;

        return (left > right) - (left < right);
}

/* Sorts. */
static double median_of(double *values, size_t n) {
        qsort(values, n, sizeof(*values), compare);
        return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

struct record_band record_band_learn(const struct band_rule *rule, const int64_t *counts, size_t n) {
        struct record_band band = {.n = MIN(n, (size_t)rule->window)};
        _cleanup_free_ double *values = xcalloc(band.n + 1, sizeof(*values));
        double half;

        if (band.n < 2 || band.n < rule->least)
                return band;
        for (size_t i = 0; i < band.n; i++) {
                values[i] = (double)counts[i];
                band.zero_is_usual |= counts[i] == 0;
        }
        band.median = median_of(values, band.n);
        band.lowest = values[1] * (1 - LEAST_SHARE);
        band.highest = values[band.n - 2] * (1 + LEAST_SHARE);
        for (size_t i = 0; i < band.n; i++)
                values[i] = fabs((double)counts[i] - band.median);
        band.spread = MAD_TO_DEVIATION * median_of(values, band.n);
        half = fmax(fmax(rule->width * band.spread, LEAST_SHARE * band.median), LEAST_COUNT);
        band.lowest = fmax(0, fmin(band.lowest, band.median - half));
        band.highest = fmax(band.highest, band.median + half);
        band.is_known = true;
        return band;
}

enum verdict record_band_judge(const struct band_rule *rule, const struct record_band *band,
                               const struct step_figures *figures, char **ret_text) {
        bool is_lost = figures->records == 0 && !band->zero_is_usual;
        double records = (double)figures->records;

        *ret_text = NULL;
        if (rule->action == BAND_NONE || !band->is_known || figures->records < 0 || figures->expected >= 0)
                return VERDICT_PASS;
        if (!is_lost && records >= band->lowest && records <= band->highest)
                return VERDICT_PASS;
        *ret_text = xasprintf("%" PRId64 " record%s, usual are %.0f to %.0f (median %g of the last %zu successes)",
                              figures->records, figures->records == 1 ? "" : "s",
                              is_lost ? fmax(1, ceil(band->lowest)) : ceil(band->lowest), floor(band->highest),
                              band->median, band->n);
        return rule->action == BAND_FAIL ? VERDICT_FAIL : VERDICT_WARN;
}
