/* A connection to batchd that comes back by itself: calls with their answers, and the notifications of what was
 * subscribed to. Calls that were on their way when the connection broke are sent again; those that act carry a
 * request_id, so nothing is done twice. */
#pragma once

#include <stdbool.h>

#include "client.h"
#include "loop.h"

struct daemon_link;

/* message: an answer or a refusal; NULL when there is none, and then why says what is wrong and what to do. */
typedef void (*link_answer_fn)(const struct client_message *message, const char *why, void *user);

struct link_events {
        void (*notification)(const struct client_message *message, void *user);
        /* A new connection: what was subscribed to is to be asked for again. */
        void (*up)(void *user);
        void (*down)(const char *why, void *user);
        void *user;
};

/* socket_path is copied; events may be NULL. Connects by itself as soon as the loop runs. */
int daemon_link_new(struct daemon_link **ret, struct loop *loop, const char *socket_path,
                    const struct link_events *events);
/* Calls that wait are told that no answer comes; they may not call anew. */
struct daemon_link *daemon_link_free(struct daemon_link *link);
/* Takes params over (NULL: none). fn is called once, never from within this call. timeout: how long the answer is
 * waited for. */
void daemon_link_call(struct daemon_link *link, enum method_id method, struct jval *params, usec_t timeout,
                      link_answer_fn fn, void *user);
/* After an ordered stop of the daemon no connection is tried (it would undo the stop where the socket starts the
 * service), until a new daemon has made its socket or a person asks for something: this is that. */
void daemon_link_wake(struct daemon_link *link);
/* Closes the connection and makes a new one: what was subscribed to on the old one ends. */
void daemon_link_renew(struct daemon_link *link);
