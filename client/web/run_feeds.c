#include "run_feeds.h"

#include <stdlib.h>
#include <string.h>

#include "api_reply.h"
#include "daemon_link.h"
#include "log.h"
#include "macro.h"
#include "run_feed.h"
#include "stream.h"
#include "strutil.h"
#include "xalloc.h"

#define CALL_TIMEOUT (15 * USEC_PER_SEC)
/* A comment goes out when nothing else does. */
#define KEEP_ALIVE (15 * USEC_PER_SEC)
#define SWEEP_INTERVAL (5 * USEC_PER_SEC)
/* Lines wait so long for others before they are sent. With more streams than one the sending itself takes time: 25 us a
 * stream keeps it below a quarter of a processor. */
#define FLUSH_LEAST (8 * USEC_PER_MSEC)
#define FLUSH_MOST (25 * USEC_PER_MSEC)
#define FLUSH_PER_STREAM ((usec_t)25)
/* Streams that read older lines at a time: each holds a page of them, which may be as large as a frame. The others wait
 * for their turn. */
#define OLDER_MAX 64
/* Runs that are followed although nobody watches any more: there is no call to end that, so the connection is made
 * anew. */
#define IDLE_FEEDS_MAX 32

struct run_feeds {
        struct loop *loop;
        struct daemon_link *link;
        struct loop_timer *sweeper, *turns;
        struct run_feed *runs;
        size_t n_runs, n_streams;
        size_t n_older; /* streams that read older lines now */
};

/* Who wants to watch a run: first waits for its feed, then has a stream. */
struct viewer {
        struct viewer *next; /* of those that wait for the feed */
        struct run_feeds *feeds;
        struct run_feed *run;
        struct http_conn *conn;
        struct stream *stream;
        int64_t after, lines;
        bool asking, gone;
        bool reads_older, waits_for_turn;
};

static void free_viewer(struct viewer *viewer) {
        free(viewer);
}

static void want_more(struct stream *stream, void *user);

static usec_t flush_interval(void *user) {
        const struct run_feeds *feeds = user;

        return MIN(MAX(FLUSH_PER_STREAM * feeds->n_streams, FLUSH_LEAST), FLUSH_MOST);
}

/* The next stream that waits to read older lines may. */
static void next_turn(struct run_feeds *feeds) {
        for (struct run_feed *run = feeds->runs; run; run = run->next)
                for (struct stream *stream = run->feed.streams; stream; stream = stream->next) {
                        struct viewer *viewer = stream->user;

                        if (viewer->waits_for_turn) {
                                viewer->waits_for_turn = false;
                                want_more(stream, viewer);
                                return;
                        }
                }
}

static void end_turn(struct viewer *viewer) {
        if (!viewer->reads_older)
                return;
        viewer->reads_older = false;
        viewer->feeds->n_older--;
        loop_timer_arm(viewer->feeds->turns, 0);
}

static void turn_ended(void *user) {
        struct run_feeds *feeds = user;

        for (size_t free_turns = OLDER_MAX - feeds->n_older; free_turns > 0; free_turns--)
                next_turn(feeds);
}

static void stream_gone(struct stream *stream, void *user) {
        struct viewer *viewer = user;

        end_turn(viewer);
        viewer->feeds->n_streams--;
        viewer->stream = NULL;
        viewer->gone = true;
        if (!viewer->asking)
                free_viewer(viewer);
}

static void go_live(struct viewer *viewer) {
        end_turn(viewer);
        stream_go_live(viewer->stream, viewer->run->feed.base);
        stream_pump(viewer->stream);
}

static void older_answered(const struct client_message *message, const char *why, void *user) {
        struct viewer *viewer = user;
        struct stream *stream = viewer->stream;
        struct chunk *chunk = NULL;
        int64_t first;

        viewer->asking = false;
        if (viewer->gone) {
                free_viewer(viewer);
                return;
        }
        if (message && message->kind == CLIENT_ANSWER)
                chunk = chunk_of_lines(jval_get(message->value, "lines"), stream->last, 0);
        if (chunk) {
                (void)buf_append(&stream->own, chunk->text, chunk->len);
                stream->last = chunk->last;
                chunk_unref(chunk);
        } else {
                /* They are not kept any more, or cannot be had now: it goes on with what the ring has and says so. */
                first = feed_first_line(&viewer->run->feed);
                if (first > stream->last + 1)
                        (void)chunk_append_skipped(first - stream->last - 1, &stream->own);
                stream->last = MAX(stream->last, (first > 0 ? first - 1 : viewer->run->last));
        }
        stream_pump(stream);
}

