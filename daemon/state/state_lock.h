/* One daemon a state folder: flock on <state>/lock, with the holder's process id in it. */
#pragma once

/* A descriptor that holds the lock until it is closed, or negative errno; -EBUSY when another process holds it (the
 * error names it). */
int state_lock_take(const char *state_dir, char **ret_error);
