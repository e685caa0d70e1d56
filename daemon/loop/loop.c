#include "loop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdlib.h>

#include "loop_internal.h"
#include "xalloc.h"

/* Deferred calls may defer again; a chain longer than this goes on in the next pass, so that it cannot starve the
 * descriptors. */
#define DEFER_ROUNDS 64
/* The same of the hook at the end of a pass. */
#define HOOK_ROUNDS 4

struct deferred {
        loop_fn fn;
        void *user;
};

struct loop {
        struct event_base *base;
        struct deferred *deferred;
        size_t n_deferred, capacity_deferred;
        struct deferred *garbage; /* released at the end of the pass */
        size_t n_garbage, capacity_garbage;
        loop_fn pass_hook;
        void *pass_user;
        bool busy;
        bool exiting;
        int status;
};

struct event_base *loop_base(struct loop *loop) {
        return loop->base;
}

void loop_mark_busy(struct loop *loop) {
        loop->busy = true;
}

int loop_new(struct loop **ret) {
        struct event_config *config = event_config_new();
        struct loop *loop = NEW(struct loop);

        if (config) {
                /* One thread: no locks. And no changelists: they tell the kernel about a descriptor after it was
                 * closed, when another thread may have got its number. */
                (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
                loop->base = event_base_new_with_config(config);
                event_config_free(config);
        }
        if (!loop->base) {
                free(loop);
                return -ENOMEM;
        }
        *ret = loop;
        return 0;
}

static void release_garbage(struct loop *loop) {
        for (size_t i = 0; i < loop->n_garbage; i++)
                loop->garbage[i].fn(loop->garbage[i].user);
        loop->n_garbage = 0;
}

static void run_deferred(struct loop *loop) {
        for (unsigned round = 0; loop->n_deferred > 0 && round < DEFER_ROUNDS; round++) {
                struct deferred *calls = loop->deferred;
                size_t n = loop->n_deferred;

                loop->deferred = NULL;
                loop->n_deferred = loop->capacity_deferred = 0;
                for (size_t i = 0; i < n; i++)
                        calls[i].fn(calls[i].user);
                free(calls);
        }
}

/* What the hook has had deferred is called at once, and the hook once more behind it: what those calls bring about must
 * not wait for something else to happen. */
static void end_pass(struct loop *loop) {
        bool again = true;

        for (unsigned round = 0; again && round < HOOK_ROUNDS; round++) {
                run_deferred(loop);
                if (loop->pass_hook)
                        loop->pass_hook(loop->pass_user);
                again = loop->n_deferred > 0;
        }
        release_garbage(loop);
        loop->busy = false;
}

int loop_run(struct loop *loop) {
        loop->exiting = false;
        while (!loop->exiting) {
                int flags = EVLOOP_ONCE | (loop->n_deferred > 0 ? EVLOOP_NONBLOCK : 0);

                if (event_base_loop(loop->base, flags | EVLOOP_NO_EXIT_ON_EMPTY) < 0)
                        return -EIO;
                if (loop->busy || loop->n_deferred > 0)
                        end_pass(loop);
        }
        return loop->status;
}

void loop_exit(struct loop *loop, int status) {
        loop->exiting = true;
        loop->status = status;
        (void)event_base_loopbreak(loop->base);
}

struct loop *loop_free(struct loop *loop) {
        if (!loop)
                return NULL;
        release_garbage(loop);
        event_base_free(loop->base);
        free(loop->deferred);
        free(loop->garbage);
        free(loop);
        return NULL;
}

void loop_defer(struct loop *loop, loop_fn fn, void *user) {
        GROW(loop->deferred, loop->n_deferred, loop->capacity_deferred);
        loop->deferred[loop->n_deferred++] = (struct deferred){fn, user};
}

static void discard(struct loop *loop, void *memory) {
        GROW(loop->garbage, loop->n_garbage, loop->capacity_garbage);
        loop->garbage[loop->n_garbage++] = (struct deferred){free, memory};
        loop->busy = true;
}

void loop_set_pass_hook(struct loop *loop, loop_fn fn, void *user) {
        loop->pass_hook = fn;
        loop->pass_user = user;
}

/* Descriptors */

struct loop_io {
        struct loop *loop;
        struct event event;
        unsigned interest;
        bool freed;
        loop_io_fn fn;
        void *user;
};

static void io_ready(evutil_socket_t fd, short what, void *argument) {
        struct loop_io *io = argument;
        unsigned ready = (what & EV_READ ? LOOP_READ : 0u) | (what & EV_WRITE ? LOOP_WRITE : 0u);

        if (io->freed)
                return;
        loop_mark_busy(io->loop);
        io->fn((int)fd, ready, io->user);
}

static int io_register(struct loop_io *io, int fd) {
        short what = (short)((io->interest & LOOP_READ ? EV_READ : 0) | (io->interest & LOOP_WRITE ? EV_WRITE : 0));

        if (event_assign(&io->event, io->loop->base, fd, (short)(what | EV_PERSIST), io_ready, io) < 0)
                return -EINVAL;
        if (io->interest && event_add(&io->event, NULL) < 0)
                return -EBADF;
        return 0;
}

int loop_io_new(struct loop *loop, struct loop_io **ret, int fd, unsigned interest, loop_io_fn fn, void *user) {
        struct loop_io *io = NEW(struct loop_io);
        int r;

        *io = (struct loop_io){.loop = loop, .interest = interest, .fn = fn, .user = user};
        r = io_register(io, fd);
        if (r < 0) {
                free(io);
                return r;
        }
        *ret = io;
        return 0;
}

void loop_io_set_interest(struct loop_io *io, unsigned interest) {
        evutil_socket_t fd;

        if (io->interest == interest)
                return;
        fd = event_get_fd(&io->event);
        if (io->interest)
                (void)event_del(&io->event);
        io->interest = interest;
        (void)io_register(io, (int)fd);
}

struct loop_io *loop_io_free(struct loop_io *io) {
        if (!io)
                return NULL;
        io->freed = true;
        if (io->interest)
                (void)event_del(&io->event);
        discard(io->loop, io);
        return NULL;
}

/* Timers */

struct loop_timer {
        struct loop *loop;
        struct event event;
        bool armed, freed;
        loop_fn fn;
        void *user;
};

static void timer_fired(evutil_socket_t fd, short what, void *argument) {
        struct loop_timer *timer = argument;

        (void)fd;
        (void)what;
        if (timer->freed || !timer->armed)
                return;
        timer->armed = false;
        loop_mark_busy(timer->loop);
        timer->fn(timer->user);
}

int loop_timer_new(struct loop *loop, struct loop_timer **ret, loop_fn fn, void *user) {
        struct loop_timer *timer = NEW(struct loop_timer);

        *timer = (struct loop_timer){.loop = loop, .fn = fn, .user = user};
        if (evtimer_assign(&timer->event, loop->base, timer_fired, timer) < 0) {
                free(timer);
                return -EINVAL;
        }
        *ret = timer;
        return 0;
}

void loop_timer_arm(struct loop_timer *timer, usec_t delay) {
        struct timeval tv = {.tv_sec = (time_t)(delay / USEC_PER_SEC), .tv_usec = (suseconds_t)(delay % USEC_PER_SEC)};

        if (delay == USEC_INFINITY) {
                loop_timer_disarm(timer);
                return;
        }
        timer->armed = evtimer_add(&timer->event, &tv) == 0;
}

void loop_timer_disarm(struct loop_timer *timer) {
        if (timer->armed)
                (void)evtimer_del(&timer->event);
        timer->armed = false;
}

bool loop_timer_is_armed(const struct loop_timer *timer) {
        return timer->armed;
}

struct loop_timer *loop_timer_free(struct loop_timer *timer) {
        if (!timer)
                return NULL;
        loop_timer_disarm(timer);
        timer->freed = true;
        discard(timer->loop, timer);
        return NULL;
}

/* Signals */

struct loop_signal {
        struct loop *loop;
        struct event event;
        bool freed;
        loop_fn fn;
        void *user;
};

static void signal_caught(evutil_socket_t signo, short what, void *argument) {
        struct loop_signal *handle = argument;

        (void)signo;
        (void)what;
        if (handle->freed)
                return;
        loop_mark_busy(handle->loop);
        handle->fn(handle->user);
}

int loop_signal_new(struct loop *loop, struct loop_signal **ret, int signo, loop_fn fn, void *user) {
        struct loop_signal *handle = NEW(struct loop_signal);

        *handle = (struct loop_signal){.loop = loop, .fn = fn, .user = user};
        if (evsignal_assign(&handle->event, loop->base, signo, signal_caught, handle) < 0 ||
            evsignal_add(&handle->event, NULL) < 0) {
                free(handle);
                return -EINVAL;
        }
        *ret = handle;
        return 0;
}

struct loop_signal *loop_signal_free(struct loop_signal *handle) {
        if (!handle)
                return NULL;
        handle->freed = true;
        (void)evsignal_del(&handle->event);
        discard(handle->loop, handle);
        return NULL;
}
