#include "remote_link.h"

#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "config.h"

extern char **environ;

/* $BATCHD_HTTP_HELPER: where it is, when it is not installed. */
static const char *helper_path(void) {
        const char *path = getenv("BATCHD_HTTP_HELPER");

        return path && path[0] != '\0' ? path : HTTP_HELPER_PATH;
}

int remote_link_open(const char *url, usec_t patience, pid_t *ret_helper) {
        char seconds[24];
        char *const argv[] = {(char *)(uintptr_t) "batch-http", (char *)(uintptr_t)url, seconds, NULL};
        posix_spawn_file_actions_t actions;
        int fds[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        (void)snprintf(seconds, sizeof(seconds), "%" PRIu64, patience / USEC_PER_SEC);
        (void)posix_spawn_file_actions_init(&actions);
        (void)posix_spawn_file_actions_adddup2(&actions, fds[1], STDIN_FILENO);
        /* It ends when its end of the pair is closed, which happens here at the latest. */
        r = posix_spawn(ret_helper, helper_path(), &actions, NULL, argv, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)close(fds[1]);
        if (r == 0)
                return fds[0];
        (void)close(fds[0]);
        return -r;
}

bool remote_link_gave_up(pid_t helper) {
        int status = 0;

        if (helper <= 1)
                return false;
        while (waitpid(helper, &status, 0) < 0)
                if (errno != EINTR)
                        return false;
        return WIFEXITED(status) && WEXITSTATUS(status) != EXIT_SUCCESS;
}
