/* Instants of a run on the boot clock, kept in its folder (the file "clock"): when it began, and when each retry is
 * due. A daemon that takes the run up measures on from them, whatever has become of the wall clock meanwhile. They
 * outlive the daemon and are of no use after the next boot, so nothing of it is synced. */
#pragma once

#include <stdint.h>

#include "timeutil.h"

/* The run itself; other numbers are the ordinals of attempts, and mean when those are due. */
#define RUN_CLOCK_BEGAN 0U
/* When its steps began: later than the run itself when ReadyWhen= held them up. */
#define RUN_CLOCK_STARTED UINT32_MAX

/* Notes that `what` is at this instant of the boot clock. 0 or negative errno; without it a restarted daemon falls back
 * to the wall clock. */
int run_clock_note(const char *run_dir, uint32_t what, usec_t boottime);
/* What was noted last, or 0 when nothing was in this boot. */
usec_t run_clock_find(const char *run_dir, uint32_t what);
