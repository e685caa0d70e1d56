/* The event loop: order, deferral, freeing inside callbacks, messages from threads. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop.h"
#include "unit.h"
#include "workqueue.h"
#include "xalloc.h"

static struct loop *loop;
static char order[64];
static size_t n_order;

static void note(char c) {
        if (n_order + 1 < sizeof(order)) {
                order[n_order++] = c;
                order[n_order] = 0;
        }
}

static int set_up(void **state) {
        (void)state;
        n_order = 0;
        order[0] = 0;
        return loop_new(&loop);
}

static int tear_down(void **state) {
        (void)state;
        loop = loop_free(loop);
        return 0;
}

static void leave(void *user) {
        (void)user;
        loop_exit(loop, 42);
}

static void deferred_second(void *user) {
        (void)user;
        note('b');
        leave(NULL);
}

static void deferred_first(void *user) {
        (void)user;
        note('a');
        loop_defer(loop, deferred_second, NULL);
}

static void deferred_nothing(void *user) {
        (void)user;
}

static void hook(void *user) {
        (void)user;
        note('h');
}

static void deferred_calls_run_in_the_pass(void **state) {
        (void)state;
        loop_set_pass_hook(loop, hook, NULL);
        loop_defer(loop, deferred_first, NULL);
        assert_int_equal(loop_run(loop), 42);
        assert_string_equal(order, "abh");
}

static bool has_decided;

static void decide(void *user) {
        (void)user;
        note('d');
        has_decided = true;
}

/* As the engine's: what was decided is handed on, and that has a call deferred, which decides more. */
static void hand_on(void *user) {
        (void)user;
        note('h');
        if (n_order == 1)
                loop_defer(loop, decide, NULL);
        if (has_decided)
                leave(NULL);
}

static void what_is_decided_behind_the_hook_does_not_wait(void **state) {
        struct loop_timer *timer;

        (void)state;
        has_decided = false;
        assert_int_equal(loop_timer_new(loop, &timer, leave, NULL), 0);
        loop_timer_arm(timer, 2 * USEC_PER_SEC);
        loop_set_pass_hook(loop, hand_on, NULL);
        loop_defer(loop, deferred_nothing, NULL);
        assert_int_equal(loop_run(loop), 42);
        assert_string_equal(order, "hdh");
        assert_true(loop_timer_is_armed(timer));
        loop_timer_free(timer);
}

static struct loop_wall_timer *wall_timer;
static usec_t wall_due;

static void wall_fired(bool clock_was_set, void *user) {
        (void)user;
        assert_false(clock_was_set);
        assert_true(now_realtime() >= wall_due);
        note('w');
        if (n_order == 3)
                leave(NULL);
        else
                /* What lies behind fires at once; then one ahead. */
                wall_due = n_order == 1 ? 1 : now_realtime() + 20 * USEC_PER_MSEC;
        assert_int_equal(loop_wall_timer_arm(wall_timer, wall_due), 0);
}

static void wall_timers_fire_at_their_instant(void **state) {
        usec_t begin = now_realtime();

        (void)state;
        assert_int_equal(loop_wall_timer_new(loop, &wall_timer, wall_fired, NULL), 0);
        wall_due = begin + 50 * USEC_PER_MSEC;
        assert_int_equal(loop_wall_timer_arm(wall_timer, wall_due), 0);
        assert_int_equal(loop_run(loop), 42);
        assert_string_equal(order, "www");
        assert_true(now_realtime() - begin >= 70 * USEC_PER_MSEC);
        wall_timer = loop_wall_timer_free(wall_timer);
}

static struct loop_timer *timer;
static struct loop_io *io;
static int pipefd[2];

static void freed_by_the_other(void *user) {
        (void)user;
        fail_msg("a freed timer fired");
}

static void frees_itself(void *user) {
        struct loop_timer **other = user;

        note('t');
        timer = loop_timer_free(timer);
        *other = loop_timer_free(*other);
        loop_defer(loop, leave, NULL);
}

static void timers_may_free_themselves_and_others(void **state) {
        struct loop_timer *other;

        (void)state;
        assert_int_equal(loop_timer_new(loop, &timer, frees_itself, &other), 0);
        assert_int_equal(loop_timer_new(loop, &other, freed_by_the_other, NULL), 0);
        loop_timer_arm(timer, 0);
        loop_timer_arm(other, 0);
        assert_true(loop_timer_is_armed(timer));
        assert_int_equal(loop_run(loop), 42);
        assert_string_equal(order, "t");
}

