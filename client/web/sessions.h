/* Who has logged in: in memory, so that a restart of batch-web ends all sessions. */
#pragma once

#include "secret.h"
#include "timeutil.h"

#define SESSIONS_MAX 256

struct web_session {
        char id[SECRET_SIZE];   /* the cookie's value */
        char csrf[SECRET_SIZE]; /* what a page has to send along with what changes something */
        usec_t used;            /* boottime */
};

struct sessions;

/* lifetime: how long one lasts without use. */
struct sessions *sessions_new(usec_t lifetime);
struct sessions *sessions_free(struct sessions *sessions);
/* A new one; the one unused longest goes when there are too many. Valid until the next call. */
struct web_session *sessions_add(struct sessions *sessions, usec_t now);
/* NULL: unknown or expired. Counts as a use. */
struct web_session *sessions_find(struct sessions *sessions, const char *id, usec_t now);
void sessions_remove(struct sessions *sessions, const char *id);
