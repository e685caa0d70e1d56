/* Preloaded into the daemon: while the file $STUCK_DISK is there, whoever syncs a file waits in the kernel where no
 * signal reaches it (state D), as for a disk that does not answer. No more is needed for that than a vfork, whose
 * caller waits for the child. */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

typedef int (*sync_fn)(int fd);

static void wait_in_the_kernel(void) {
        const char *path = getenv("STUCK_DISK");

        if (!path || access(path, F_OK) < 0)
                return;
        if (vfork() == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                while (access(path, F_OK) == 0)
                        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
                _exit(0);
        }
}

static int sync_as(const char *name, int fd) {
        void *found = dlsym(RTLD_NEXT, name);
        sync_fn real;

        memcpy(&real, &found, sizeof(real));
        wait_in_the_kernel();
        return real(fd);
}

int fsync(int fd) {
        return sync_as("fsync", fd);
}

int fdatasync(int fd) {
        return sync_as("fdatasync", fd);
}
