/* A connection to the daemon: finding its socket, calls with their answers, waiting out a restart. What goes wrong is
 * told to the user here; callers only pass the exit status on. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "context.h"
#include "exit_status.h"
#include "timeutil.h"

/* After so much silence what was asked is asked anew, over a connection of its own: a daemon that has much to do, or a
 * step that says nothing, is no news, but a connection that has been forgotten at the other end says nothing either.
 * Calls that act carry their request_id, followers go on behind their last line, so nothing happens or is shown twice.
 */
#define SILENCE_MAX (20 * USEC_PER_SEC)

struct session {
        const struct context *context;
        struct client *client;
        char *path; /* of the socket; or the URL */
        bool is_remote;
        pid_t helper; /* batch-http, of a remote one */
        int fd;
        usec_t patience;              /* for the answer to the last call */
        bool stopping;                /* the daemon said that it is stopped for good */
        const sigset_t *mask;         /* signals let in while waiting; NULL: as they are */
        struct client_message *stash; /* answers that came while another one was waited for */
        size_t n_stash;
        size_t stash_size;
};

/* Not open yet: a command may end before it needs the daemon. */
#define SESSION_INIT ((struct session){.fd = -1})

/* 0 or EXIT_UNREACHABLE. */
int session_open(struct session *session, const struct context *context);
void session_close(struct session *session);
#define _cleanup_session_ _cleanup_(session_close)

/* Calls and waits for the answer; over a lost connection too. 0 with *ret, or an exit status. params is taken over. */
int session_call(struct session *session, enum method_id method, struct jval *params, struct jval **ret);
/* run.show of the run (NULL: the one that runs, else the latest), its pages put together. 0 with *ret, or an exit
 * status. */
int session_show_run(struct session *session, const char *run, struct jval **ret);
/* The same in two parts, so that several calls share one round trip. session_send returns the id. */
int64_t session_send(struct session *session, enum method_id method, struct jval *params);
int session_answer(struct session *session, int64_t id, struct jval **ret);
/* The answer to a call that can be done without, if it comes within patience; else NULL, and nothing is said. */
struct jval *session_answer_within(struct session *session, int64_t id, usec_t patience);

/* The next message of any kind. 1: *ret; 0: the time passed; -EINTR: a signal was let in; -ECONNRESET: the connection
 * is lost; -EBADMSG: told to the user, the connection is of no use. timeout_usec USEC_INFINITY: for ever. */
int session_next(struct session *session, usec_t timeout_usec, struct client_message *ret);
/* After a lost connection: waits for the daemon to come back, and queues what was not answered. 0, -EINTR (a signal was
 * let in), or -ECONNREFUSED (told to the user). */
int session_reconnect(struct session *session, usec_t patience);

/* Tells the user why a call was refused; the exit status for it. */
int session_refused(const struct context *context, const struct client_message *message);
