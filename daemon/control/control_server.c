#include "control_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_context.h"
#include "errortext.h"
#include "fileutil.h"
#include "log.h"
#include "session.h"
#include "strutil.h"
#include "xalloc.h"

#define BACKLOG 512
/* Connections taken in one pass; the rest wait in the backlog for the next. */
#define ACCEPTS_PER_PASS 32
/* How long nothing is accepted when descriptors or memory have run out: without it the loop would spin on the ready
 * listener. */
#define EXHAUSTED_PAUSE (1 * USEC_PER_SEC)
/* Callers whose bucket is remembered. */
#define LIMITED_CALLERS_MAX 1024
#define REFUSALS_PER_MINUTE 30

struct control_server {
        struct control_context context;
        char *socket_path; /* of the socket that it made itself; NULL for one that was passed */
        int listen_fd;
        int reserve_fd; /* given up for a moment to tell a client that descriptors have run out */
        struct loop_io *io;
        struct loop_timer *pause;
        struct session **sessions;
        size_t n_sessions, capacity;
};

static void on_closed(struct session *session, void *user) {
        struct control_server *server = user;

        for (size_t i = 0; i < server->n_sessions; i++)
                if (server->sessions[i] == session) {
                        server->sessions[i] = server->sessions[--server->n_sessions];
                        return;
                }
}

/* Tells a client that is not served why, as an answer to nothing. Its socket is fresh, so a short frame always fits. */
static void turn_away(int fd, const char *message) {
        _cleanup_buf_ struct buf out = BUF_INIT(4096);

        if (rpc_append_error(&out, NULL, ERROR_KIND_UNAVAILABLE, message, NULL) >= 0)
                (void)send(fd, buf_data(&out), out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)close(fd);
}

static size_t sessions_of(const struct control_server *server, uid_t uid) {
        size_t n = 0;

        for (size_t i = 0; i < server->n_sessions; i++)
                n += session_uid(server->sessions[i]) == uid;
        return n;
}

/* NULL, or why the peer gets no connection; a new string. */
static char *refuse_peer(const struct control_server *server, const struct peer *peer) {
        const struct rights_policy *rights = &server->context.rights;
        size_t cap;

        if (server->n_sessions >= CONTROL_SESSIONS_MAX)
                return xasprintf(
                        "close connections that are not needed and try again: batchd has %d, the most that it takes",
                        CONTROL_SESSIONS_MAX);
        if (rights_unlimited(rights, peer->uid))
                return NULL;
        if (server->n_sessions >= CONTROL_SESSIONS_MAX - CONTROL_SESSIONS_RESERVED)
                return xasprintf("close connections that are not needed and try again: batchd has %zu, and keeps the "
                                 "last %d for root",
                                 server->n_sessions, CONTROL_SESSIONS_RESERVED);
        if (rights_trusted(rights, peer->uid))
                return NULL;
        cap = rights_of(rights, peer) == RIGHT_NONE ? CONTROL_SESSIONS_PER_STRANGER : CONTROL_SESSIONS_PER_UID;
        if (sessions_of(server, peer->uid) >= cap)
                return xasprintf("close connections that are not needed and try again: user #%u has %zu open, the most "
                                 "that one user gets",
                                 (unsigned)peer->uid, cap);
        return NULL;
}

static void add_session(struct control_server *server, int fd) {
        _cleanup_free_ char *refusal = NULL;
        struct session *session;
        struct peer peer;
        int r = peer_read(fd, &peer);

        if (r < 0) {
                (void)close(fd);
                return;
        }
        refusal = refuse_peer(server, &peer);
        if (refusal) {
                peer_done(&peer);
                turn_away(fd, refusal);
                return;
        }
        r = session_new(&session, &server->context, fd, &peer, on_closed, server);
        if (r < 0) {
                log_warning("a client cannot be served: %s", strerror(-r));
                return;
        }
        GROW(server->sessions, server->n_sessions, server->capacity);
        server->sessions[server->n_sessions++] = session;
}

static void exhausted(struct control_server *server, int error) {
        log_warning("no clients are accepted for a second: %s (LimitNOFILE= of the service, or memory)",
                    strerror(error));
        if (server->reserve_fd >= 0) {
                int fd;

                (void)close(server->reserve_fd);
                fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd >= 0)
                        turn_away(fd, "try again in a second: batchd has run out of file descriptors");
                server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        }
        loop_io_set_interest(server->io, 0);
        loop_timer_arm(server->pause, EXHAUSTED_PAUSE);
}

static void on_pause_over(void *user) {
        struct control_server *server = user;

        if (server->reserve_fd < 0)
                server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        loop_io_set_interest(server->io, LOOP_READ);
}

