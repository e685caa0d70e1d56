/* Rolling features, logistic regression, and the figures that judge predictions. */
#include "unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluation.h"
#include "form.h"
#include "macro.h"
#include "measure.h"
#include "model.h"
#include "names.h"
#include "regression.h"
#include "surplus.h"
#include "xalloc.h"

static void check_near(double value, double expected) {
        if (!(fabs(value - expected) < 1e-6))
                fail_msg("%.9f, not %.9f", value, expected);
}

/* A line of player 0 of team 0 against team 1. */
static struct game_line line_of(int week) {
        struct week when = {.season = 2024, .week = week, .type = SEASON_REG};
        return (struct game_line){.order = week_order(&when), .opponent = 1, .scored = 22, .allowed = 22};
}

static double feature(const struct form *form, const struct game_line *line, const char *name) {
        double features[FORM_FEATURES];
        form_features(form, line, features);
        for (size_t i = 0; i < FORM_FEATURES; i++)
                if (strcmp(form_names[i], name) == 0)
                        return features[i];
        fail_msg("no feature %s", name);
        return 0;
}

static void test_weeks_in_order(void **state) {
        const struct week weeks[] = {{2023, 1, SEASON_REG},  {2023, 18, SEASON_REG}, {2023, 1, SEASON_POST},
                                     {2023, 4, SEASON_POST}, {2024, 1, SEASON_REG},  {2024, 2, SEASON_REG}};
        for (size_t i = 1; i < ELEMENTSOF(weeks); i++)
                assert_true(week_order(&weeks[i - 1]) < week_order(&weeks[i]));
        for (size_t i = 0; i < ELEMENTSOF(weeks); i++)
                assert_int_equal(order_season(week_order(&weeks[i])), weeks[i].season);
}

/* The windows hold the last games and no more: targets 1, 2, 3, ... in weeks 1, 2, 3, ... */
static void test_windows(void **state) {
        _cleanup_form_ struct form *form = form_new();
        for (int week = 1; week <= 12; week++) {
                struct game_line line = line_of(week);
                line.targets = (int16_t)week;
                line.yards = (int16_t)(10 * week);
                line.touchdowns_caught = week == 10 || week == 2;
                form_take_week(form, &line, 1);
        }
        struct game_line asked = line_of(13);
        check_near(feature(form, &asked, "targets_3"), log((10 + 11 + 12 + 1 * 3.4) / 4 + .5));
        check_near(feature(form, &asked, "targets_5"), log((8 + 9 + 10 + 11 + 12 + 1.5 * 3.4) / 6.5 + .5));
        check_near(feature(form, &asked, "targets_10"), log((75 + 2 * 3.4) / 12 + .5));
        check_near(feature(form, &asked, "yards_3"), log((330 + 28) / 4.0 + 5));
        double rate = (1 + 4 * .2) / 7;
        check_near(feature(form, &asked, "touchdown_games_3"), log(rate / (1 - rate)));
        rate = (1 + 8 * .2) / 18; /* week 2 is older than ten games */
        check_near(feature(form, &asked, "touchdown_games_10"), log(rate / (1 - rate)));
        assert_int_equal(form_season_games(form, &asked), 12);
        check_near(feature(form, &asked, "no_line_yet"), 0);
        check_near(feature(form, &asked, "team_games_5"), 1);
}

static void test_seasons_and_absence(void **state) {
        _cleanup_form_ struct form *form = form_new();
        struct game_line mate = line_of(1), him = line_of(1), later = line_of(5);
        mate.player = 1;
        struct game_line week[] = {him, mate};
        form_take_week(form, week, 2);
        for (int i = 2; i <= 4; i++) {
                mate = line_of(i);
                mate.player = 1;
                form_take_week(form, &mate, 1);
        }
        check_near(feature(form, &later, "team_games_5"), 1 / 5.0);
        check_near(feature(form, &later, "team_games_3"), 0);
        check_near(feature(form, &later, "missed_last"), 1);
        assert_int_equal(form_season_games(form, &later), 1);
        later.order += 64; /* the next season */
        assert_int_equal(form_season_games(form, &later), 0);
        check_near(feature(form, &later, "missed_last"), 0);
        later.team = 1;
        later.opponent = 0;
        check_near(feature(form, &later, "other_team"), 1);
        later.player = 7; /* never seen, as a team that never was */
        later.team = 9;
        check_near(feature(form, &later, "no_line_yet"), 1);
}

