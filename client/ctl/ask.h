/* Commands that ask one question and show the answer. */
#pragma once

#include "context.h"
#include "methods.h"

/* How an answer looks to people. */
typedef void (*view_fn)(const struct context *context, const struct jval *result, struct buf *out);

/* Asks in a session of its own, and shows the answer. params is taken over, and may be NULL. The exit status. */
int ask_and_show(const struct context *context, enum method_id method, struct jval *params, view_fn view);
/* An answer as -o asks for it: JSON, or as view shows it, through the pager. EXIT_DONE. */
int show_answer(const struct context *context, const struct jval *result, view_fn view);
/* The same for a list that comes in pages (`next`): its newest `count` elements, of the member `list` of each answer,
 * as one array. filter: the call's parameters; changed. EXIT_NOT_FOUND when there is nothing, and not the `job` either
 * that it names. */
int ask_pages_and_show(const struct context *context, enum method_id method, struct jval *filter, const char *list,
                       int64_t count, view_fn view);
