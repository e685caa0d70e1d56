#include "event_feed.h"

#include <stdlib.h>

#include "api_reply.h"
#include "daemon_link.h"
#include "feed.h"
#include "log.h"
#include "metrics.h"
#include "stream.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

#define RING_BYTES ((size_t)512 * 1024)
#define CALL_TIMEOUT (15 * USEC_PER_SEC)
#define KEEP_ALIVE (15 * USEC_PER_SEC)
#define SWEEP_INTERVAL (5 * USEC_PER_SEC)
/* Changes of one run within so long are one event. */
#define FLUSH_INTERVAL (100 * USEC_PER_MSEC)
#define STREAMS_MAX 2000

struct event_feed {
        struct loop *loop;
        struct daemon_link *link;
        struct loop_timer *timer, *sweeper;
        struct feed feed;
        struct run_ends *ends;
        struct jval *changes; /* by run_id, since the last flush */
};

/* Who watches: first gets what is queued and runs, then the changes. */
struct event_viewer {
        struct event_feed *events;
        struct http_conn *conn;
        struct stream *stream;
        char **jobs; /* only of these; NULL: of all */
        bool asking, gone;
};

static void viewer_free(struct event_viewer *viewer) {
        strv_free(viewer->jobs);
        free(viewer);
}

static void flush(void *user) {
        struct event_feed *events = user;
        struct jval *changes = STEAL_PTR(events->changes);

        events->changes = jval_object();
        for (void *i = jval_iter(changes); i; i = jval_iter_next(changes, i)) {
                struct chunk *chunk = chunk_new(CHUNK_NOTE, "changed", jval_iter_value(i));

                chunk->job = xstrdup(str_or(jval_get_str(jval_iter_value(i), "job"), ""));
                feed_append(&events->feed, chunk);
        }
        jval_unref(changes);
        feed_flush(&events->feed);
}

static void notified(const struct client_message *message, void *user) {
        struct event_feed *events = user;
        const char *run_id = jval_get_str(message->value, "run_id");

        if (message->notification != NOTIFICATION_RUN_CHANGED || !run_id)
                return;
        if (jval_get_bool(message->value, "ended", false))
                run_ends_count(events->ends, message->value);
        jval_set(events->changes, run_id, jval_ref(message->value));
        if (!loop_timer_is_armed(events->timer))
                loop_timer_arm(events->timer, FLUSH_INTERVAL);
}

/* Who watches some jobs only begins anew, with what runs of these. */
static void start_over_where_filtered(struct event_feed *events) {
        for (struct stream *stream = events->feed.streams; stream; stream = stream->next)
                if (((struct event_viewer *)stream->user)->jobs)
                        stream->live = false;
}

/* What runs, as of a new subscription: changes that came while there was none are in it. */
static void subscribed(const struct client_message *message, const char *why, void *user) {
        struct event_feed *events = user;

        if (message && message->kind == CLIENT_ANSWER) {
                start_over_where_filtered(events);
                feed_push(&events->feed, chunk_new(CHUNK_RUNS, "runs", message->value));
        } else
                log_warning("changes of runs cannot be followed: %s", message ? message->error_text : why);
}

static void tell(struct event_feed *events, const char *state, const char *why) {
        _cleanup_jval_ struct jval *value = jval_object();

        jval_set_str(value, "state", state);
        jval_set_str(value, "message", why);
        feed_push(&events->feed, chunk_new(CHUNK_NOTE, "daemon", value));
}

static void link_up(void *user) {
        struct event_feed *events = user;

        tell(events, "up", NULL);
        daemon_link_call(events->link, METHOD_EVENTS_SUBSCRIBE, NULL, CALL_TIMEOUT, subscribed, events);
}

static void link_down(const char *why, void *user) {
        tell(user, "down", why);
}

static void stream_gone(struct stream *stream, void *user) {
        struct event_viewer *viewer = user;

        viewer->gone = true;
        if (!viewer->asking)
                viewer_free(viewer);
}

static bool skips(const struct chunk *chunk, void *user) {
        const struct event_viewer *viewer = user;

        return chunk->kind == CHUNK_RUNS || (chunk->job && !strv_contains(viewer->jobs, chunk->job));
}