static void test_teams_and_defences(void **state) {
        _cleanup_form_ struct form *form = form_new();
        struct game_line line = line_of(1), asked = line_of(2);
        line.touchdowns_caught = 2;
        line.scored = 42;
        line.allowed = 7;
        form_take_week(form, &line, 1);
        check_near(feature(form, &asked, "team_points"), (42 + 4 * 22) / 5.0 / 10);
        check_near(feature(form, &asked, "team_touchdowns"), log((2 + 4 * 1.5) / 5));
        asked.team = 2;
        check_near(feature(form, &asked, "opponent_touchdowns_allowed"), log((2 + 6 * .95) / 7));
        line = line_of(2);
        line.team = 1;
        line.opponent = 0;
        form_take_week(form, &line, 1);
        asked.order++;
        check_near(feature(form, &asked, "opponent_touchdowns_allowed"), log((2 * .9 + 6 * .95) / 7.9));
}

/* The bookmakers' word counts; without one, what both teams have shown. */
static void test_expected_points(void **state) {
        _cleanup_form_ struct form *form = form_new();
        struct game_line line = line_of(1), asked = line_of(2);
        line.scored = 42;
        line.allowed = 7;
        form_take_week(form, &line, 1);
        asked.expected_points = 27.5;
        check_near(feature(form, &asked, "expected_points"), 2.75);
        check_near(feature(form, &asked, "expected_points_log"), log(27.5));
        asked.expected_points = 0;
        /* Team 0 has made 42, team 1 has allowed as many. */
        check_near(feature(form, &asked, "expected_points"), (22 + .8 * (26 - 22) + .5 * (26 - 22) - .85) / 10);
        asked.home = true;
        check_near(feature(form, &asked, "expected_points"), (22 + .8 * (26 - 22) + .5 * (26 - 22) + .85) / 10);
}

static void test_career(void **state) {
        _cleanup_form_ struct form *form = form_new();
        for (int week = 1; week <= 14; week++) {
                struct game_line line = line_of(week);
                line.touchdowns_caught = week <= 3;
                line.targets = 4;
                line.catches = 3;
                form_take_week(form, &line, 1);
        }
        struct game_line asked = line_of(15);
        check_near(feature(form, &asked, "touchdowns_ever"), log((3 + 8 * .2) / 22));
        double weight = 0;
        for (int i = 0; i < 10; i++)
                weight = weight * .93 + 1;
        check_near(feature(form, &asked, "caught_of_targets"), log((3 * weight + 2) / (4 * weight + 3)));
        assert_int_equal(form_games(form, &asked), 14);
}

/* Two players with the same form: who scored more than was expected is foretold to score more, lines of an earlier
 * season count half, and what comes after the lines that are asked for does not count. */
static void test_surplus(void **state) {
        struct game_line lines[] = {line_of(1), line_of(1), line_of(2), line_of(2), line_of(3)};
        double features[5 * FORM_FEATURES] = {0};
        struct example all[5];
        const struct regression even = {.n = FORM_FEATURES}; /* a half of all */
        for (size_t i = 0; i < 5; i++) {
                lines[i].player = (int32_t)(i % 2);
                all[i] = (struct example){.line = &lines[i]};
        }
        lines[0].touchdowns_caught = lines[4].touchdowns_caught = 1;
        lines[2].touchdowns_run = 2;
        const struct examples examples = {.examples = all, .features = features, .n = 5};
        struct surplus surplus = surplus_make(&examples, 4, &even, 2024);
        check_near(surplus.log_odds[0], 1 / (.5 + 15));
        check_near(surplus.log_odds[1], -1 / (.5 + 15));
        check_near(surplus_chance(&surplus, &even, &examples, 4), 1 / (1 + exp(-1 / 15.5)));
        surplus_done(&surplus);
        surplus = surplus_make(&examples, 4, &even, 2025);
        check_near(surplus.log_odds[0], .5 / (.25 + 15));
        lines[4].player = 7; /* nobody that was seen */
        check_near(surplus_chance(&surplus, &even, &examples, 4), .5);
        surplus_done(&surplus);
}

