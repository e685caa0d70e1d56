/* The client's side of the control protocol, without input or output: bytes go in and out through buffers, and what
 * comes out of client_next are answers and notifications. Whoever owns the socket (batchctl, batch-web, a test, a
 * fuzzer) moves the bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "jval.h"
#include "methods.h"

struct client;

enum client_message_kind {
        CLIENT_ANSWER,       /* value is the result */
        CLIENT_REFUSAL,      /* error_kind, error_text; value is the error's data, may be NULL */
        CLIENT_NOTIFICATION, /* notification; value is its params */
};

enum notification {
        NOTIFICATION_RUN_LINES,
        NOTIFICATION_RUN_STATE,
        NOTIFICATION_RUN_END,
        NOTIFICATION_RUN_CHANGED,
        NOTIFICATION_DAEMON_STOPPING,
        NOTIFICATION_UNKNOWN, /* of a newer daemon: to be ignored */
        _NOTIFICATION_MAX,
};

struct client_message {
        enum client_message_kind kind;
        int64_t id; /* of the call; 0 for notifications, and for a refusal of what the daemon could not read */
        enum method_id method;
        enum notification notification;
        enum error_kind error_kind;
        char *error_text; /* owned */
        struct jval *value;
};
void client_message_done(struct client_message *message);
#define _cleanup_message_ _cleanup_(client_message_done)

struct client *client_new(void);
struct client *client_free(struct client *client);
DEFINE_CLEANUP(struct client, client_free);

/* Queues a call; takes params over (NULL: none). A call that acts gets a request_id unless it has one. The call's id,
 * from 1, or -E2BIG when it does not fit a frame. */
int64_t client_call(struct client *client, enum method_id method, struct jval *params);
/* The connection was lost and there is a new one: forgets what was half received and queues every unanswered call
 * again. That is safe, since calls that act carry their request_id. */
void client_reconnected(struct client *client);
/* Calls that are not answered yet. */
size_t client_pending(const struct client *client);

/* What is to be sent: *ret_len bytes (0: nothing), valid until the next call. */
const char *client_output(const struct client *client, size_t *ret_len);
void client_sent(struct client *client, size_t len);

/* Room to receive into, at least 64 KiB (*ret_size), to be followed by client_received. Take all messages out
 * (client_next) in between: NULL when more than a whole frame waits. */
char *client_input(struct client *client, size_t *ret_size);
void client_received(struct client *client, size_t len);

/* The next whole message. 1: *ret is filled (client_message_done it); 0: more bytes are needed; -EBADMSG: what came is
 * not this protocol, *ret_error says why, and the connection is of no more use. */
int client_next(struct client *client, struct client_message *ret, char **ret_error);
