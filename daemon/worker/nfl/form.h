/* Rolling features: the form of players and teams at the start of a week, from the games of the weeks before it.
 *
 * One pass over all lines in the order of their weeks: ask for the features of a week's players, then take the week in.
 * What has not been taken in cannot be seen: there is no other way to look ahead but a wrong order, which aborts.
 *
 * His own features are of his last 3, 5 and 10 games with a recorded line. Rates are drawn towards his position's, the
 * more the fewer games there are. Logarithms, because targets, a team's strength and a defence multiply.
 *
 * What was tried, on 4,871 lines of 2023, weeks 10 to 18, and 2024, weeks 1 to 18, each week foretold from those before
 * it. One unit is 0.0001 of log loss. What it costs to leave a group out (a group whose work others can do costs
 * little): his touchdowns 13 (best: drawn towards what his targets give on average, not towards his position's rate),
 * the team's touchdowns and points 9 (they fade by a tenth a week; by 7 in 100 is 1 worse, by 3 in 100 4), how many of
 * his team's last games he was in, absence and change of team 6, targets in plain windows 5 (with those that fade, far
 * more), home 4, his part and rank among the targets of those in his team's last game 3, the defence 2, yards 0,
 * catches -2. What did not help: squares and products of the features (0 to 16 worse), lines of running backs as
 * further examples (0), counting a game with two touchdowns twice (7 worse), less of the season before (half of it: 5
 * worse), a second calibration behind the regression (its best slope on these lines is 1.00). All of his games instead
 * of the last ten would give 1 or 2, the bookmakers' total of the game 5; that is not among the tables. All sets of
 * features that are not careless end within 10 units of each other: the lines hold no more than this. */
#pragma once

#include <stddef.h>

#include "cleanup.h"
#include "game_line.h"

/* A change of a feature's meaning or order gives stored models another feature set: raise it. */
#define FORM_VERSION 1
#define FORM_FEATURES 42

extern const char *const form_names[FORM_FEATURES];

/* The baseline where the model does not answer: the share of his last ten games with a touchdown, the i-th before the
 * last counting 0.93^i, drawn with the weight of 8 games towards what his targets give, 1 - exp(-a * targets a game), a
 * 0.055 (WR) or 0.046 (TE); targets weighted alike and drawn with the weight of 2 games towards 3.4 and 2.4. On 2024,
 * weeks 5 to 18, its log loss is 0.4838, that of baseline-1 0.4887; on the lines of players with fewer than three games
 * of the season 0.346 and 0.359. */
#define FORM_BASELINE_VERSION "baseline-2"
double form_baseline(const double *features);

struct form;

struct form *form_new(void);
struct form *form_free(struct form *form);
DEFINE_CLEANUP(struct form, form_free);
#define _cleanup_form_ _cleanup_(form_freep)

/* The features of one player in the game that `line` names (player, position, team, opponent, home, order; nothing else
 * of it is read). */
void form_features(const struct form *form, const struct game_line *line, double ret[FORM_FEATURES]);
/* Takes in the n lines of one week, a later one than all before. */
void form_take_week(struct form *form, const struct game_line *lines, size_t n);
/* His lines in the season of the week that was asked for, before it. */
int form_season_games(const struct form *form, const struct game_line *line);
