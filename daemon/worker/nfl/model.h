/* The model: a logistic regression on the form of player and teams (form.h) and what it leaves over of each player
 * (surplus.h), and where the baseline answers instead.
 *
 * The baseline (form_baseline) answers early in the season, in its first three weeks, and for a player with fewer than
 * three lines among all that are stored; the model for the others. */
#pragma once

#include <stdbool.h>

#include "examples.h"
#include "regression.h"

/* Lines from which on the model answers. */
#define MODEL_GAMES 3
/* The weeks of a season in which the baseline answers. */
#define MODEL_EARLY_WEEKS 3
/* Fewer lines than these train nothing worth having: less than three weeks of the league. */
#define MODEL_LINES_MIN 450
/* liblinear's C. 0.001 to 0.005 differ by less than a unit of form.h; 0.02 is ten units worse. */
#define MODEL_STRENGTH 0.003

/* Trains on the first n examples. 0; -ENODATA with fewer than MODEL_LINES_MIN of them, or no touchdown. */
int model_train(const struct examples *examples, size_t n, struct regression *ret);
/* Whether the model answers for him. */
bool model_answers(const struct example *example);
