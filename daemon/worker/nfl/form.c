#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "macro.h"
#include "xalloc.h"

#define LAST 10 /* games of a player that count */
#define WINDOWS 3
#define TEAM_FADE 0.9 /* what a team's week counts a week later */
#define USUAL_POINTS 22
#define RECENT_FADE 0.8
#define LONG_FADE 0.93

static const int window_games[WINDOWS] = {3, 5, LAST};

/* What a line of the position has on average (regular season of 2023): where the rates of few games are drawn to. */
static const struct {
        double chance, targets, catches, yards, touchdown_a_target, allowed, team_share;
} usual[POSITIONS] = {
        [POSITION_WR] = {.20, 3.4, 2.1, 28, .055, .95, 1.5},
        [POSITION_TE] = {.16, 2.4, 1.75, 18, .046, .45, 1.5},
        [POSITION_OTHER] = {.30, 1.8, 1.4, 10, .03, .3, 1.5},
};

const char *const form_names[FORM_FEATURES] = {
        "tight_end",
        "touchdown_games_3",
        "touchdown_games_5",
        "touchdown_games_10",
        "targets_3",
        "targets_5",
        "targets_10",
        "catches_3",
        "catches_5",
        "catches_10",
        "yards_3",
        "yards_5",
        "yards_10",
        "touchdowns_fading",
        "touchdowns_drawn",
        "targets_recent",
        "targets_long",
        "targets_plain_3",
        "targets_plain_10",
        "targets_root_10",
        "yards_plain_10",
        "touchdowns_plain_10",
        "yards_a_target_10",
        "targets_trend",
        "carries_5",
        "target_share_10",
        "team_games_5",
        "team_games_3",
        "regular_target",
        "games_of_season",
        "weeks_away",
        "missed_last",
        "no_line_yet",
        "other_team",
        "part_of_receivers",
        "rank_in_team",
        "first_in_team",
        "team_touchdowns",
        "team_points",
        "opponent_touchdowns_allowed",
        "opponent_points_allowed",
        "home",
        "touchdowns_ever",
        "caught_of_targets",
        "expected_points",
        "expected_points_log",
};

/* Of touchdowns_drawn, which is this chance's logarithm. */
#define DRAWN_INDEX 14

double form_baseline(const double *features) {
        return exp(features[DRAWN_INDEX]);
}

struct past_line {
        int32_t targets, catches, yards, carries;
        bool scored;
        double share;      /* of his team's targets */
        int32_t team_game; /* number of the game among his team's */
        int32_t team;
};

struct player {
        size_t lines, scoring_lines;
        struct past_line last[LAST]; /* line i at i % LAST */
        int32_t order;               /* of the last line */
        int season, season_lines;
        double recent_targets, recent_weight;
};

struct team {
        int32_t games;
        double weight; /* of the games, faded */
        double caught, points_for, points_against;
        double caught_against[POSITIONS];
        int32_t targets; /* of the week that is being taken in */
        int32_t in_week; /* order of that week */
        int32_t *squad;  /* players in its last game */
        size_t n_squad, room_squad;
};

struct form {
        struct player *players;
        size_t n_players;
        struct team *teams;
        size_t n_teams;
        int32_t order; /* the last week taken in */
};

struct form *form_new(void) {
        return NEW(struct form);
}

struct form *form_free(struct form *form) {
        for (size_t i = 0; form && i < form->n_teams; i++)
                free(form->teams[i].squad);
        if (form) {
                free(form->players);
                free(form->teams);
        }
        free(form);
        return NULL;
}

static double logit(double chance) {
        return log(chance / (1 - chance));
}

/* Sums of the last `games` of a player's lines. */
struct sums {
        double games, scored, targets, catches, yards, carries, share;
};

static const struct past_line *past_line(const struct player *player, size_t back) {
        return &player->last[(player->lines - 1 - back) % LAST];
}

