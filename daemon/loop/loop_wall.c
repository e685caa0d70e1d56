/* Timers on the wall clock (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). */
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop_internal.h"
#include "xalloc.h"

/* Only an armed timer is told that the clock was set: 2286, beyond every calendar. */
#define FAR_FUTURE ((time_t)9999999999)

struct loop_wall_timer {
        int fd;
        struct loop_io *io;
        usec_t armed_for;
        loop_wall_fn fn;
        void *user;
};

static void ready(int fd, unsigned interest, void *user) {
        struct loop_wall_timer *timer = user;
        uint64_t expirations;
        bool was_set;

        if (read(fd, &expirations, sizeof(expirations)) < 0) {
                if (errno != ECANCELED)
                        return;
                was_set = true;
        } else {
                was_set = false;
        }
        /* A timer that was cancelled goes on, but is told of no further change until it is armed again. */
        (void)loop_wall_timer_arm(timer, was_set ? timer->armed_for : USEC_INFINITY);
        timer->fn(was_set, timer->user);
}

int loop_wall_timer_new(struct loop *loop, struct loop_wall_timer **ret, loop_wall_fn fn, void *user) {
        struct loop_wall_timer *timer = NEW(struct loop_wall_timer);
        int r;

        *timer = (struct loop_wall_timer){.fn = fn, .user = user, .armed_for = USEC_INFINITY};
        timer->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
        r = timer->fd < 0 ? -errno : loop_io_new(loop, &timer->io, timer->fd, LOOP_READ, ready, timer);
        if (r == 0)
                r = loop_wall_timer_arm(timer, USEC_INFINITY);
        if (r < 0) {
                (void)loop_wall_timer_free(timer);
                return r;
        }
        *ret = timer;
        return 0;
}

int loop_wall_timer_arm(struct loop_wall_timer *timer, usec_t realtime) {
        struct itimerspec when = {.it_value = {.tv_sec = FAR_FUTURE}};

        timer->armed_for = realtime;
        if (realtime / USEC_PER_SEC < (usec_t)FAR_FUTURE) {
                when.it_value.tv_sec = (time_t)(realtime / USEC_PER_SEC);
                /* 0 would disarm it. */
                when.it_value.tv_nsec = (long)(realtime % USEC_PER_SEC * 1000) + 1;
        }
        if (timerfd_settime(timer->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) < 0)
                /* The clock was set a moment ago: told now, and the timer is armed all the same. */
                return errno == ECANCELED ? 0 : -errno;
        return 0;
}

struct loop_wall_timer *loop_wall_timer_free(struct loop_wall_timer *timer) {
        if (!timer)
                return NULL;
        timer->io = loop_io_free(timer->io);
        if (timer->fd >= 0)
                (void)close(timer->fd);
        free(timer);
        return NULL;
}
