/* Telling the service manager what the daemon does: sd_notify(3)'s protocol, sent without ever blocking.
 *
 * What matters (READY, RELOADING, STOPPING) and cannot be sent now is kept and goes before whatever is sent next, at
 * the latest with the next watchdog ping. Without a service manager every call does nothing and succeeds. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "timeutil.h"

struct notifier {
        char *path; /* NULL: nobody listens */
        struct buf pending;
        char *status; /* the last one said: repeating it costs nothing */
};

/* Reads $NOTIFY_SOCKET and takes it out of the environment, so that nothing that is started inherits it. 0, or -EINVAL
 * for an address that is neither a path nor abstract (the notifier is then silent). */
int notifier_init(struct notifier *ret);
void notifier_done(struct notifier *notifier);
bool notifier_is_active(const struct notifier *notifier);

/* Each: 0, -EAGAIN (kept, or for a status dropped), or another negative errno. status may be NULL. */
int notifier_ready(struct notifier *notifier, const char *status);
/* To be followed by notifier_ready. */
int notifier_reloading(struct notifier *notifier);
int notifier_stopping(struct notifier *notifier, const char *status);
int notifier_status(struct notifier *notifier, const char *status);
int notifier_watchdog(struct notifier *notifier);
/* The start or stop that is under way takes this much longer, from now. */
int notifier_extend_timeout(struct notifier *notifier, usec_t span);
/* Puts a copy of fd into the service's descriptor store, to come back by activation.h after a restart. FDPOLL=0: a
 * listening socket with clients that wait is not to be thrown out for being readable. */
int notifier_store_fd(struct notifier *notifier, int fd, const char *name);
/* Takes all descriptors of that name out of the store. */
int notifier_remove_fd(struct notifier *notifier, const char *name);
