/* What the regression leaves over: how much oftener each player has scored than it expected of him.
 *
 *   surplus = sum(w * (scored - expected)) / (sum(w * expected * (1 - expected)) + 15), w 1, or 1/2 in seasons before
 *
 * is added to his log-odds. It is the first step towards an intercept of his own with a normal prior, and costs one
 * pass over the lines. It is of lines before the week asked about alone. What was tried: form.h. */
#pragma once

#include "examples.h"
#include "regression.h"

struct surplus {
        double *log_odds; /* by player's number */
        size_t players;
};

/* Of the first n examples, for a week of `season`. */
struct surplus surplus_make(const struct examples *examples, size_t n, const struct regression *regression, int season);
void surplus_done(struct surplus *surplus);
/* The chance of example i: the regression's, with the player's surplus. */
double surplus_chance(const struct surplus *surplus, const struct regression *regression,
                      const struct examples *examples, size_t i);