/* Early in a season, and with hardly a line, the baseline answers. */
static void test_who_answers(void **state) {
        struct game_line line = line_of(3);
        struct example example = {.line = &line, .games = 30};
        assert_false(model_answers(&example));
        line = line_of(4);
        assert_true(model_answers(&example));
        example.games = 3;
        assert_true(model_answers(&example));
        example.games = 2;
        assert_false(model_answers(&example));
        const struct week final = {.season = 2024, .week = 1, .type = SEASON_POST};
        line.order = week_order(&final);
        example.games = 20;
        assert_true(model_answers(&example));
}

/* Coefficients that made the outcomes are found again, on scales far apart; the constant feature is harmless. */
static void test_regression(void **state) {
        enum { N = 4000 };
        double *rows = xcalloc((size_t)N * 3, sizeof(*rows));
        bool *outcomes = xcalloc(N, sizeof(*outcomes));
        uint32_t random = 7;
        struct regression found = {0};
        for (size_t i = 0; i < N; i++) {
                rows[3 * i] = (double)((random = random * 1664525U + 1013904223U) >> 8) / (1 << 24) * 1000;
                rows[3 * i + 1] = (double)((random = random * 1664525U + 1013904223U) >> 8) / (1 << 24);
                rows[3 * i + 2] = 5;
                double chance = 1 / (1 + exp(-(-3 + 0.004 * rows[3 * i] + 2 * rows[3 * i + 1])));
                outcomes[i] = (double)((random = random * 1664525U + 1013904223U) >> 8) / (1 << 24) < chance;
        }
        assert_int_equal(regression_train(rows, outcomes, N, 3, 1, &found), 0);
        assert_true(fabs(found.weights[0] - 0.004) < 0.0006 && fabs(found.weights[1] - 2) < 0.35);
        assert_true(found.weights[2] == 0 && fabs(found.intercept + 3) < 0.35);
        const double row[] = {500, .5, 5};
        assert_true(fabs(regression_chance(&found, row) - .5) < 0.03);
        /* The outcomes the other way round give the same model with its signs turned. */
        struct regression turned;
        for (size_t i = 0; i < N; i++)
                outcomes[i] = !outcomes[i];
        assert_int_equal(regression_train(rows, outcomes, N, 3, 1, &turned), 0);
        assert_true(fabs(turned.weights[1] + found.weights[1]) < 1e-3);
        memset(outcomes, 0, N);
        assert_int_equal(regression_train(rows, outcomes, N, 3, 1, &turned), -ENODATA);
        outcomes[0] = true;
        rows[4] = NAN;
        assert_int_equal(regression_train(rows, outcomes, N, 3, 1, &turned), -EINVAL);
        assert_int_equal(regression_train(rows, outcomes, 1, REGRESSION_FEATURES_MAX + 1, 1, &turned), -EINVAL);
        free(rows);
        free(outcomes);
}

static void test_measure(void **state) {
        const struct foretold four[] = {{.1, false}, {.4, true}, {.35, false}, {.8, true}};
        struct measure found = measure(four, 4);
        assert_int_equal(found.scored, 2);
        check_near(found.log_loss, -(log(.9) + log(.4) + log(.65) + log(.8)) / 4);
        check_near(found.brier, (.01 + .36 + .1225 + .04) / 4);
        check_near(found.auc, 1);
        assert_int_equal(found.bins[1].n, 1);
        assert_int_equal(found.bins[4].scored, 1);
        check_near(found.bins[3].mean, .35);
        const struct foretold ties[] = {{.5, false}, {.5, true}, {.7, false}, {.2, true}};
        check_near(measure(ties, 4).auc, .5 / 4);
        const struct foretold sure[] = {{1, true}, {0, false}};
        assert_true(measure(sure, 2).log_loss < 1e-9);
        assert_true(isnan(measure(sure, 1).auc));
        assert_int_equal(measure(NULL, 0).n, 0);
}

static void test_names(void **state) {
        struct names names = {0};
        char name[16];
        for (int round = 0; round < 2; round++)
                for (int i = 0; i < 3000; i++) {
                        (void)snprintf(name, sizeof(name), "%d", i * 31);
                        assert_int_equal(names_number(&names, name), i);
                }
        names_done(&names);
}

