#include "activation.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "cleanup.h"
#include "strutil.h"
#include "strv.h"

/* Whether clients that connect to the socket's path reach something: an abstract socket always, one with a path while
 * its file is there. */
static bool can_be_found(int fd) {
        struct sockaddr_un address = {0};
        socklen_t length = sizeof(address);
        struct stat status;

        if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 || address.sun_family != AF_UNIX)
                return false;
        if (address.sun_path[0] == 0)
                return length > offsetof(struct sockaddr_un, sun_path);
        return stat(address.sun_path, &status) == 0 && S_ISSOCK(status.st_mode);
}

static bool is_usable_socket(int fd) {
        return sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0 && can_be_found(fd);
}

int activation_take_fd(const char *name, bool (*is_usable)(int fd), int *ret_fd, unsigned *ret_closed) {
        char **names = NULL;
        int n = sd_listen_fds_with_names(1, &names);
        unsigned closed = 0;
        int taken = -1;

        /* Also where nothing was passed, or to another process: what is started must not take it for its own. */
        (void)unsetenv("LISTEN_PID");
        (void)unsetenv("LISTEN_FDS");
        (void)unsetenv("LISTEN_FDNAMES");
        if (n < 0)
                return n;
        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;

                /* Those of socket units come before those of the store. */
                if (taken < 0 && names && names[i] && streq(names[i], name) && is_usable(fd)) {
                        taken = fd;
                        continue;
                }
                (void)close(fd);
                closed++;
        }
        strv_free(names);
        *ret_fd = taken;
        if (ret_closed)
                *ret_closed = closed;
        return 0;
}

int activation_take_socket(const char *name, int *ret_fd, unsigned *ret_closed) {
        return activation_take_fd(name, is_usable_socket, ret_fd, ret_closed);
}