static struct sums sum_last(const struct player *player, size_t games) {
        struct sums sums = {.games = (double)MIN(player->lines, games)};
        for (size_t i = 0; i < MIN(player->lines, games); i++) {
                const struct past_line *line = past_line(player, i);
                sums.scored += line->scored;
                sums.targets += line->targets;
                sums.catches += line->catches;
                sums.yards += line->yards;
                sums.carries += line->carries;
                sums.share += line->share;
        }
        return sums;
}

/* The same with each game counting `fade` of the one after it; games: their weight. */
static struct sums sum_fading(const struct player *player, double fade) {
        struct sums sums = {0};
        double weight = 1;
        for (size_t i = 0; i < MIN(player->lines, (size_t)LAST); i++, weight *= fade) {
                const struct past_line *line = past_line(player, i);
                sums.games += weight;
                sums.scored += weight * line->scored;
                sums.targets += weight * line->targets;
                sums.catches += weight * line->catches;
        }
        return sums;
}

/* A rate a game, drawn towards the usual one with the weight of `pull` games. */
static double drawn(double sum, double games, double rate, double pull) {
        return (sum + pull * rate) / (games + pull);
}

static double *add_windows(double *at, const struct player *player, enum position position) {
        struct sums sums[WINDOWS];
        for (size_t i = 0; i < WINDOWS; i++)
                sums[i] = sum_last(player, (size_t)window_games[i]);
        for (size_t i = 0; i < WINDOWS; i++)
                *at++ = logit(drawn(sums[i].scored, sums[i].games, usual[position].chance, 4 + 2 * (double)i));
        for (size_t i = 0; i < WINDOWS; i++)
                *at++ = log(drawn(sums[i].targets, sums[i].games, usual[position].targets, 1 + .5 * (double)i) + .5);
        for (size_t i = 0; i < WINDOWS; i++)
                *at++ = log(drawn(sums[i].catches, sums[i].games, usual[position].catches, 1 + .5 * (double)i) + .5);
        for (size_t i = 0; i < WINDOWS; i++)
                *at++ = log(fmax(drawn(sums[i].yards, sums[i].games, usual[position].yards, 1 + .5 * (double)i), 0) +
                            5);
        return at;
}

/* How often he scores, and his use, seen in other ways than by the plain windows. */
static double *add_use(double *at, const struct player *player, enum position position) {
        struct sums fading = sum_fading(player, LONG_FADE), recent = sum_fading(player, RECENT_FADE);
        struct sums three = sum_last(player, 3), five = sum_last(player, 5), ten = sum_last(player, LAST);
        double targets = drawn(fading.targets, fading.games, usual[position].targets, 2);
        double expected = 1 - exp(-targets * usual[position].touchdown_a_target);
        double targets_10 = drawn(ten.targets, ten.games, usual[position].targets, 2);
        *at++ = logit(drawn(fading.scored, fading.games, usual[position].chance, 8));
        *at++ = log(drawn(fading.scored, fading.games, expected, 8));
        *at++ = log(drawn(recent.targets, recent.games, usual[position].targets, 1) + .5);
        *at++ = log(targets + .5);
        *at++ = drawn(three.targets, three.games, usual[position].targets, 1) / 5;
        *at++ = targets_10 / 5;
        *at++ = sqrt(targets_10);
        *at++ = drawn(ten.yards, ten.games, usual[position].yards, 2) / 40;
        *at++ = drawn(ten.scored, ten.games, usual[position].chance, 8);
        *at++ = log(fmax(drawn(ten.yards, ten.games, usual[position].yards, 2), 0) + 5) - log(targets_10 + .5);
        *at++ = log(drawn(three.targets, three.games, usual[position].targets, 1) + .5) - log(targets_10 + .5);
        *at++ = log(1 + five.carries / (five.games + 1));
        *at++ = log(drawn(ten.share, ten.games, .1, 2));
        return at;
}

static const struct team no_team;

static const struct team *find_team(const struct form *form, int32_t number) {
        return (size_t)number < form->n_teams ? &form->teams[number] : &no_team;
}

static const struct player no_player;

