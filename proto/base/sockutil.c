#include "sockutil.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "fileutil.h"
#include "xalloc.h"

#define MAX_FDS 8

static int address_fill(struct sockaddr_un *ret, const char *path) {
        size_t length = strlen(path);

        if (length == 0)
                return -EINVAL;
        if (length >= sizeof(ret->sun_path))
                return -ENAMETOOLONG;
        *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
        memcpy(ret->sun_path, path, length + 1);
        return 0;
}

int unix_connect(const char *path, int type) {
        _cleanup_close_ int fd = -1;
        struct sockaddr_un address;
        int r = address_fill(&address, path);

        if (r < 0)
                return r;
        fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        return steal_fd(&fd);
}

/* Whether somebody answers at path; a socket file without a process behind it refuses. */
static bool somebody_answers(const char *path, int type) {
        int fd = unix_connect(path, (type & ~SOCK_NONBLOCK) | SOCK_NONBLOCK);

        if (fd < 0)
                return fd == -EAGAIN;
        (void)close(fd);
        return true;
}

int unix_listen(const char *path, int type, mode_t mode, int backlog) {
        _cleanup_close_ int fd = -1;
        struct sockaddr_un address;
        int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
        int r = address_fill(&address, path);

        if (r < 0)
                return r;
        fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
                if (errno != EADDRINUSE)
                        return -errno;
                if (somebody_answers(path, kind))
                        return -EADDRINUSE;
                if (unlink(path) < 0 && errno != ENOENT)
                        return -errno;
                if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                        return -errno;
        }
        /* Before listen: nobody can have connected under the umask's mode yet. */
        if (chmod(path, mode) < 0)
                return -errno;
        if (kind != SOCK_DGRAM && listen(fd, backlog) < 0)
                return -errno;
        return steal_fd(&fd);
}

int send_with_fds(int fd, const void *data, size_t len, const int *fds, size_t n_fds) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(MAX_FDS * sizeof(int))];
        } control;
        struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
        struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
        ssize_t n;

        if (n_fds > MAX_FDS)
                return -EINVAL;
        if (n_fds > 0) {
                memset(&control, 0, sizeof(control));
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
                memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
        }
        do
                n = sendmsg(fd, &message, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return (size_t)n == len ? 0 : -EIO;
}

static void take_fds(struct cmsghdr *header, int *fds, size_t max_fds, size_t *n_fds) {
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        for (size_t i = 0; i < count; i++) {
                int received;

                memcpy(&received, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
                if (*n_fds < max_fds)
                        fds[(*n_fds)++] = received;
                else
                        (void)close(received);
        }
}

ssize_t recv_with_fds(int fd, void *data, size_t size, int *fds, size_t max_fds, size_t *ret_n_fds) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(MAX_FDS * sizeof(int))];
        } control;
        struct iovec iov = {.iov_base = data, .iov_len = size};
        struct msghdr message = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        size_t n_fds = 0;
        ssize_t n;

        do
                n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
                if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
                        take_fds(header, fds, max_fds, &n_fds);
        if (ret_n_fds)
                *ret_n_fds = n_fds;
        return n;
}

int peer_read(int fd, struct peer *ret) {
        struct ucred credentials;
        socklen_t length = sizeof(credentials);
        gid_t *groups = NULL;
        socklen_t groups_length = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
                return -errno;
        /* Asked with no room first: ERANGE tells how much is needed. */
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &groups_length) < 0 && errno != ERANGE)
                return -errno;
        if (groups_length > 0) {
                groups = xmalloc(groups_length);
                if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_length) < 0) {
                        free(groups);
                        return -errno;
                }
        }
        *ret = (struct peer){
                .uid = credentials.uid,
                .gid = credentials.gid,
                .pid = credentials.pid,
                .groups = groups,
                .n_groups = groups_length / sizeof(gid_t),
        };
        return 0;
}

void peer_done(struct peer *peer) {
        free(peer->groups);
        peer->groups = NULL;
        peer->n_groups = 0;
}

bool peer_in_group(const struct peer *peer, gid_t gid) {
        if (peer->gid == gid)
                return true;
        for (size_t i = 0; i < peer->n_groups; i++)
                if (peer->groups[i] == gid)
                        return true;
        return false;
}
