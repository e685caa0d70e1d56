#include "baseline.h"

#define POSITION_PULL 300.0
#define PLAYER_PULL 10.0
#define PRIOR_RECEIVER 0.20
#define PRIOR_TIGHT_END 0.16

double baseline_position_rate(bool tight_end, const struct scoring *position) {
        double prior = tight_end ? PRIOR_TIGHT_END : PRIOR_RECEIVER;
        return ((double)position->scored + POSITION_PULL * prior) / ((double)position->lines + POSITION_PULL);
}

double baseline_chance(double position_rate, const struct scoring *player) {
        return ((double)player->scored + PLAYER_PULL * position_rate) / ((double)player->lines + PLAYER_PULL);
}
