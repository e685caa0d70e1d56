/* How often clients may act, and how long they wait after wrong passwords; by their address. */
#pragma once

#include <stdbool.h>

#include "timeutil.h"

/* Addresses that are remembered; the one that was quiet longest makes room. */
#define THROTTLE_ADDRESSES_MAX 1024

struct throttle;

struct throttle *throttle_new(unsigned actions_per_minute);
struct throttle *throttle_free(struct throttle *throttle);
/* Takes one action: 0, or how long to wait for the next. now: boottime. */
usec_t throttle_take(struct throttle *throttle, const char *key, usec_t now);
/* 0, or how long to wait before the next password is looked at. A password that is being looked at counts as wrong
 * until throttle_password_was_right. */
usec_t throttle_try_password(struct throttle *throttle, const char *key, usec_t now);
void throttle_password_was_right(struct throttle *throttle, const char *key);
