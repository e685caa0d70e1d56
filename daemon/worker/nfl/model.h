/* The model: a logistic regression on the form of player and teams, and where the baseline answers instead.
 *
 * A player with fewer than three lines in the season before the week has limited data: the baseline answers for him
 * (form_baseline), the model for the others, who make nearly nine of ten lines from week 5 on. */
#pragma once

#include <stdbool.h>

#include "examples.h"
#include "regression.h"

/* Lines of the season before the week from which on the model answers. */
#define MODEL_SEASON_GAMES 3
/* Fewer lines than these train nothing worth having: about four weeks of the league. */
#define MODEL_LINES_MIN 600
/* liblinear's C. 0.001 to 0.005 differ by less than a unit of form.h; 0.02 is ten units worse. */
#define MODEL_STRENGTH 0.003

/* Trains on the first n examples. 0; -ENODATA with fewer than MODEL_LINES_MIN of them, or no touchdown. */
int model_train(const struct examples *examples, size_t n, struct regression *ret);
/* Whether the model answers for him. */
static inline bool model_answers(const struct example *example) {
        return example->season_games >= MODEL_SEASON_GAMES;
}
