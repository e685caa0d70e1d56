/* Preloaded into the daemon: its wall clock is off by so many seconds as the file $CLOCK_SHIM says (a 64-bit number,
 * read at each look), and its monotonic clock, libevent's, by a second number there, if there is one: timers fire at
 * the next event. The boot clock stays as it is. Monitors are static and keep the true clock. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef int (*clock_gettime_fn)(clockid_t clock, struct timespec *ret);

static clock_gettime_fn real_clock_gettime;
static const volatile int64_t *offset;

__attribute__((constructor)) static void shim_start(void) {
        const char *path = getenv("CLOCK_SHIM");
        void *found = dlsym(RTLD_NEXT, "clock_gettime");
        void *memory;
        int fd;

        memcpy(&real_clock_gettime, &found, sizeof(found));
        if (!path)
                return;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                abort();
        memory = mmap(NULL, 2 * sizeof(*offset), PROT_READ, MAP_SHARED, fd, 0);
        (void)close(fd);
        if (memory == MAP_FAILED)
                abort();
        offset = memory;
}

int clock_gettime(clockid_t clock, struct timespec *ret) {
        if (!real_clock_gettime)
                shim_start();
        int r = real_clock_gettime(clock, ret);

        if (r == 0 && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
                ret->tv_sec += offset[0];
        if (r == 0 && offset && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE))
                ret->tv_sec += offset[1];
        return r;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone) {
        struct timespec now;

        (void)zone;
        if (clock_gettime(CLOCK_REALTIME, &now) < 0)
                return -1;
        ret->tv_sec = now.tv_sec;
        ret->tv_usec = now.tv_nsec / 1000;
        return 0;
}

time_t time(time_t *ret) {
        struct timespec now;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        if (ret)
                *ret = now.tv_sec;
        return now.tv_sec;
}
