/* Prices of bookmakers in American form: +150 pays 150 on a stake of 100, -150 asks a stake of 150 to win 100. */
#pragma once

/* "160", "+175", "-140", "even", "EV" (any case, spaces around). 0; -ENODATA for none ("" or NULL); -EBADMSG for what
 * is no price: other text, a magnitude below 100 or above 100,000. */
int price_parse(const char *text, int *ret);
/* The chance at which the price is fair: 0 < chance < 1. */
double price_to_chance(int american);
/* The fair price of a chance in American form, rounded to the nearest whole number; 0.5 gives +100. The chance is taken
 * as at least 0.001 and at most 0.999. */
int price_from_chance(double chance);
