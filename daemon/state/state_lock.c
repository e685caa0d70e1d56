#include "state_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cleanup.h"
#include "errortext.h"
#include "fileutil.h"

static int refuse_busy(int fd, const char *path, const char *state_dir, char **ret_error) {
        char holder[32] = "";
        ssize_t n = pread(fd, holder, sizeof(holder) - 1, 0);

        holder[n > 0 ? n : 0] = '\0';
        holder[strspn(holder, "0123456789")] = '\0';
        return error_set(
                ret_error, -EBUSY,
                "the state folder %s is in use by process %s (it holds %s): stop that daemon, or give this one a folder of "
                "its own",
                state_dir, holder[0] ? holder : "(unknown)", path);
}

int state_lock_take(const char *state_dir, char **ret_error) {
        _cleanup_free_ char *path = path_join(state_dir, "lock");
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        char text[32];

        if (fd < 0)
                return error_set(ret_error, -errno, "cannot open %s: %s", path, strerror(errno));
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno == EWOULDBLOCK)
                        return refuse_busy(fd, path, state_dir, ret_error);
                return error_set(ret_error, -errno, "cannot lock %s: %s", path, strerror(errno));
        }
        /* For people only; a full disk must not keep the daemon from starting. */
        int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
        if (ftruncate(fd, 0) == 0)
                (void)pwrite_all(fd, text, (size_t)n, 0);
        return steal_fd(&fd);
}
