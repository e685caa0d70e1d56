#include "watchdog.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "strutil.h"
#include "xalloc.h"

struct watchdog {
        struct notifier *notifier;
        struct loop_timer *timer;
        usec_t span, interval;
        bool (*healthy)(usec_t span, void *user);
        void *user;
};

static void feed(void *user) {
        struct watchdog *watchdog = user;

        if (!watchdog->healthy || watchdog->healthy(watchdog->span, watchdog->user))
                (void)notifier_watchdog(watchdog->notifier);
        loop_timer_arm(watchdog->timer, watchdog->interval);
}

/* 0: no watchdog for this process. */
static usec_t watchdog_span(void) {
        const char *span_text = getenv("WATCHDOG_USEC");
        const char *pid_text = getenv("WATCHDOG_PID");
        uint64_t span = 0, pid = 0;

        if (!span_text || parse_uint64(span_text, &span) < 0 || span == USEC_INFINITY)
                return 0;
        if (pid_text && (parse_uint64(pid_text, &pid) < 0 || pid != (uint64_t)getpid()))
                return 0;
        return span;
}

int watchdog_start(struct watchdog **ret, struct loop *loop, struct notifier *notifier,
                   bool (*healthy)(usec_t span, void *user), void *user) {
        usec_t span = watchdog_span();
        struct watchdog *watchdog;
        int r;

        (void)unsetenv("WATCHDOG_USEC");
        (void)unsetenv("WATCHDOG_PID");
        if (span == 0) {
                *ret = NULL;
                return 0;
        }
        watchdog = NEW(struct watchdog);
        *watchdog = (struct watchdog){.notifier = notifier,
                                      .span = span,
                                      .interval = MAX(span / 3, USEC_PER_MSEC),
                                      .healthy = healthy,
                                      .user = user};
        r = loop_timer_new(loop, &watchdog->timer, feed, watchdog);
        if (r < 0) {
                free(watchdog);
                return r;
        }
        feed(watchdog);
        *ret = watchdog;
        return 0;
}

struct watchdog *watchdog_free(struct watchdog *watchdog) {
        if (!watchdog)
                return NULL;
        loop_timer_free(watchdog->timer);
        free(watchdog);
        return NULL;
}
