#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "model.h"
#include "xalloc.h"

int model_train(const struct examples *examples, size_t n, struct regression *ret) {
        if (n < MODEL_LINES_MIN)
                return -ENODATA;
        _cleanup_free_ bool *outcomes = xcalloc(n, sizeof(*outcomes));
        for (size_t i = 0; i < n; i++)
                outcomes[i] = line_scored(examples->examples[i].line);
        return regression_train(examples->features, outcomes, n, FORM_FEATURES, MODEL_STRENGTH, ret);
}

bool model_answers(const struct example *example) {
        int week = example->line->order % 64; /* of the post-season: 32 more */
        return example->games >= MODEL_GAMES && week > MODEL_EARLY_WEEKS;
}
