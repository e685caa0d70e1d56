/* RecordsBand=: how many records are usual, learned from what the same step processed before.
 *
 * The band is median +- width * 1.4826 * MAD of the last `window` counts (1.4826 * MAD estimates the standard deviation
 * of normal noise, and half of the counts may be wrong before it breaks), at least 5 % of the median and 1 to each
 * side, so that a count that has always been the same may move a little. It reaches at least from the second lowest to
 * the second highest of those counts, 5 % beyond each: what comes again and again is usual also where there are two
 * kinds of days, and one bad count alone widens nothing. A zero is outside of every band that was learned from
 * counts without one: a loss of everything must not hide in the spread of a step whose counts vary much. */
#pragma once

#include "gate.h"

#define BAND_WIDTH_DEFAULT 4.0
#define BAND_WINDOW_DEFAULT 20
#define BAND_LEAST_DEFAULT 5
#define BAND_WINDOW_MAX 1000

struct record_band {
        size_t n;           /* counts it was learned from */
        bool is_known;      /* there were enough */
        bool zero_is_usual; /* one of them was zero */
        double median, spread;
        double lowest, highest; /* inside, bounds included */
};

/* counts: newest first; what is beyond the window does not count. */
struct record_band record_band_learn(const struct band_rule *rule, const int64_t *counts, size_t n);
/* A step that declared EXPECTED=, or reported no records, is not judged; nor is any before the band is known. */
enum verdict record_band_judge(const struct band_rule *rule, const struct record_band *band,
                               const struct step_figures *figures, char **ret_text);