/* {runs: [...]}: those of the jobs that are watched. */
static struct jval *runs_of(const struct event_viewer *viewer, const struct jval *current) {
        const struct jval *all = jval_get(current, "runs");
        struct jval *value = jval_object(), *runs = jval_array();

        for (size_t i = 0; i < jval_array_size(all); i++)
                if (!viewer->jobs || strv_contains(viewer->jobs, str_or(jval_get_str(jval_at(all, i), "job"), "")))
                        jval_add(runs, jval_ref(jval_at(all, i)));
        jval_set(value, "runs", runs);
        return value;
}

/* The stream's own text begins with what runs now; the changes that come after it was asked follow. */
static void current_answered(const struct client_message *message, const char *why, void *user) {
        struct event_viewer *viewer = user;
        _cleanup_jval_ struct jval *value = NULL;
        struct chunk *chunk;

        viewer->asking = false;
        if (viewer->gone) {
                viewer_free(viewer);
                return;
        }
        if (message && message->kind == CLIENT_ANSWER) {
                value = runs_of(viewer, message->value);
                chunk = chunk_new(CHUNK_NOTE, "runs", value);
        } else {
                value = jval_object();
                jval_set_str(value, "state", "down");
                jval_set_str(value, "message", message ? message->error_text : why);
                chunk = chunk_new(CHUNK_NOTE, "daemon", value);
        }
        (void)buf_append(&viewer->stream->own, chunk->text, chunk->len);
        chunk_unref(chunk);
        stream_go_live(viewer->stream, viewer->stream->position);
        stream_pump(viewer->stream);
}

static void want_more(struct stream *stream, void *user) {
        struct event_viewer *viewer = user;

        if (viewer->asking)
                return;
        viewer->asking = true;
        stream->position = feed_end(&viewer->events->feed);
        daemon_link_call(viewer->events->link, METHOD_RUN_CURRENT, NULL, CALL_TIMEOUT, current_answered, viewer);
}

void event_feed_open(struct event_feed *events, struct http_conn *conn, const char *jobs) {
        struct event_viewer *viewer;

        if (events->feed.n_streams >= STREAMS_MAX) {
                api_reply_error(conn, ERROR_KIND_UNAVAILABLE, NULL, "%d watch the overview already, the most at a time",
                                STREAMS_MAX);
                return;
        }
        viewer = NEW(struct event_viewer);
        *viewer = (struct event_viewer){.events = events, .conn = conn, .jobs = jobs ? strv_split(jobs, ",") : NULL};
        viewer->stream = stream_new(&events->feed, conn, want_more, stream_gone, viewer);
        if (viewer->jobs)
                viewer->stream->skips = skips;
}

size_t event_feed_streams(const struct event_feed *events) {
        return events->feed.n_streams;
}

static void sweep(void *user) {
        struct event_feed *events = user;
        usec_t now = now_boottime();
        struct stream *next;

        for (struct stream *stream = events->feed.streams; stream; stream = next) {
                next = stream->next;
                stream_keep_alive(stream, now, KEEP_ALIVE);
        }
        loop_timer_arm(events->sweeper, SWEEP_INTERVAL);
}

int event_feed_new(struct event_feed **ret, struct loop *loop, const char *socket_path, struct run_ends *ends) {
        struct event_feed *events = NEW(struct event_feed);
        struct link_events link_events = {.notification = notified, .up = link_up, .down = link_down, .user = events};
        int r;

        events->loop = loop;
        events->ends = ends;
        feed_init(&events->feed, RING_BYTES);
        events->feed.starts_over = true;
        events->changes = jval_object();
        r = daemon_link_new(&events->link, loop, socket_path, &link_events);
        if (r == 0)
                r = loop_timer_new(loop, &events->timer, flush, events);
        if (r == 0)
                r = loop_timer_new(loop, &events->sweeper, sweep, events);
        if (r < 0) {
                event_feed_free(events);
                return r;
        }
        loop_timer_arm(events->sweeper, SWEEP_INTERVAL);
        *ret = events;
        return 0;
}

struct event_feed *event_feed_free(struct event_feed *events) {
        if (!events)
                return NULL;
        daemon_link_free(events->link);
        loop_timer_free(events->timer);
        loop_timer_free(events->sweeper);
        jval_unref(events->changes);
        feed_done(&events->feed);
        free(events);
        return NULL;
}
