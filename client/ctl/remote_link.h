/* batchctl --url: the connection to a daemon on another machine, through the helper program batch-http, so that this
 * one needs no HTTP and no TLS. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "timeutil.h"

/* A descriptor that speaks the control protocol, and the helper's pid; or negative errno when that cannot be started.
 * patience: how long a server that cannot be reached is tried again. */
int remote_link_open(const char *url, usec_t patience, pid_t *ret_helper);
/* Once the descriptor is closed: waits for the helper's end. True: it has given up for good, and said why. */
bool remote_link_gave_up(pid_t helper);
