#include <math.h>
#include <stdlib.h>

#include "cleanup.h"
#include "macro.h"
#include "surplus.h"
#include "xalloc.h"

#define PULL 15
#define EARLIER_SEASON 0.5

static size_t count_players(const struct examples *examples, size_t n) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++)
                count = MAX(count, (size_t)examples->examples[i].line->player + 1);
        return count;
}

struct surplus surplus_make(const struct examples *examples, size_t n, const struct regression *regression,
                            int season) {
        struct surplus surplus = {.players = count_players(examples, n)};
        surplus.log_odds = xcalloc(surplus.players + 1, sizeof(double));
        _cleanup_free_ double *doubt = xcalloc(surplus.players + 1, sizeof(double));
        for (size_t i = 0; i < n; i++) {
                const struct game_line *line = examples->examples[i].line;
                double expected = regression_chance(regression, example_features(examples, i));
                double weight = order_season(line->order) == season ? 1 : EARLIER_SEASON;
                surplus.log_odds[line->player] += weight * (line_scored(line) - expected);
                doubt[line->player] += weight * expected * (1 - expected);
        }
        for (size_t i = 0; i < surplus.players; i++)
                surplus.log_odds[i] /= doubt[i] + PULL;
        return surplus;
}

void surplus_done(struct surplus *surplus) {
        free(surplus->log_odds);
        *surplus = (struct surplus){0};
}

double surplus_chance(const struct surplus *surplus, const struct regression *regression,
                      const struct examples *examples, size_t i) {
        size_t player = (size_t)examples->examples[i].line->player;
        double expected = regression_chance(regression, example_features(examples, i));
        double own = player < surplus->players ? surplus->log_odds[player] : 0;
        return 1 / (1 + exp(-own) * (1 - expected) / expected);
}