/* Lines of many weeks in which who has more targets scores more. New array. */
static struct game_line *make_season(size_t *ret_n) {
        struct game_line *lines = NULL;
        size_t n = 0, room = 0;
        uint32_t random = 3;
        for (int week = 1; week <= 18; week++)
                for (int player = 0; player < 80; player++) {
                        GROW(lines, n, room);
                        lines[n] = line_of(week);
                        lines[n].player = player;
                        lines[n].team = player / 5;
                        lines[n].opponent = (player / 5 + week) % 16;
                        lines[n].targets = (int16_t)(player % 5 * 2 + 1);
                        random = random * 1664525U + 1013904223U;
                        lines[n].touchdowns_caught = (random >> 16) % 100 < 8U * (unsigned)lines[n].targets;
                        n++;
                }
        *ret_n = n;
        return lines;
}

/* The walk over a week is the same whatever comes behind it. */
static void test_no_look_ahead(void **state) {
        size_t n, early;
        _cleanup_free_ struct game_line *lines = make_season(&n);
        struct examples examples = examples_make(lines, n);
        assert_int_equal(examples.n, n);
        int32_t from = line_of(10).order, to = line_of(14).order;
        struct evaluation before = evaluation_run(&examples, from, to, &early);
        assert_int_equal(before.weeks, 5);
        assert_int_equal(before.ways[WAY_MODEL].n, 400);
        assert_true(before.ways[WAY_MODEL].log_loss < before.ways[WAY_POSITION].log_loss);
        examples_done(&examples);
        for (size_t i = 14 * 80; i < n; i++)
                lines[i].touchdowns_caught = lines[i].targets = 99;
        examples = examples_make(lines, n);
        struct evaluation after = evaluation_run(&examples, from, to, &early);
        assert_memory_equal(&before.ways, &after.ways, sizeof(before.ways));
        examples_done(&examples);
}

/* What is foretold for a week is the same whatever happens in it. */
static void test_no_look_at_the_week_itself(void **state) {
        size_t n, early;
        _cleanup_free_ struct game_line *lines = make_season(&n);
        struct evaluation found[2];
        n = 14 * 80;
        for (size_t outcome = 0; outcome < 2; outcome++) {
                for (size_t i = n - 80; i < n; i++)
                        lines[i].touchdowns_caught = (i % 3 == 0) == (outcome == 1);
                struct examples examples = examples_make(lines, n);
                found[outcome] = evaluation_run(&examples, lines[n - 1].order, lines[n - 1].order, &early);
                assert_int_equal(found[outcome].ways[WAY_MODEL].n, 80);
                examples_done(&examples);
        }
        assert_int_not_equal(found[0].ways[WAY_MODEL].scored, found[1].ways[WAY_MODEL].scored);
        for (size_t way = 0; way < WAYS; way++)
                for (size_t i = 0; i < MEASURE_BINS; i++) {
                        assert_int_equal(found[0].ways[way].bins[i].n, found[1].ways[way].bins[i].n);
                        check_near(found[0].ways[way].bins[i].mean, found[1].ways[way].bins[i].mean);
                }
}

static void test_too_early(void **state) {
        size_t n, early = 0;
        _cleanup_free_ struct game_line *lines = make_season(&n);
        struct examples examples = examples_make(lines, n);
        struct regression regression;
        assert_int_equal(model_train(&examples, MODEL_LINES_MIN - 1, &regression), -ENODATA);
        struct evaluation found = evaluation_run(&examples, line_of(1).order, line_of(18).order, &early);
        assert_int_equal(early, 6); /* 5.6 weeks of 80 lines are 450 */
        assert_int_equal(found.weeks, 12);
        assert_int_equal(found.enough.n, found.ways[WAY_MODEL].n);
        examples_done(&examples);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_weeks_in_order),
                cmocka_unit_test(test_windows),
                cmocka_unit_test(test_seasons_and_absence),
                cmocka_unit_test(test_teams_and_defences),
                cmocka_unit_test(test_expected_points),
                cmocka_unit_test(test_career),
                cmocka_unit_test(test_surplus),
                cmocka_unit_test(test_who_answers),
                cmocka_unit_test(test_regression),
                cmocka_unit_test(test_measure),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_no_look_ahead),
                cmocka_unit_test(test_no_look_at_the_week_itself),
                cmocka_unit_test(test_too_early),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
