#include <math.h>
#include <stdlib.h>

#include "cleanup.h"
#include "macro.h"
#include "measure.h"
#include "xalloc.h"

#define LEAST 1e-15

static int by_chance(const void *a, const void *b) {
        double x = ((const struct foretold *)a)->chance, y = ((const struct foretold *)b)->chance;
        return (x > y) - (x < y);
}

/* By the sum of ranks (Mann and Whitney), equal chances sharing their mean rank. */
static double area(const struct foretold *foretold, size_t n, size_t scored) {
        if (scored == 0 || scored == n)
                return NAN;
        _cleanup_free_ struct foretold *sorted = xmemdup(foretold, n * sizeof(*foretold));
        qsort(sorted, n, sizeof(*sorted), by_chance);
        double ranks = 0;
        for (size_t i = 0, end; i < n; i = end) {
                size_t hits = 0;
                for (end = i; end < n && by_chance(&sorted[end], &sorted[i]) == 0; end++)
                        hits += sorted[end].scored;
                ranks += (double)hits * ((double)(i + end) + 1) / 2;
        }
        double yes = (double)scored, no = (double)(n - scored);
        return (ranks - yes * (yes + 1) / 2) / (yes * no);
}

struct measure measure(const struct foretold *foretold, size_t n) {
        struct measure measure = {.n = n};
        for (size_t i = 0; i < n; i++) {
                double chance = MIN(MAX(foretold[i].chance, LEAST), 1 - LEAST);
                struct measure_bin *bin = &measure.bins[MIN((size_t)(chance * MEASURE_BINS), (size_t)MEASURE_BINS - 1)];
                bool scored = foretold[i].scored;
                measure.scored += scored;
                measure.log_loss -= log(scored ? chance : 1 - chance) / (double)n;
                measure.brier += (chance - scored) * (chance - scored) / (double)n;
                bin->mean += (chance - bin->mean) / (double)++bin->n;
                bin->scored += scored;
        }
        if (n)
                measure.auc = area(foretold, n, measure.scored);
        return measure;
}
