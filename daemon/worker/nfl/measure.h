/* How good foretold chances were. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define MEASURE_BINS 10

struct foretold {
        double chance;
        bool scored;
};

/* The chances from i/10 to (i + 1)/10. */
struct measure_bin {
        size_t n, scored;
        double mean; /* of the chances */
};

struct measure {
        size_t n, scored;
        double log_loss; /* natural logarithm, mean */
        double brier;    /* mean squared error */
        double auc; /* area under the ROC curve: how often one who scored had the higher chance; ties half. NaN when all
                       or none scored */
        struct measure_bin bins[MEASURE_BINS];
};

/* All zero for n = 0. Chances of 0 and 1 count as 1e-15 off. */
struct measure measure(const struct foretold *foretold, size_t n);