static void on_connect(int listen_fd, unsigned ready, void *user) {
        struct control_server *server = user;

        for (int i = 0; i < ACCEPTS_PER_PASS; i++) {
                int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

                if (fd >= 0) {
                        add_session(server, fd);
                        continue;
                }
                if (errno == EINTR || errno == ECONNABORTED)
                        continue;
                if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                        exhausted(server, errno);
                return;
        }
}

/* Construction */

static void copy_config(struct control_server *server, const struct control_config *config) {
        struct control_context *context = &server->context;

        if (config->listen_fd < 0)
                server->socket_path = xstrdup(config->socket_path);
        context->rights = (struct rights_policy){
                .watch_gid = config->watch_gid,
                .act_gid = config->act_gid,
                .watch_group = xstrdup(str_or(config->watch_group, "batchd")),
                .act_group = xstrdup(str_or(config->act_group, "batchd-admin")),
                .own_uid = config->own_uid,
                .trusted =
                        config->n_trusted > 0 ? xmemdup(config->trusted_uids, config->n_trusted * sizeof(uid_t)) : NULL,
                .n_trusted = config->n_trusted,
        };
        context->limit = rate_limit_new(config->actions_per_minute, LIMITED_CALLERS_MAX);
        context->refusals = rate_limit_new(REFUSALS_PER_MINUTE, LIMITED_CALLERS_MAX);
        context->version = xstrdup(config->version);
        context->host = xstrdup(config->host);
}

static int start_listening(struct control_server *server, char **ret_error) {
        int r;

        if (server->listen_fd < 0) {
                r = unix_listen(server->socket_path, SOCK_STREAM | SOCK_NONBLOCK, 0666, BACKLOG);
                if (r == -EADDRINUSE)
                        return error_set(
                                ret_error, r,
                                "%s: another batchd answers there; stop it, or give this one another RuntimeDirectory=",
                                server->socket_path);
                if (r < 0)
                        return error_set(ret_error, r, "%s: cannot listen: %s", server->socket_path, strerror(-r));
                server->listen_fd = r;
        } else {
                r = fd_set_nonblock(server->listen_fd, true);
                if (r < 0)
                        return error_set(ret_error, r, "the control socket that was passed cannot be used: %s",
                                         strerror(-r));
        }
        r = loop_io_new(server->context.loop, &server->io, server->listen_fd, LOOP_READ, on_connect, server);
        if (r < 0)
                return error_set(ret_error, r, "the control socket cannot be watched: %s", strerror(-r));
        return 0;
}

int control_server_new(struct control_server **ret, struct loop *loop, struct engine *engine,
                       const struct control_config *config, char **ret_error) {
        struct control_server *server = NEW(struct control_server);
        int r;

        server->context.loop = loop;
        server->context.engine = engine;
        server->listen_fd = config->listen_fd;
        copy_config(server, config);
        server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        r = loop_timer_new(loop, &server->pause, on_pause_over, server);
        if (r >= 0)
                r = start_listening(server, ret_error);
        if (r < 0) {
                control_server_free(server);
                return r;
        }
        *ret = server;
        return 0;
}

void control_server_set_actions_per_minute(struct control_server *server, unsigned actions_per_minute) {
        rate_limit_set(server->context.limit, actions_per_minute);
}

int control_server_listen_fd(const struct control_server *server) {
        return server->listen_fd;
}

size_t control_server_n_sessions(const struct control_server *server) {
        return server->n_sessions;
}

static void stop_listening(struct control_server *server) {
        server->io = loop_io_free(server->io);
        loop_timer_disarm(server->pause);
        closep(&server->listen_fd);
        server->listen_fd = -1;
}

void control_server_stop(struct control_server *server, const char *reason) {
        if (server->listen_fd >= 0 && streq(reason, "stop") && server->socket_path)
                (void)unlink(server->socket_path);
        stop_listening(server);
        for (size_t i = 0; i < server->n_sessions; i++)
                session_notify_stopping(server->sessions[i], reason);
}

struct control_server *control_server_free(struct control_server *server) {
        struct control_context *context;

        if (!server)
                return NULL;
        context = &server->context;
        for (size_t i = 0; i < server->n_sessions; i++)
                session_close(server->sessions[i]);
        free(server->sessions);
        if (server->pause)
                stop_listening(server);
        closep(&server->listen_fd);
        closep(&server->reserve_fd);
        loop_timer_free(server->pause);
        free(server->socket_path);
        free((void *)(uintptr_t)context->rights.watch_group);
        free((void *)(uintptr_t)context->rights.act_group);
        free((void *)(uintptr_t)context->rights.trusted);
        rate_limit_free(context->limit);
        rate_limit_free(context->refusals);
        free(context->version);
        free(context->host);
        free(server);
        return NULL;
}