/* All that the stream had has gone out: older lines, or those of the ring. */
static void want_more(struct stream *stream, void *user) {
        struct viewer *viewer = user;
        int64_t first = feed_first_line(&viewer->run->feed), newest = first > 0 ? first - 1 : viewer->run->last;
        struct jval *params;

        if (viewer->asking)
                return;
        if (stream->last >= newest) {
                go_live(viewer);
                return;
        }
        if (!viewer->reads_older && viewer->feeds->n_older >= OLDER_MAX) {
                viewer->waits_for_turn = true;
                return;
        }
        viewer->feeds->n_older += !viewer->reads_older;
        viewer->reads_older = true;
        params = jval_object();
        jval_set_str(params, "run", viewer->run->run_id);
        jval_set_int(params, "after", stream->last);
        viewer->asking = true;
        daemon_link_call(viewer->feeds->link, METHOD_RUN_TAIL, params, CALL_TIMEOUT, older_answered, viewer);
}

static void start_stream(struct viewer *viewer) {
        struct run_feed *run = viewer->run;
        int64_t first = feed_first_line(&run->feed), before = first > 0 ? first - 1 : run->last;

        viewer->stream = stream_new(&run->feed, viewer->conn, want_more, stream_gone, viewer);
        viewer->feeds->n_streams++;
        if (viewer->after >= 0)
                viewer->stream->last = viewer->after;
        else if (viewer->lines >= 0)
                viewer->stream->last = MAX(before, run->last - viewer->lines);
        else
                viewer->stream->last = before;
}

static void remove_run(struct run_feeds *feeds, struct run_feed *run) {
        for (struct run_feed **link = &feeds->runs; *link; link = &(*link)->next)
                if (*link == run) {
                        *link = run->next;
                        feeds->n_runs--;
                        break;
                }
        run_feed_free(run);
}

static void refuse_waiting(struct run_feed *run, const struct client_message *refusal, const char *why) {
        struct viewer *viewer;

        while ((viewer = run->waiting)) {
                run->waiting = viewer->next;
                api_reply_message(viewer->conn, refusal, why);
                free_viewer(viewer);
        }
}

static void run_settled(struct run_feed *run, const struct client_message *refusal, const char *why, void *user) {
        struct run_feeds *feeds = user;
        struct viewer *viewer;

        if (run->ready && !refusal && !run->doomed) {
                while ((viewer = run->waiting)) {
                        run->waiting = viewer->next;
                        start_stream(viewer);
                }
                return;
        }
        refuse_waiting(run, refusal, why);
        while (run->feed.streams)
                stream_end(run->feed.streams);
        remove_run(feeds, run);
}

static struct run_feed *find_run(const struct run_feeds *feeds, const char *run_id) {
        for (struct run_feed *run = feeds->runs; run; run = run->next)
                if (streq(run->run_id, run_id))
                        return run;
        return NULL;
}

static void watch_run(struct viewer *viewer, const char *run_id) {
        struct run_feeds *feeds = viewer->feeds;
        struct run_feed *run = find_run(feeds, run_id);

        if (!run && (feeds->n_runs >= RUN_FEEDS_MAX ||
                     run_feed_new(&run, feeds->loop, feeds->link, run_id, flush_interval, run_settled, feeds) < 0)) {
                api_reply_error(viewer->conn, ERROR_KIND_UNAVAILABLE, NULL,
                                "%d runs are watched already, the most at a time; close some of their pages",
                                RUN_FEEDS_MAX);
                free_viewer(viewer);
                return;
        }
        viewer->run = run;
        if (run->ready) {
                start_stream(viewer);
                return;
        }
        viewer->next = run->waiting;
        run->waiting = viewer;
        if (run->asking)
                return;
        run->next = feeds->runs;
        feeds->runs = run;
        feeds->n_runs++;
        run_feed_follow(run);
}

/* A number, a word or the beginning of a uuid has become the run's uuid. */
static void resolved(const struct client_message *message, const char *why, void *user) {
        struct viewer *viewer = user;
        const char *run_id = message && message->kind == CLIENT_ANSWER ? jval_get_str(message->value, "run_id") : NULL;

        if (run_id) {
                watch_run(viewer, run_id);
                return;
        }
        api_reply_message(viewer->conn, message, why);
        free_viewer(viewer);
}

