/* The service's watchdog, fed from the event loop: a loop that hangs stops feeding it, and systemd starts the daemon
 * anew. */
#pragma once

#include <stdbool.h>

#include "loop.h"
#include "notify.h"

struct watchdog;

/* Feeds as long as healthy(span, user) says yes (NULL: always), three times in each WATCHDOG_USEC, which is the span
 * that any part may be silent for. 0 with *ret NULL when the
 * service has no watchdog (or it is meant for another process). notifier stays valid until watchdog_free. */
int watchdog_start(struct watchdog **ret, struct loop *loop, struct notifier *notifier,
                   bool (*healthy)(usec_t span, void *user), void *user);
struct watchdog *watchdog_free(struct watchdog *watchdog);
