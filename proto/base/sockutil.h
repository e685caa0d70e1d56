/* Unix sockets. All functions: a descriptor or 0, or negative errno. Descriptors are close-on-exec. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* type: SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM, may be or'ed with SOCK_NONBLOCK. A stale socket file that nobody
 * answers on is replaced; -EADDRINUSE when somebody does. mode is set on the socket file. backlog is ignored for
 * SOCK_DGRAM. */
int unix_listen(const char *path, int type, mode_t mode, int backlog);
/* -ENOENT, -ECONNREFUSED, -EACCES, -EAGAIN (backlog full), -ENAMETOOLONG. */
int unix_connect(const char *path, int type);
/* One message with descriptors (at most 8). -EAGAIN when it would block on a non-blocking socket. */
int send_with_fds(int fd, const void *data, size_t len, const int *fds, size_t n_fds);
/* Received bytes (0: end). Up to max_fds descriptors into fds, close-on-exec; *ret_n_fds tells how many; further ones
 * are closed. */
ssize_t recv_with_fds(int fd, void *data, size_t size, int *fds, size_t max_fds, size_t *ret_n_fds);

/* Who is at the other end, as of connect (SO_PEERCRED, SO_PEERGROUPS). */
struct peer {
        uid_t uid;
        gid_t gid;
        pid_t pid;
        gid_t *groups; /* supplementary groups; owned */
        size_t n_groups;
};
int peer_read(int fd, struct peer *ret);
void peer_done(struct peer *peer);
bool peer_in_group(const struct peer *peer, gid_t gid);
