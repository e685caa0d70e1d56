#include <errno.h>
#include <linear.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "regression.h"
#include "xalloc.h"

/* liblinear penalises the intercept with the weights; as the weight of a large constant it costs next to nothing. */
#define INTERCEPT_FEATURE 20.0
#define PRECISION 1e-3

struct scale {
        double mean[REGRESSION_FEATURES_MAX], deviation[REGRESSION_FEATURES_MAX];
};

static void silence(const char *text) {
}

static int find_scale(const double *rows, size_t n_rows, size_t n, struct scale *ret) {
        double squares[REGRESSION_FEATURES_MAX] = {0};
        *ret = (struct scale){0};
        for (size_t i = 0; i < n_rows * n; i++)
                ret->mean[i % n] += rows[i] / (double)n_rows;
        for (size_t i = 0; i < n_rows * n; i++) {
                double distance = rows[i] - ret->mean[i % n];
                if (!isfinite(rows[i]))
                        return -EINVAL;
                squares[i % n] += distance * distance / (double)n_rows;
        }
        for (size_t i = 0; i < n; i++)
                ret->deviation[i] = squares[i] > 1e-18 ? sqrt(squares[i]) : 0;
        return 0;
}

/* A row of n scaled features, the constant and liblinear's end. */
static void fill_nodes(struct feature_node *nodes, const double *row, size_t n, const struct scale *scale) {
        for (size_t i = 0; i < n; i++) {
                nodes[i].index = (int)i + 1;
                nodes[i].value = scale->deviation[i] > 0 ? (row[i] - scale->mean[i]) / scale->deviation[i] : 0;
        }
        nodes[n] = (struct feature_node){.index = (int)n + 1, .value = INTERCEPT_FEATURE};
        nodes[n + 1] = (struct feature_node){.index = -1};
}

static void take_weights(const struct model *model, size_t n, const struct scale *scale, struct regression *ret) {
        /* The weights are for the class that liblinear saw first. */
        double sign = model->label[0] == 1 ? 1 : -1;
        *ret = (struct regression){.n = n, .intercept = sign * model->w[n] * INTERCEPT_FEATURE};
        for (size_t i = 0; i < n; i++) {
                if (scale->deviation[i] <= 0)
                        continue;
                ret->weights[i] = sign * model->w[i] / scale->deviation[i];
                ret->intercept -= ret->weights[i] * scale->mean[i];
        }
}

static bool both_outcomes(const bool *outcomes, size_t n) {
        size_t yes = 0;
        for (size_t i = 0; i < n; i++)
                yes += outcomes[i];
        return yes > 0 && yes < n;
}

int regression_train(const double *rows, const bool *outcomes, size_t n_rows, size_t n, double strength,
                     struct regression *ret) {
        struct scale scale;
        if (n == 0 || n > REGRESSION_FEATURES_MAX)
                return -EINVAL;
        if (!both_outcomes(outcomes, n_rows))
                return -ENODATA;
        if (find_scale(rows, n_rows, n, &scale) < 0)
                return -EINVAL;
        _cleanup_free_ struct feature_node *nodes = xcalloc(n_rows * (n + 2), sizeof(*nodes));
        _cleanup_free_ struct feature_node **x = xcalloc(n_rows, sizeof(*x));
        _cleanup_free_ double *y = xcalloc(n_rows, sizeof(*y));
        for (size_t i = 0; i < n_rows; i++) {
                x[i] = nodes + i * (n + 2);
                y[i] = outcomes[i] ? 1 : -1;
                fill_nodes(x[i], rows + i * n, n, &scale);
        }
        set_print_string_function(silence);
        struct problem problem = {.l = (int)n_rows, .n = (int)n + 1, .y = y, .x = x, .bias = -1};
        struct parameter parameter = {.solver_type = L2R_LR, .eps = PRECISION, .C = strength};
        struct model *model = train(&problem, &parameter);
        take_weights(model, n, &scale, ret);
        free_and_destroy_model(&model);
        return 0;
}

double regression_chance(const struct regression *regression, const double *features) {
        double sum = regression->intercept;
        for (size_t i = 0; i < regression->n; i++)
                sum += regression->weights[i] * features[i];
        return 1 / (1 + exp(-sum));
}
