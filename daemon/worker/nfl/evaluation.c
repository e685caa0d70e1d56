#include <stdlib.h>

#include "cleanup.h"
#include "evaluation.h"
#include "model.h"
#include "surplus.h"
#include "xalloc.h"

const char *way_name(enum way way) {
        switch (way) {
        case WAY_POSITION:
                return "share of his position";
        case WAY_OWN:
                return "his own share";
        case WAY_BASELINE:
                return "baseline";
        case WAY_MODEL:
                return "model, every line";
        case WAY_USED:
                return "as predicted";
        case WAYS:
                break;
        }
        return "";
}

struct walk {
        const struct examples *examples;
        struct foretold *ways[WAYS], *any[WAYS], *enough;
        size_t n, n_enough;
};

static void count(struct walk *walk, size_t i, const struct regression *regression, const struct surplus *surplus) {
        const struct example *example = &walk->examples->examples[i];
        double model = surplus_chance(surplus, regression, walk->examples, i);
        double baseline = form_baseline(example_features(walk->examples, i));
        const double chances[WAYS] = {
                [WAY_POSITION] = example->position_rate,
                [WAY_OWN] = example->own_rate,
                [WAY_BASELINE] = baseline,
                [WAY_MODEL] = model,
                [WAY_USED] = model_answers(example) ? model : baseline,
        };
        bool scored = line_scored(example->line);
        for (size_t way = 0; way < WAYS; way++) {
                walk->ways[way][walk->n] = (struct foretold){chances[way], scored};
                walk->any[way][walk->n] = (struct foretold){chances[way], scored || example->line->returned > 0};
        }
        walk->n++;
        if (model_answers(example))
                walk->enough[walk->n_enough++] = (struct foretold){model, scored};
}

static struct walk walk_new(const struct examples *examples) {
        struct walk walk = {.examples = examples};
        for (size_t way = 0; way < WAYS; way++) {
                walk.ways[way] = xcalloc(examples->n + 1, sizeof(struct foretold));
                walk.any[way] = xcalloc(examples->n + 1, sizeof(struct foretold));
        }
        walk.enough = xcalloc(examples->n + 1, sizeof(struct foretold));
        return walk;
}

static void walk_done(struct walk *walk) {
        for (size_t way = 0; way < WAYS; way++) {
                free(walk->ways[way]);
                free(walk->any[way]);
        }
        free(walk->enough);
}

struct evaluation evaluation_run(const struct examples *examples, int32_t from, int32_t to, size_t *ret_too_early) {
        struct evaluation evaluation = {0};
        _cleanup_(walk_done) struct walk walk = walk_new(examples);
        size_t too_early = 0;
        for (size_t start = 0, end; start < examples->n; start = end) {
                int32_t order = examples->examples[start].line->order;
                struct regression regression;
                end = examples_week_end(examples, start);
                if (order < from || order > to)
                        continue;
                if (model_train(examples, start, &regression) < 0) {
                        too_early++;
                        continue;
                }
                _cleanup_(surplus_done) struct surplus surplus =
                        surplus_make(examples, start, &regression, order_season(order));
                for (size_t i = start; i < end; i++)
                        count(&walk, i, &regression, &surplus);
                evaluation.weeks++;
        }
        for (size_t way = 0; way < WAYS; way++) {
                evaluation.ways[way] = measure(walk.ways[way], walk.n);
                evaluation.any[way] = measure(walk.any[way], walk.n);
        }
        evaluation.enough = measure(walk.enough, walk.n_enough);
        *ret_too_early = too_early;
        return evaluation;
}
