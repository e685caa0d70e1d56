/* The quality of a run's data, as its steps reported it (QUALITY=full|limited|failed): a target (an item of the run, or
 * a step without items) is as good as the worst that was said of it. Beside it the numbers that those steps gave with
 * RESULT= and METRIC=, added up and averaged over what was said: how many positions, how many days of data. */
#pragma once

#include <stddef.h>

#include "record.h"

enum data_quality {
        QUALITY_UNKNOWN, /* nothing was said */
        QUALITY_FULL,
        QUALITY_LIMITED,
        QUALITY_FAILED,
        _DATA_QUALITY_MAX,
};

/* "unknown" for QUALITY_UNKNOWN. */
const char *data_quality_to_string(enum data_quality quality);
/* QUALITY_UNKNOWN for NULL and for any other word. */
enum data_quality data_quality_from_string(const char *text);

struct quality_target {
        char *name;
        enum data_quality quality;
        struct jval *missing; /* object: item: reason; NULL: none */
};

struct quality_value {
        char *name;
        int64_t count; /* how often it was said */
        double sum, least, most;
};

struct quality {
        struct quality_target *targets;
        size_t n_targets, targets_capacity;
        size_t next_target; /* where the next one is looked for first */
        struct quality_value *values;
        size_t n_values, values_capacity;
};

void quality_done(struct quality *quality);
/* The last attempt of each step and item, in any order. */
void quality_add(struct quality *quality, const struct attempt_record *attempt);
/* {targets, full, limited, failed, unknown, values: {name: {count, sum, mean, least, most}}}, and with_targets `items`:
 * [{item, quality, missing}]. New reference. */
struct jval *quality_to_json(const struct quality *quality, bool with_targets);
