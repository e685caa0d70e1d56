/* The control socket: accepts clients and serves the control protocol (proto/protocol.md) with the engine's functions.
 *
 * Caps: CONTROL_SESSIONS_MAX connections, of which the last few are kept for root and the daemon's own user;
 * CONTROL_SESSIONS_PER_UID of one user, and CONTROL_SESSIONS_PER_STRANGER of one without any right. session.h says what
 * one connection can hold. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "engine.h"
#include "loop.h"

#define CONTROL_SESSIONS_MAX 1024
#define CONTROL_SESSIONS_RESERVED 16
#define CONTROL_SESSIONS_PER_UID 512
#define CONTROL_SESSIONS_PER_STRANGER 8

struct control_server;

struct control_config {
        const char *socket_path;   /* where to listen, mode 0666; unused with listen_fd */
        int listen_fd;             /* a listening socket, taken over (also when this fails); -1: none */
        gid_t watch_gid, act_gid;  /* (gid_t)-1 where there is no such group */
        const char *watch_group;   /* names, for error texts; NULL: batchd */
        const char *act_group;     /* NULL: batchd-admin */
        uid_t own_uid;             /* the daemon's */
        const uid_t *trusted_uids; /* TrustedClients= */
        size_t n_trusted;
        unsigned actions_per_minute; /* 0: no limit */
        const char *version;
        const char *host;
};

/* config is copied. Negative errno with *ret_error saying what to do. */
int control_server_new(struct control_server **ret, struct loop *loop, struct engine *engine,
                       const struct control_config *config, char **ret_error);
/* A configuration that was read again. */
void control_server_set_actions_per_minute(struct control_server *server, unsigned actions_per_minute);
/* Borrowed; for the fd store. -1 once it has stopped. */
int control_server_listen_fd(const struct control_server *server);
size_t control_server_n_sessions(const struct control_server *server);
/* reason "stop" or "restart": tells every client and takes no new ones. Clients that are connected are served until
 * control_server_free. After "stop" the file of a socket that the server made is gone, so that clients are refused;
 * after "restart" it stays, and with the listening socket in the fd store clients wait. A socket that was passed is its
 * owner's: with batchd.socket active it goes on listening for the next start. */
void control_server_stop(struct control_server *server, const char *reason);
/* Sends what can be sent at once and closes all connections. To be called before engine_free; answers that come later
 * are dropped. */
struct control_server *control_server_free(struct control_server *server);
