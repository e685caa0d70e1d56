#include "http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"
#include "errortext.h"
#include "log.h"
#include "macro.h"
#include "xalloc.h"

#define BACKLOG 1024
#define ACCEPTS_PER_PASS 64
/* While descriptors have run out nothing is accepted for so long; the loop would spin otherwise. */
#define EXHAUSTED_PAUSE (1 * USEC_PER_SEC)
#define LISTENERS_MAX 8

struct listener {
        struct http_server *server;
        int fd;
        struct loop_io *io;
};

struct http_server {
        struct http_conn_settings settings;
        http_request_fn request;
        void *user;
        struct listener listeners[LISTENERS_MAX];
        size_t n_listeners;
        struct loop_timer *pause;
        struct http_conn **connections;
        size_t n_connections, capacity;
};

static void on_request(struct http_conn *conn, const struct http_request *request, void *user) {
        struct http_server *server = user;

        server->request(conn, request, server->user);
}

static void on_closed(struct http_conn *conn, void *user) {
        struct http_server *server = user;

        for (size_t i = 0; i < server->n_connections; i++)
                if (server->connections[i] == conn) {
                        server->connections[i] = server->connections[--server->n_connections];
                        return;
                }
}

/* An IPv4 client of an IPv6 socket has one address, not two. */
static void format_address(const struct sockaddr_storage *peer, char ret[static HTTP_ADDRESS_SIZE]) {
        const struct sockaddr_in *in = (const void *)peer;
        const struct sockaddr_in6 *in6 = (const void *)peer;

        (void)snprintf(ret, HTTP_ADDRESS_SIZE, "?");
        if (peer->ss_family == AF_INET)
                (void)inet_ntop(AF_INET, &in->sin_addr, ret, HTTP_ADDRESS_SIZE);
        else if (peer->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
                (void)inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, ret, HTTP_ADDRESS_SIZE);
        else if (peer->ss_family == AF_INET6)
                (void)inet_ntop(AF_INET6, &in6->sin6_addr, ret, HTTP_ADDRESS_SIZE);
}

static void turn_away(int fd) {
        static const char text[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
                                   "Connection: close\r\n\r\n";

        (void)send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)close(fd);
}

static void add_connection(struct http_server *server, int fd, const struct sockaddr_storage *peer) {
        char address[HTTP_ADDRESS_SIZE];
        struct http_conn *conn;

        if (server->n_connections >= HTTP_CONNECTIONS_MAX) {
                turn_away(fd);
                return;
        }
        format_address(peer, address);
        if (http_conn_new(&conn, &server->settings, fd, address) < 0)
                return;
        GROW(server->connections, server->n_connections, server->capacity);
        server->connections[server->n_connections++] = conn;
}

static void set_listening(struct http_server *server, unsigned interest) {
        for (size_t i = 0; i < server->n_listeners; i++)
                loop_io_set_interest(server->listeners[i].io, interest);
}

static void on_pause_over(void *user) {
        set_listening(user, LOOP_READ);
}

static void on_connect(int listen_fd, unsigned ready, void *user) {
        struct http_server *server = ((struct listener *)user)->server;

        for (int i = 0; i < ACCEPTS_PER_PASS; i++) {
                struct sockaddr_storage peer = {0};
                socklen_t size = sizeof(peer);
                int fd = accept4(listen_fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

                if (fd >= 0) {
                        add_connection(server, fd, &peer);
                        continue;
                }
                if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
                        log_warning("no clients are accepted for a second: %s", strerror(errno));
                        set_listening(server, 0);
                        loop_timer_arm(server->pause, EXHAUSTED_PAUSE);
                }
                return;
        }
}

int http_server_new(struct http_server **ret, struct loop *loop, http_request_fn request, void *user) {
        struct http_server *server = NEW(struct http_server);
        int r;

        server->request = request;
        server->user = user;
        server->settings =
                (struct http_conn_settings){.loop = loop, .request = on_request, .closed = on_closed, .user = server};
        r = loop_timer_new(loop, &server->pause, on_pause_over, server);
        if (r < 0) {
                free(server);
                return r;
        }
        *ret = server;
        return 0;
}

struct http_server *http_server_free(struct http_server *server) {
        if (!server)
                return NULL;
        while (server->n_connections > 0)
                http_conn_close(server->connections[server->n_connections - 1]);
        for (size_t i = 0; i < server->n_listeners; i++) {
                loop_io_free(server->listeners[i].io);
                (void)close(server->listeners[i].fd);
        }
        loop_timer_free(server->pause);
        free(server->connections);
        free(server);
        return NULL;
}

/* "HOST:PORT" or "[HOST]:PORT", both numbers: a name could not be looked up without waiting. */
static int resolve(const char *text, struct addrinfo **ret) {
        _cleanup_free_ char *copy = xstrdup(text);
        char *colon = strrchr(copy, ':'), *host = copy;
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};

        if (!colon)
                return -EINVAL;
        *colon++ = '\0';
        if (*host == '[' && host[strlen(host) - 1] == ']') {
                host[strlen(host) - 1] = '\0';
                host++;
        }
        return getaddrinfo(host, colon, &hints, ret) == 0 ? 0 : -EINVAL;
}

static int bind_to(const struct addrinfo *info) {
        _cleanup_close_ int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
        if (info->ai_family == AF_INET6)
                (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
        if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
                return -errno;
        return steal_fd(&fd);
}

static void tell_port(int fd) {
        struct sockaddr_storage own = {0};
        socklen_t size = sizeof(own);
        char address[HTTP_ADDRESS_SIZE];

        if (getsockname(fd, (struct sockaddr *)&own, &size) < 0)
                return;
        format_address(&own, address);
        log_info("listening on %s port %u", address,
                 ntohs(own.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&own)->sin6_port
                                                 : ((struct sockaddr_in *)&own)->sin_port));
}

int http_server_listen(struct http_server *server, const char *address, char **ret_error) {
        struct listener *listener = &server->listeners[server->n_listeners];
        struct addrinfo *info;
        int fd, r;

        if (server->n_listeners == LISTENERS_MAX)
                return error_set(ret_error, -E2BIG, "Listen=%s: at most %d addresses", address, LISTENERS_MAX);
        if (resolve(address, &info) < 0)
                return error_set(ret_error, -EINVAL,
                                 "Listen=%s is no address; it takes one like 127.0.0.1:8420 or [::1]:8420", address);
        fd = bind_to(info);
        freeaddrinfo(info);
        if (fd < 0)
                return error_set(ret_error, fd, "Listen=%s: %s", address, strerror(-fd));
        *listener = (struct listener){.server = server, .fd = fd};
        r = loop_io_new(server->settings.loop, &listener->io, fd, LOOP_READ, on_connect, listener);
        if (r < 0) {
                (void)close(fd);
                return error_set(ret_error, r, "Listen=%s: %s", address, strerror(-r));
        }
        server->n_listeners++;
        tell_port(fd);
        return 0;
}

size_t http_server_connections(const struct http_server *server) {
        return server->n_connections;
}
