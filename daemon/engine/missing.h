/* What a step says is missing from its work (MISSING=item: reason), as `missing` of its metadata: {count, reasons: {so
 * many by reason}, items: [{item, reason}], more}. */
#pragma once

#include "jval.h"

/* The reason of an item that came without one, or with the word itself. */
#define MISSING_REASON_UNKNOWN "unknown"

/* number: of the report, from 1 on; a repeat changes nothing. */
void missing_add(struct jval *metadata, int64_t number, const char *value);
/* So many were not listed one by one. */
void missing_set_more(struct jval *metadata, int64_t more);
/* "47 not_played, 3 unknown": by count, the most frequent first, at most five; NULL when nothing is missing. New
 * memory.
 */
char *missing_reasons_text(const struct jval *metadata);
/* How many have no reason; *ret_first is the first of them (borrowed, NULL when there is none). */
int64_t missing_without_reason(const struct jval *metadata, const char **ret_first);
