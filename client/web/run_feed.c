#include "run_feed.h"

#include <stdio.h>
#include <stdlib.h>

#include "macro.h"
#include "xalloc.h"

/* At least what the daemon's own live buffer holds of a run: 500 lines. */
#define RING_BYTES ((size_t)512 * 1024)
#define FOLLOW_TIMEOUT (20 * USEC_PER_SEC)
/* Lines gathered before they are sent whatever the clock says. */
#define FLUSH_LINES 2000

static void flush(void *user) {
        struct run_feed *run = user;
        struct jval *lines = STEAL_PTR(run->lines), *state = STEAL_PTR(run->state);
        struct chunk *chunk = chunk_of_lines(lines, run->last, run->skipped);

        run->flushed = now_boottime();
        if (chunk) {
                run->last = chunk->last;
                run->skipped = 0;
                feed_append(&run->feed, chunk);
        }
        if (state)
                feed_append(&run->feed, chunk_new(CHUNK_STATE, "state", state));
        if (run->end)
                feed_append(&run->feed, STEAL_PTR(run->end));
        jval_unref(lines);
        jval_unref(state);
        run->lines = jval_array();
        feed_flush(&run->feed);
}

static void flush_soon(struct run_feed *run) {
        usec_t interval = run->interval(run->user), now = now_boottime();

        if (jval_array_size(run->lines) >= FLUSH_LINES) {
                loop_timer_disarm(run->timer);
                flush(run);
        } else if (!loop_timer_is_armed(run->timer)) {
                /* The messages of one pass make one chunk, even when the last one was sent long ago. */
                loop_timer_arm(run->timer, now - run->flushed >= interval ? 0 : interval - (now - run->flushed));
        }
}

static void take_lines(struct run_feed *run, const struct jval *value) {
        const struct jval *lines = jval_get(value, "lines");

        run->skipped += jval_get_int(value, "skipped", 0);
        for (size_t i = 0; i < jval_array_size(lines); i++)
                jval_add(run->lines, jval_ref(jval_at(lines, i)));
}

void run_feed_take(struct run_feed *run, const struct client_message *message) {
        if (run->end || run->feed.ended)
                return;
        if (message->notification == NOTIFICATION_RUN_LINES) {
                take_lines(run, message->value);
        } else if (message->notification == NOTIFICATION_RUN_STATE) {
                jval_unref(run->state);
                run->state = jval_ref(message->value);
        } else if (message->notification == NOTIFICATION_RUN_END) {
                run->end = chunk_new(CHUNK_END, "end", message->value);
        }
        flush_soon(run);
}

/* A run that has ended already has no notifications: its end is made from the answer. */
static void take_ended(struct run_feed *run, struct jval *answer) {
        static const char *const members[] = {"run_id", "run_number", "job", "status", "reason", "error_message"};
        _cleanup_jval_ struct jval *end = jval_object();

        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                if (jval_has(answer, members[i]))
                        jval_set(end, members[i], jval_ref(jval_get(answer, members[i])));
        jval_set_int(end, "last_seq", MAX(jval_get_int(answer, "last", 0), run->last));
        run->end = chunk_new(CHUNK_END, "end", end);
}

static void answered(const struct client_message *message, const char *why, void *user) {
        struct run_feed *run = user;
        bool was_ready = run->ready;

        run->asking = false;
        if (run->doomed || !message || message->kind != CLIENT_ANSWER) {
                run->settled(run, message, why, run->user);
                return;
        }
        run->ready = true;
        run->run_number = jval_get_int(message->value, "run_number", 0);
        take_lines(run, message->value);
        if (jval_get_bool(message->value, "following", false)) {
                if (!was_ready)
                        run->last = jval_get_int(message->value, "last", 0);
        } else if (jval_has(message->value, "next") && jval_array_size(jval_get(message->value, "lines")) > 0) {
                flush(run);
                run_feed_follow(run);
        } else {
                take_ended(run, message->value);
        }
        flush_soon(run);
        run->settled(run, NULL, NULL, run->user);
}

void run_feed_follow(struct run_feed *run) {
        struct jval *params = jval_object();

        jval_set_str(params, "run", run->run_id);
        jval_set_bool(params, "follow", true);
        if (run->ready)
                jval_set_int(params, "after", run->last);
        run->asking = true;
        daemon_link_call(run->link, METHOD_RUN_TAIL, params, FOLLOW_TIMEOUT, answered, run);
}

int run_feed_new(struct run_feed **ret, struct loop *loop, struct daemon_link *link, const char *run_id,
                 usec_t (*interval)(void *user),
                 void (*settled)(struct run_feed *run, const struct client_message *refusal, const char *why,
                                 void *user),
                 void *user) {
        struct run_feed *run = NEW(struct run_feed);
        int r;

        *run = (struct run_feed){.link = link, .interval = interval, .settled = settled, .user = user};
        r = loop_timer_new(loop, &run->timer, flush, run);
        if (r < 0) {
                free(run);
                return r;
        }
        (void)snprintf(run->run_id, sizeof(run->run_id), "%s", run_id);
        feed_init(&run->feed, RING_BYTES);
        run->lines = jval_array();
        *ret = run;
        return 0;
}

struct run_feed *run_feed_free(struct run_feed *run) {
        loop_timer_free(run->timer);
        jval_unref(run->lines);
        jval_unref(run->state);
        chunk_unref(run->end);
        feed_done(&run->feed);
        free(run);
        return NULL;
}
