/* Who has logged in: in memory that the service manager's descriptor store keeps over a restart of batch-web, and a
 * crash. Nothing of it is on a disk; it goes when the service is stopped, and with the machine. */
#pragma once

#include <stdbool.h>

#include "secret.h"
#include "timeutil.h"

#define SESSIONS_MAX 256

struct web_session {
        char id[SECRET_SIZE];   /* the cookie's value */
        char csrf[SECRET_SIZE]; /* what a page has to send along with what changes something */
        usec_t used;            /* boottime */
};

struct sessions;

/* Whether that is the memory of an earlier batch-web which this one understands. */
bool sessions_fd_is_usable(int fd);
/* lifetime: how long one lasts without use. fd: memory of an earlier one, taken over; -1: begins with none. 0 or
 * negative errno. */
int sessions_new(struct sessions **ret, usec_t lifetime, int fd);
struct sessions *sessions_free(struct sessions *sessions);
/* To be kept by the service manager. */
int sessions_fd(const struct sessions *sessions);
/* All were opened with the password of that hash ("": there is none): with another one, they end. */
void sessions_set_password(struct sessions *sessions, const char *hash);
/* A new one; the one unused longest goes when there are too many. Valid until the next call. */
struct web_session *sessions_add(struct sessions *sessions, usec_t now);
/* NULL: unknown or expired. Counts as a use. */
struct web_session *sessions_find(struct sessions *sessions, const char *id, usec_t now);
void sessions_remove(struct sessions *sessions, const char *id);