static const struct player *find_player(const struct form *form, int32_t number) {
        return (size_t)number < form->n_players ? &form->players[number] : &no_player;
}

int form_games(const struct form *form, const struct game_line *line) {
        return (int)find_player(form, line->player)->lines;
}

int form_season_games(const struct form *form, const struct game_line *line) {
        const struct player *player = find_player(form, line->player);
        return player->season == order_season(line->order) ? player->season_lines : 0;
}

/* In how many of the last games of his team he had a line. */
static int games_with(const struct player *player, const struct team *team, int32_t number, int games) {
        int found = 0;
        for (size_t i = 0; i < MIN(player->lines, (size_t)LAST) && past_line(player, i)->team == number; i++)
                found += team->games - past_line(player, i)->team_game <= games;
        return found;
}

static double *add_presence(double *at, const struct form *form, const struct game_line *line) {
        const struct player *player = find_player(form, line->player);
        const struct team *team = find_team(form, line->team);
        struct sums fading = sum_fading(player, LONG_FADE);
        int away = player->lines ? MIN(line->order - player->order, 10) : 10;
        double in_five = games_with(player, team, line->team, 5) / 5.0;
        *at++ = in_five;
        *at++ = games_with(player, team, line->team, 3) / 3.0;
        *at++ = in_five * log((fading.targets + 1) / (fading.games + 2) + .5);
        *at++ = MIN(form_season_games(form, line), 8) / 8.0;
        *at++ = MIN(away, 6) / 6.0;
        *at++ = player->lines && away >= 2 && player->season == order_season(line->order);
        *at++ = player->lines == 0;
        *at++ = player->lines && past_line(player, 0)->team != line->team;
        return at;
}

static double recent_targets(const struct player *player) {
        return (player->recent_targets + .5) / (player->recent_weight + 1);
}

/* His part of the targets among those who were in his team's last game, and his rank. */
static double *add_rank(double *at, const struct form *form, const struct game_line *line) {
        const struct team *team = find_team(form, line->team);
        double own = recent_targets(find_player(form, line->player)), others = 0;
        int rank = 1;
        for (size_t i = 0; i < team->n_squad; i++) {
                if (team->squad[i] == line->player)
                        continue;
                double theirs = recent_targets(&form->players[team->squad[i]]);
                others += theirs;
                rank += theirs > own;
        }
        *at++ = log((own + 1) / (own + others + 8));
        *at++ = MIN(rank, 6) / 2.0;
        *at++ = rank == 1;
        return at;
}

/* What the bookmakers expect of his team. Where they say nothing, it is told from the points that it and its opponent's
 * opponents made; the weights are those that come nearest to the bookmakers in 2023. */
static double expected_points(const struct team *team, const struct team *opponent, const struct game_line *line) {
        if (line->expected_points > 0)
                return line->expected_points;
        double scored = drawn(team->points_for, team->weight, USUAL_POINTS, 4);
        double allowed = drawn(opponent->points_against, opponent->weight, USUAL_POINTS, 4);
        return USUAL_POINTS + .8 * (scored - USUAL_POINTS) + .5 * (allowed - USUAL_POINTS) + 1.7 * (line->home - .5);
}

/* Over all of his lines, and how well he catches. */
static double *add_career(double *at, const struct player *player, enum position position) {
        struct sums fading = sum_fading(player, LONG_FADE);
        *at++ = log(drawn((double)player->scoring_lines, (double)player->lines, usual[position].chance, 8));
        *at++ = log((fading.catches + 2) / (fading.targets + 3));
        return at;
}

