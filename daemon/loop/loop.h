/* The event loop: the only part that includes libevent. One thread; nothing in a callback may block.
 *
 * Handles may be freed inside any callback, their own included: memory is released at the end of the pass, since
 * libevent may still deliver an event for it (libevent #689). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "timeutil.h"

struct loop;
struct loop_io;
struct loop_timer;
struct loop_signal;
struct loop_mailbox;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

typedef void (*loop_io_fn)(int fd, unsigned ready, void *user);
typedef void (*loop_fn)(void *user);
typedef void (*loop_message_fn)(void *message, void *user);

int loop_new(struct loop **ret);
struct loop *loop_free(struct loop *loop);
/* Runs until loop_exit; returns the status given there, or negative errno. */
int loop_run(struct loop *loop);
void loop_exit(struct loop *loop, int status);

/* Watches fd (which stays the caller's) for LOOP_READ | LOOP_WRITE; 0 interest watches nothing. */
int loop_io_new(struct loop *loop, struct loop_io **ret, int fd, unsigned interest, loop_io_fn fn, void *user);
void loop_io_set_interest(struct loop_io *io, unsigned interest);
struct loop_io *loop_io_free(struct loop_io *io);

/* A one-shot timer, not armed at first. Delays run on the monotonic clock. */
int loop_timer_new(struct loop *loop, struct loop_timer **ret, loop_fn fn, void *user);
void loop_timer_arm(struct loop_timer *timer, usec_t delay);
void loop_timer_disarm(struct loop_timer *timer);
bool loop_timer_is_armed(const struct loop_timer *timer);
struct loop_timer *loop_timer_free(struct loop_timer *timer);

/* A one-shot timer on the wall clock: fires at an instant of CLOCK_REALTIME, or as soon as that clock is set (by hand,
 * by a jump of its synchronization, by a machine that wakes up). Not armed at first. */
struct loop_wall_timer;
typedef void (*loop_wall_fn)(bool clock_was_set, void *user);
int loop_wall_timer_new(struct loop *loop, struct loop_wall_timer **ret, loop_wall_fn fn, void *user);
/* USEC_INFINITY: only tells of a clock that is set. 0 or negative errno. */
int loop_wall_timer_arm(struct loop_wall_timer *timer, usec_t realtime);
struct loop_wall_timer *loop_wall_timer_free(struct loop_wall_timer *timer);

int loop_signal_new(struct loop *loop, struct loop_signal **ret, int signo, loop_fn fn, void *user);
struct loop_signal *loop_signal_free(struct loop_signal *signal);

/* Calls fn(user) once at the end of the current pass (deferred calls made by deferred calls run in the same pass, 64
 * rounds at most). */
void loop_defer(struct loop *loop, loop_fn fn, void *user);
/* Called at the very end of each pass in which something happened: where decisions of the pass become one transaction.
 */
void loop_set_pass_hook(struct loop *loop, loop_fn fn, void *user);

/* From worker threads to the loop: messages arrive in order, on the loop's thread. */
int loop_mailbox_new(struct loop *loop, struct loop_mailbox **ret, loop_message_fn fn, void *user);
/* Any thread. Never blocks. */
void loop_mailbox_post(struct loop_mailbox *mailbox, void *message);
/* Undelivered messages are handed to release (may be NULL). No thread may post any more. */
struct loop_mailbox *loop_mailbox_free(struct loop_mailbox *mailbox, void (*release)(void *message));
