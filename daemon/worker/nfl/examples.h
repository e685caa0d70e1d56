/* Every line of a receiver or tight end with what was known of him before its week: features and the baseline's rates.
 */
#pragma once

#include <stddef.h>

#include "form.h"
#include "game_line.h"

struct example {
        const struct game_line *line;
        int games;            /* his lines before the week */
        double position_rate; /* baseline.h */
        double own_rate;
};

struct examples {
        struct example *examples;
        double *features; /* FORM_FEATURES an example */
        size_t n;
};

/* lines: by week, those that are asked for last. They must outlive the examples. */
struct examples examples_make(const struct game_line *lines, size_t n);
void examples_done(struct examples *examples);
static inline const double *example_features(const struct examples *examples, size_t i) {
        return examples->features + i * FORM_FEATURES;
}
/* One behind the last example of the week of example i. */
size_t examples_week_end(const struct examples *examples, size_t i);