void form_features(const struct form *form, const struct game_line *line, double ret[FORM_FEATURES]) {
        const struct player *player = find_player(form, line->player);
        const struct team *team = find_team(form, line->team), *opponent = find_team(form, line->opponent);
        enum position position = line->position;
        double *at = ret;
        if (line->order <= form->order)
                abort();
        *at++ = position == POSITION_TE;
        at = add_windows(at, player, position);
        at = add_use(at, player, position);
        at = add_presence(at, form, line);
        at = add_rank(at, form, line);
        *at++ = log(drawn(team->caught, team->weight, usual[position].team_share, 4));
        *at++ = drawn(team->points_for, team->weight, USUAL_POINTS, 4) / 10;
        *at++ = log(drawn(opponent->caught_against[position], opponent->weight, usual[position].allowed, 6));
        *at++ = drawn(opponent->points_against, opponent->weight, USUAL_POINTS, 4) / 10;
        *at++ = line->home;
        at = add_career(at, player, position);
        double points = fmax(expected_points(team, opponent, line), 3);
        *at++ = points / 10;
        *at++ = log(points);
        if (at != ret + FORM_FEATURES)
                abort();
}

static void make_room(struct form *form, const struct game_line *line) {
        size_t players = (size_t)line->player + 1, teams = (size_t)MAX(line->team, line->opponent) + 1;
        if (players > form->n_players) {
                size_t n = MAX(players, 2 * form->n_players);
                form->players = xreallocarray(form->players, n, sizeof(*form->players));
                memset(form->players + form->n_players, 0, (n - form->n_players) * sizeof(*form->players));
                form->n_players = n;
        }
        if (teams > form->n_teams) {
                size_t n = MAX(teams, 2 * form->n_teams);
                form->teams = xreallocarray(form->teams, n, sizeof(*form->teams));
                memset(form->teams + form->n_teams, 0, (n - form->n_teams) * sizeof(*form->teams));
                form->n_teams = n;
        }
}

/* Once a week for each team that plays, with its points and its opponent's. */
static void begin_week(struct team *team, int32_t order, int32_t scored, int32_t allowed) {
        if (team->in_week == order)
                return;
        team->in_week = order;
        team->games++;
        team->weight = team->weight * TEAM_FADE + 1;
        team->caught *= TEAM_FADE;
        team->points_for = team->points_for * TEAM_FADE + (scored < 0 ? USUAL_POINTS : scored);
        team->points_against = team->points_against * TEAM_FADE + (allowed < 0 ? USUAL_POINTS : allowed);
        for (size_t i = 0; i < POSITIONS; i++)
                team->caught_against[i] *= TEAM_FADE;
        team->targets = 0;
        team->n_squad = 0;
}

static void take_line(struct form *form, const struct game_line *line) {
        struct player *player = &form->players[line->player];
        struct team *team = &form->teams[line->team];
        team->caught += line->touchdowns_caught;
        form->teams[line->opponent].caught_against[line->position] += line->touchdowns_caught;
        GROW(team->squad, team->n_squad, team->room_squad);
        team->squad[team->n_squad++] = line->player;
        int season = order_season(line->order);
        player->season_lines = player->season == season ? player->season_lines + 1 : 1;
        player->season = season;
        player->order = line->order;
        player->recent_targets = player->recent_targets * RECENT_FADE + line->targets;
        player->recent_weight = player->recent_weight * RECENT_FADE + 1;
        player->scoring_lines += line_scored(line);
        player->last[player->lines++ % LAST] = (struct past_line){
                .targets = line->targets,
                .catches = line->catches,
                .yards = line->yards,
                .carries = line->carries,
                .scored = line_scored(line),
                .share = team->targets > 0 ? (double)line->targets / team->targets : 0,
                .team_game = team->games - 1,
                .team = line->team,
        };
}

void form_take_week(struct form *form, const struct game_line *lines, size_t n) {
        for (size_t i = 0; i < n; i++) {
                if (lines[i].order <= form->order || lines[i].order != lines[0].order || lines[i].asked)
                        abort();
                make_room(form, &lines[i]);
                begin_week(&form->teams[lines[i].team], lines[i].order, lines[i].scored, lines[i].allowed);
                begin_week(&form->teams[lines[i].opponent], lines[i].order, lines[i].allowed, lines[i].scored);
                form->teams[lines[i].team].targets += lines[i].targets;
        }
        for (size_t i = 0; i < n; i++)
                take_line(form, &lines[i]);
        form->order = n ? lines[0].order : form->order;
}
