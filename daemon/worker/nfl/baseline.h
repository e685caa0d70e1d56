/* The plainest chance that a receiver scores in a game: his own rate, drawn towards that of his position. Past weeks of
 * players who came late get it where no model answers, and other ways are measured against it.
 *
 *   position's rate = (scoring lines + 300 * prior) / (lines + 300), prior 0.20 (WR), 0.16 (TE)
 *   his chance      = (his scoring lines + 10 * position's rate) / (his lines + 10)
 *
 * A line is a game with a recorded stat; it scores with a touchdown of any kind. All lines are of games before the week
 * predicted. The priors are the shares of the regular season of 2023; ten lines of pull give the least log loss on the
 * one of 2024, weeks 5 to 18 (0.4886 with the season before in the table, 0.4933 without), which is flat between 8
 * and 15. It says how likely he scores when he plays: it does not know who will be hurt or rested. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BASELINE_VERSION "baseline-1"

struct scoring {
        int64_t lines, scored;
};

/* The rate of a position from all lines of it. */
double baseline_position_rate(bool tight_end, const struct scoring *position);
double baseline_chance(double position_rate, const struct scoring *player);