static void readable(int fd, unsigned ready, void *user) {
        char c;

        (void)user;
        assert_int_equal(ready, LOOP_READ);
        assert_int_equal(read(fd, &c, 1), 1);
        note(c);
        if (c == 'y') {
                io = loop_io_free(io);
                leave(NULL);
        }
}

static void descriptors_are_watched_as_wanted(void **state) {
        (void)state;
        assert_int_equal(pipe(pipefd), 0);
        assert_int_equal(loop_io_new(loop, &io, pipefd[0], 0, readable, NULL), 0);
        loop_io_set_interest(io, LOOP_READ);
        assert_int_equal(write(pipefd[1], "xy", 2), 2);
        assert_int_equal(loop_run(loop), 42);
        assert_string_equal(order, "xy");
        (void)close(pipefd[0]);
        (void)close(pipefd[1]);
}

static void signalled(void *user) {
        (void)user;
        note('s');
        leave(NULL);
}

static void signals_arrive_in_the_loop(void **state) {
        struct loop_signal *handle;

        (void)state;
        assert_int_equal(loop_signal_new(loop, &handle, SIGUSR1, signalled, NULL), 0);
        assert_int_equal(raise(SIGUSR1), 0);
        assert_int_equal(loop_run(loop), 42);
        assert_string_equal(order, "s");
        loop_signal_free(handle);
}

enum { MESSAGES = 20000 };

static struct loop_mailbox *mailbox;
static struct workqueue *queue;
static size_t next_message;

static void *echo(void *user) {
        void *entry;

        (void)user;
        while ((entry = workqueue_pop(queue)))
                loop_mailbox_post(mailbox, entry);
        return NULL;
}

static void received(void *message, void *user) {
        (void)user;
        assert_ptr_equal(message, (void *)(uintptr_t)++next_message);
        if (next_message == MESSAGES)
                leave(NULL);
}

static void feed(void *user) {
        static size_t sent;

        (void)user;
        while (sent < MESSAGES && workqueue_push(queue, (void *)(uintptr_t)(sent + 1)) == 0)
                sent++;
        if (sent < MESSAGES)
                loop_timer_arm(timer, 100);
}

static void messages_cross_threads_in_order(void **state) {
        pthread_t thread;

        (void)state;
        queue = workqueue_new(64);
        assert_int_equal(loop_mailbox_new(loop, &mailbox, received, NULL), 0);
        assert_int_equal(loop_timer_new(loop, &timer, feed, NULL), 0);
        assert_int_equal(pthread_create(&thread, NULL, echo, NULL), 0);
        loop_timer_arm(timer, 0);
        assert_int_equal(loop_run(loop), 42);
        workqueue_close(queue);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(next_message, MESSAGES);
        timer = loop_timer_free(timer);
        mailbox = loop_mailbox_free(mailbox, NULL);
        queue = workqueue_free(queue);
}

static void queues_are_bounded(void **state) {
        int a, b;

        (void)state;
        queue = workqueue_new(1);
        assert_int_equal(workqueue_push(queue, &a), 0);
        assert_true(workqueue_push(queue, &b) < 0);
        assert_int_equal(workqueue_length(queue), 1);
        workqueue_close(queue);
        assert_ptr_equal(workqueue_pop(queue), &a);
        assert_null(workqueue_pop(queue));
        queue = workqueue_free(queue);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(deferred_calls_run_in_the_pass, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_is_decided_behind_the_hook_does_not_wait, set_up, tear_down),
                cmocka_unit_test_setup_teardown(timers_may_free_themselves_and_others, set_up, tear_down),
                cmocka_unit_test_setup_teardown(wall_timers_fire_at_their_instant, set_up, tear_down),
                cmocka_unit_test_setup_teardown(descriptors_are_watched_as_wanted, set_up, tear_down),
                cmocka_unit_test_setup_teardown(signals_arrive_in_the_loop, set_up, tear_down),
                cmocka_unit_test_setup_teardown(messages_cross_threads_in_order, set_up, tear_down),
                cmocka_unit_test_setup_teardown(queues_are_bounded, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
