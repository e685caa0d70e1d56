/* Steps with very many items: counts in the place of a line an item. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "jval.h"
#include "term.h"

/* Of a step with more items than this those that succeed have no line of their own. */
#define ITEMS_IN_FULL 20

/* What has been told of the items of a run that is watched. */
struct item_counts {
        struct jval *told;   /* by step: how many tenths were done when that was told last; 11: that all are */
        struct jval *totals; /* by step: how many items it has */
};
#define ITEM_COUNTS_INIT ((struct item_counts){jval_object(), jval_object()})
void item_counts_done(struct item_counts *counts);

/* `items` of a run.state; before its `steps`. Appends a line for each step that is a tenth further, or done. */
void item_counts_take(struct item_counts *counts, const struct jval *items, struct buf *out, const struct term *term);
/* Whether a member of `steps` is left to the counts: it is one of very many, and has not failed. */
bool item_is_only_counted(const struct item_counts *counts, const struct jval *step);
/* How many items each step of a list of steps or items has, as `totals` above. New object. */
struct jval *count_items(const struct jval *steps);
bool is_one_of_many(const struct jval *totals, const struct jval *step);
