#include <stdlib.h>
#include <string.h>

#include "baseline.h"
#include "examples.h"
#include "macro.h"
#include "xalloc.h"

/* What the baseline counts, up to the week that is being looked at. Touchdowns of any kind. */
struct counts {
        struct scoring positions[POSITIONS];
        struct scoring *players;
};

static struct counts counts_make(const struct game_line *lines, size_t n) {
        int32_t last = 0;
        for (size_t i = 0; i < n; i++)
                last = MAX(last, lines[i].player);
        return (struct counts){.players = xcalloc((size_t)last + 1, sizeof(struct scoring))};
}

static void count_line(struct scoring *scoring, const struct game_line *line) {
        scoring->lines++;
        scoring->scored += line_scored(line) || line->returned > 0;
}

static void add_example(struct examples *examples, const struct form *form, const struct counts *counts,
                        const struct game_line *line) {
        double rate = baseline_position_rate(line->position == POSITION_TE, &counts->positions[line->position]);
        form_features(form, line, examples->features + examples->n * FORM_FEATURES);
        examples->examples[examples->n++] = (struct example){
                .line = line,
                .games = form_games(form, line),
                .position_rate = rate,
                .own_rate = baseline_chance(rate, &counts->players[line->player]),
        };
}

struct examples examples_make(const struct game_line *lines, size_t n) {
        struct examples examples = {0};
        size_t wanted = 0;
        for (size_t i = 0; i < n; i++)
                wanted += lines[i].position != POSITION_OTHER;
        examples.examples = xcalloc(wanted + 1, sizeof(*examples.examples));
        examples.features = xcalloc((wanted + 1) * FORM_FEATURES, sizeof(*examples.features));
        _cleanup_form_ struct form *form = form_new();
        struct counts counts = counts_make(lines, n);
        for (size_t start = 0, end; start < n; start = end) {
                for (end = start; end < n && lines[end].order == lines[start].order; end++)
                        if (lines[end].position != POSITION_OTHER)
                                add_example(&examples, form, &counts, &lines[end]);
                if (lines[start].asked)
                        break;
                for (size_t i = start; i < end; i++) {
                        count_line(&counts.positions[lines[i].position], &lines[i]);
                        count_line(&counts.players[lines[i].player], &lines[i]);
                }
                form_take_week(form, lines + start, end - start);
        }
        free(counts.players);
        return examples;
}

void examples_done(struct examples *examples) {
        free(examples->examples);
        free(examples->features);
        *examples = (struct examples){0};
}

size_t examples_week_end(const struct examples *examples, size_t i) {
        size_t end = i;
        while (end < examples->n && examples->examples[end].line->order == examples->examples[i].line->order)
                end++;
        return end;
}