void run_feeds_open(struct run_feeds *feeds, struct http_conn *conn, const struct stream_start *start) {
        struct viewer *viewer = NEW(struct viewer);
        struct jval *params;

        *viewer = (struct viewer){.feeds = feeds, .conn = conn, .after = start->after, .lines = start->lines};
        if (start->run && uuid_is_valid(start->run) && find_run(feeds, start->run)) {
                watch_run(viewer, start->run);
                return;
        }
        params = jval_object();
        if (start->run)
                jval_set_str(params, "run", start->run);
        jval_set_int(params, "lines", 1);
        daemon_link_call(feeds->link, METHOD_RUN_TAIL, params, CALL_TIMEOUT, resolved, viewer);
}

size_t run_feeds_streams(const struct run_feeds *feeds) {
        return feeds->n_streams;
}

/* The daemon's news */

static void notified(const struct client_message *message, void *user) {
        struct run_feeds *feeds = user;
        const char *run_id = jval_get_str(message->value, "run_id");
        struct run_feed *run = run_id ? find_run(feeds, run_id) : NULL;

        if (run && run->ready)
                run_feed_take(run, message);
}

static void tell_all(struct run_feeds *feeds, const char *state, const char *why) {
        _cleanup_jval_ struct jval *value = jval_object();

        jval_set_str(value, "state", state);
        jval_set_str(value, "message", why);
        for (struct run_feed *run = feeds->runs; run; run = run->next)
                if (!run->feed.ended)
                        feed_push(&run->feed, chunk_new(CHUNK_NOTE, "daemon", value));
}

static void link_up(void *user) {
        struct run_feeds *feeds = user;

        tell_all(feeds, "up", NULL);
        for (struct run_feed *run = feeds->runs; run; run = run->next)
                if (run->ready && !run->asking && !run->feed.ended && !run->end)
                        run_feed_follow(run);
}

static void link_down(const char *why, void *user) {
        tell_all(user, "down", why);
}

static void sweep(void *user) {
        struct run_feeds *feeds = user;
        usec_t now = now_boottime();
        struct run_feed *next_run;
        size_t idle = 0;

        for (struct run_feed *run = feeds->runs; run; run = next_run) {
                struct stream *next;

                next_run = run->next;
                for (struct stream *stream = run->feed.streams; stream; stream = next) {
                        next = stream->next;
                        stream_keep_alive(stream, now, KEEP_ALIVE);
                }
                if (!run->feed.streams && !run->waiting && !run->asking && run->feed.ended)
                        remove_run(feeds, run);
                else
                        idle += !run->feed.streams && !run->waiting && !run->asking;
        }
        if (idle > IDLE_FEEDS_MAX) {
                for (struct run_feed *run = feeds->runs; run; run = next_run) {
                        next_run = run->next;
                        if (!run->feed.streams && !run->waiting && !run->asking)
                                remove_run(feeds, run);
                }
                daemon_link_renew(feeds->link);
        }
        loop_timer_arm(feeds->sweeper, SWEEP_INTERVAL);
}

int run_feeds_new(struct run_feeds **ret, struct loop *loop, const char *socket_path) {
        struct run_feeds *feeds = NEW(struct run_feeds);
        struct link_events events = {.notification = notified, .up = link_up, .down = link_down, .user = feeds};
        int r;

        feeds->loop = loop;
        r = daemon_link_new(&feeds->link, loop, socket_path, &events);
        if (r == 0)
                r = loop_timer_new(loop, &feeds->sweeper, sweep, feeds);
        if (r == 0)
                r = loop_timer_new(loop, &feeds->turns, turn_ended, feeds);
        if (r < 0) {
                daemon_link_free(feeds->link);
                loop_timer_free(feeds->sweeper);
                free(feeds);
                return r;
        }
        loop_timer_arm(feeds->sweeper, SWEEP_INTERVAL);
        *ret = feeds;
        return 0;
}

struct run_feeds *run_feeds_free(struct run_feeds *feeds) {
        if (!feeds)
                return NULL;
        daemon_link_free(feeds->link);
        loop_timer_free(feeds->sweeper);
        loop_timer_free(feeds->turns);
        while (feeds->runs)
                remove_run(feeds, feeds->runs);
        free(feeds);
        return NULL;
}
