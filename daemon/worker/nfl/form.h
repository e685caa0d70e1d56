/* Rolling features: the form of players and teams at the start of a week, from the games of the weeks before it.
 *
 * One pass over all lines in the order of their weeks: ask for the features of a week's players, then take the week in.
 * What has not been taken in cannot be seen: there is no other way to look ahead but a wrong order, which aborts.
 *
 * His own features are of his last 3, 5 and 10 games with a recorded line. Rates are drawn towards his position's, the
 * more the fewer games there are. Logarithms, because targets, a team's strength and a defence multiply.
 *
 * What was tried, on the lines of 2023 and of 2024, each week foretold from those before it; what helped was chosen on
 * 2023 (weeks 5 to 18 with 2024 for its season before, and 10 to 18 with nothing before) and on 2024 side by side,
 * weeks 5 to 18. One unit is 0.0001 of log loss. What it costs to leave a group out (a group whose work others can do
 * costs little): his touchdowns 13 (best: drawn towards what his targets give on average, not towards his position's
 * rate), the team's touchdowns and points 9 (they fade by a tenth a week; by 7 in 100 is 1 worse, by 3 in 100 4), how
 * many of his team's last games he was in, absence and change of team 6, what the bookmakers expect of his team 6
 * (2024) and 14 (2023), what the model leaves over of each player (surplus.h) 8 and 3, targets in plain windows 5 (with
 * those that fade, far more), home 4, his part and rank among the targets of those in his team's last game 3, all of
 * his lines and how he catches 1 and 6, the defence 2, yards 0, catches -2.
 *
 * What did not help: squares, products and 200 random cosines of the features (0 to 16 worse), lines of running backs
 * as further examples (0), counting a game with two touchdowns twice (7 worse), less of the season before (half of it:
 * 5 worse), a second calibration behind the regression (its best slope is 1.00 to 1.05), the mean of models of
 * different strengths (1), what the defence allowed to his position in targets, yards and scorers (0 to 2 worse),
 * intercepts of teams (2 to 10 worse), first foretelling his targets and yards (0 to 1), labels mixed with what the
 * game's targets and yards promise (3 to 8 worse), the injury report: his own status, and the targets of those who are
 * out (0 to 4 either way). A regression that has seen the weeks it foretells reaches no more than 0.4732 on those of
 * 2024. */
#pragma once

#include <stddef.h>

#include "cleanup.h"
#include "game_line.h"

/* A change of a feature's meaning or order gives stored models another feature set: raise it. */
#define FORM_VERSION 2
#define FORM_FEATURES 46

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

/* The features of one player in the game that `line` names (player, position, team, opponent, home, order, what
 * the bookmakers expect; nothing else of it is read). */
void form_features(const struct form *form, const struct game_line *line, double ret[FORM_FEATURES]);
/* Takes in the n lines of one week, a later one than all before. */
void form_take_week(struct form *form, const struct game_line *lines, size_t n);
/* His lines before the week that was asked for. */
int form_games(const struct form *form, const struct game_line *line);
/* His lines in the season of the week that was asked for, before it. */
int form_season_games(const struct form *form, const struct game_line *line);
