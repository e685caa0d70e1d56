/* Logistic regression: liblinear's (L2-regularised, its primal Newton solver, which is deterministic). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define REGRESSION_FEATURES_MAX 64

/* chance = 1 / (1 + exp(-(intercept + sum(weight * feature)))), of features as they are: what training scales, it
 * scales back. */
struct regression {
        size_t n;
        double intercept;
        double weights[REGRESSION_FEATURES_MAX];
};

/* rows: n_rows times n features, row after row. Features are scaled to a deviation of 1 before the penalty counts,
 * those that never change get weight 0; strength: liblinear's C, smaller is simpler. 0; -EINVAL when there are more
 * features than REGRESSION_FEATURES_MAX or a value is not finite; -ENODATA without examples of both outcomes. */
int regression_train(const double *rows, const bool *outcomes, size_t n_rows, size_t n, double strength,
                     struct regression *ret);
double regression_chance(const struct regression *regression, const double *features);
