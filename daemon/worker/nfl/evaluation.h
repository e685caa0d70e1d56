/* A walk forward over weeks that are over: each is foretold by a model that was trained on the weeks before it alone,
 * then counted, then learned from. */
#pragma once

#include "examples.h"
#include "measure.h"

/* The ways of foretelling that are compared, on the same lines. */
enum way {
        WAY_POSITION, /* the share of his position */
        WAY_OWN,      /* his own, drawn towards that */
        WAY_BASELINE, /* what answers with limited data */
        WAY_MODEL,    /* the model, for every line */
        WAY_USED,     /* what `predictions` writes: the model, or the baseline with limited data */
        WAYS,
};

const char *way_name(enum way way);

struct evaluation {
        struct measure ways[WAYS];
        struct measure any[WAYS]; /* against touchdowns of any kind, returns included */
        struct measure enough;    /* the model, of the lines that it answers for */
        size_t weeks;
};

/* The weeks from..to (week_order), both included; weeks before which there are too few lines for a model are left out
 * and counted in *ret_too_early. */
struct evaluation evaluation_run(const struct examples *examples, int32_t from, int32_t to, size_t *ret_too_early);
