#include "session.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "request.h"
#include "stream.h"
#include "user_name.h"
#include "xalloc.h"

/* An idle session keeps no more than this of each buffer's memory. */
#define KEEP_MEMORY ((size_t)4096)
/* Fills of the send buffer by streams in one pass, so that one fast reader does not hold up the others. */
#define PUMP_ROUNDS 4

struct session {
        struct control_context *context;
        unsigned references; /* the connection itself, and each deferred call on its way */
        int fd;
        struct loop_io *io;
        struct peer peer;
        enum method_right right;
        char *user;     /* NULL until it is asked for */
        struct buf in;  /* what was received and not yet handled: a part of a frame, or whole ones while at a cap */
        struct buf out; /* whole frames, the first perhaps sent in part */
        size_t counted; /* of out, in the context's sum */
        LIST_HEAD(, request) requests;
        size_t n_requests;
        LIST_HEAD(, stream) streams;
        size_t n_streams;
        bool scheduled;
        bool handling; /* frames are being handled: what they bring is sent right after */
        bool waiting;  /* there may be whole frames in `in`, left there at a cap */
        bool more;     /* streams have more than one pass took */
        bool ended;    /* the client sends nothing more */
        bool closing;  /* framing is lost: only what is in out is still sent */
        bool broken;   /* the client is gone */
        session_closed_fn closed;
        void *user_data;
};

static void work(struct session *session);

static void session_unref(struct session *session) {
        if (--session->references > 0)
                return;
        free(session->user);
        free(session);
}

/* Accessors */

uid_t session_uid(const struct session *session) {
        return session->peer.uid;
}

enum method_right session_right(const struct session *session) {
        return session->right;
}

struct control_context *session_context(struct session *session) {
        return session->context;
}

const struct peer *session_peer(const struct session *session) {
        return &session->peer;
}

const char *session_user(struct session *session) {
        if (!session->user)
                session->user = user_name_of(session->peer.uid);
        return session->user;
}

void session_add_request(struct session *session, struct request *request) {
        LIST_INSERT_HEAD(&session->requests, request, link);
        session->n_requests++;
}

void session_remove_request(struct session *session, struct request *request) {
        LIST_REMOVE(request, link);
        session->n_requests--;
}

size_t session_n_streams(const struct session *session) {
        return session->n_streams;
}

void session_add_stream(struct session *session, struct stream *stream) {
        LIST_INSERT_HEAD(&session->streams, stream, link);
        session->n_streams++;
        session_schedule(session);
}

static void drop_stream(struct session *session, struct stream *stream) {
        LIST_REMOVE(stream, link);
        session->n_streams--;
        stream_free(stream);
}

static void drop_streams(struct session *session) {
        while (!LIST_EMPTY(&session->streams))
                drop_stream(session, LIST_FIRST(&session->streams));
}

/* Answers */

static bool has_room(const struct session *session) {
        return session->out.len < SESSION_OUT_FULL &&
               session->context->unsent - session->counted + session->out.len < CONTEXT_UNSENT_MAX;
}

void session_answer(struct session *session, const struct jval *id, const struct jval *result) {
        if (!has_room(session)) {
                session_answer_error(
                        session, id, ERROR_KIND_UNAVAILABLE,
                        "read the answers that wait and ask again: too many unread ones pile up in the daemon", NULL);
                return;
        }
        if (rpc_append_result(&session->out, id, result) < 0) {
                _cleanup_jval_ struct jval *data = jval_object();

                jval_set_int(data, "limit", (int64_t)FRAME_MAX);
                session_answer_error(session, id, ERROR_KIND_TOO_LARGE,
                                     "ask for less at once (limit, or a narrower filter): the answer would pass 1 MiB",
                                     data);
                return;
        }
        session_schedule(session);
}

void session_answer_error(struct session *session, const struct jval *id, enum error_kind kind, const char *message,
                          const struct jval *data) {
        int r = rpc_append_error(&session->out, id, kind, message, data);

        if (r < 0 && data)
                r = rpc_append_error(&session->out, id, kind, "the details of the error are too large to send", NULL);
        /* Not even an error fits: this client has not read for megabytes. */
        if (r < 0)
                session->broken = true;
        session_schedule(session);
}

void session_notify_stopping(struct session *session, const char *reason) {
        _cleanup_jval_ struct jval *params = jval_object();

        jval_set_str(params, "reason", reason);
        if (rpc_append_notification(&session->out, "daemon.stopping", params) >= 0)
                session_schedule(session);
}

/* Sending */

static void account(struct session *session) {
        session->context->unsent = session->context->unsent - session->counted + session->out.len;
        session->counted = session->out.len;
}

static void flush(struct session *session) {
        while (session->out.len > 0 && !session->broken) {
                ssize_t n = send(session->fd, buf_data(&session->out), session->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n >= 0)
                        buf_consume(&session->out, (size_t)n);
                else if (errno == EAGAIN)
                        break;
                else if (errno != EINTR)
                        session->broken = true;
        }
        if (session->out.len == 0 && session->out.size > KEEP_MEMORY)
                buf_done(&session->out);
        account(session);
}

/* Lets each stream with news add one notification. False: none has any. */
static bool fill(struct session *session) {
        struct stream *stream = LIST_FIRST(&session->streams);
        bool more = false;

        while (stream && session->out.len < SESSION_OUT_LOW) {
                struct stream *next = LIST_NEXT(stream, link);
                bool ended = false;

                if (stream->ready && stream_read(stream, &session->out, &ended))
                        more = true;
                if (ended)
                        drop_stream(session, stream);
                stream = next;
        }
        /* Those behind the mark have not been asked. */
        return more || stream;
}

static void pump(struct session *session) {
        for (int round = 0; round < PUMP_ROUNDS && !session->broken; round++) {
                session->more = fill(session);
                flush(session);
                /* What the socket does not take now goes on when it takes more. */
                if (!session->more || session->out.len > 0)
                        return;
        }
}

/* Receiving */

static bool takes_requests(const struct session *session) {
        return !session->closing && !session->broken && session->n_requests < SESSION_REQUESTS_MAX &&
               session->out.len < SESSION_OUT_HIGH;
}

/* The stream of frames cannot be followed any further. */
static void lose_framing(struct session *session, size_t announced) {
        size_t limit = session->right == RIGHT_NONE ? SESSION_FRAME_MAX_STRANGER : FRAME_MAX;
        _cleanup_jval_ struct jval *data = jval_object();
        _cleanup_free_ char *message = NULL;

        if (announced == 0)
                message = xstrdup("an empty frame was sent: a frame is a 4-byte big-endian length of at least 1, then "
                                  "that many bytes of JSON");
        else
                message = xasprintf("a frame of %zu bytes was announced, at most %zu are taken: a frame is a 4-byte "
                                    "big-endian length, then "
                                    "that many bytes of JSON",
                                    announced, limit);
        jval_set_int(data, "limit", (int64_t)limit);
        session_answer_error(session, NULL, announced == 0 ? ERROR_KIND_PARSE : ERROR_KIND_TOO_LARGE, message,
                             announced == 0 ? NULL : data);
        session->closing = true;
}

/* Clients without rights get no megabyte to fill. */
static bool stranger_announces_much(const struct session *session, const struct buf *in, size_t *ret_announced) {
        uint32_t announced;

        if (session->right != RIGHT_NONE || in->len < FRAME_HEADER_SIZE)
                return false;
        memcpy(&announced, buf_data(in), sizeof(announced));
        *ret_announced = be32toh(announced);
        return *ret_announced > SESSION_FRAME_MAX_STRANGER;
}

static void handle_each_frame(struct session *session, struct buf *in) {
        session->waiting = false;
        while (in->len > 0) {
                const char *payload;
                size_t len = 0;
                int r;

                if (!takes_requests(session)) {
                        session->waiting = true;
                        return;
                }
                if (stranger_announces_much(session, in, &len)) {
                        lose_framing(session, len);
                        return;
                }
                r = frame_peek(in, &payload, &len);
                if (r == 0)
                        return;
                if (r < 0) {
                        lose_framing(session, r == -E2BIG ? len : 0);
                        return;
                }
                request_handle(session, payload, len);
                frame_consume(in, len);
        }
}

static void handle_frames(struct session *session, struct buf *in) {
        session->handling = true;
        handle_each_frame(session, in);
        session->handling = false;
}

static void handle_received(struct session *session, size_t n) {
        /* Whole frames are handled where they were read; only what is left of them is copied. */
        struct buf view = {.data = session->context->scratch,
                           .len = n,
                           .size = sizeof(session->context->scratch),
                           .max = CONTEXT_SCRATCH_SIZE};

        if (session->in.len == 0) {
                handle_frames(session, &view);
                if (view.len > 0 && !session->closing && buf_append(&session->in, buf_data(&view), view.len) < 0)
                        session->broken = true;
                return;
        }
        if (buf_append(&session->in, view.data, view.len) < 0)
                session->broken = true;
}

static void handle_waiting(struct session *session) {
        if (session->in.len == 0)
                return;
        handle_frames(session, &session->in);
        if (session->in.len == 0 && session->in.size > KEEP_MEMORY)
                buf_done(&session->in);
}

/* The client has shut its sending side down: what it asked is still answered, but it follows nothing, since from here
 * on nothing would tell that it went away. */
static void receive_end(struct session *session) {
        struct pollfd both = {.fd = session->fd};

        session->ended = true;
        drop_streams(session);
        if (poll(&both, 1, 0) > 0 && (both.revents & (POLLHUP | POLLERR)))
                session->broken = true;
}

static void receive(struct session *session) {
        ssize_t n = recv(session->fd, session->context->scratch, CONTEXT_SCRATCH_SIZE, MSG_DONTWAIT);

        if (n > 0)
                handle_received(session, (size_t)n);
        else if (n == 0)
                receive_end(session);
        else if (errno != EAGAIN && errno != EINTR)
                session->broken = true;
}

/* The pass */

static bool is_over(const struct session *session) {
        if (session->broken)
                return true;
        if (session->out.len > 0)
                return false;
        return session->closing || (session->ended && session->n_requests == 0 && !session->waiting);
}

static void update_interest(struct session *session) {
        unsigned interest = 0;

        if (takes_requests(session) && !session->ended)
                interest |= LOOP_READ;
        /* A socket that takes more ends the wait of what goes on in the next pass, too. */
        if (session->out.len > 0 || session->more || (session->waiting && takes_requests(session)))
                interest |= LOOP_WRITE;
        loop_io_set_interest(session->io, interest);
}

static void release(struct session *session) {
        struct request *request;

        session->io = loop_io_free(session->io);
        (void)close(session->fd);
        session->fd = -1;
        while ((request = LIST_FIRST(&session->requests))) {
                session_remove_request(session, request);
                request_orphan(request);
        }
        drop_streams(session);
        buf_done(&session->in);
        buf_done(&session->out);
        account(session);
        peer_done(&session->peer);
        session->context = NULL;
        session_unref(session);
}

static void work(struct session *session) {
        handle_waiting(session);
        flush(session);
        pump(session);
        if (is_over(session)) {
                session->closed(session, session->user_data);
                release(session);
                return;
        }
        update_interest(session);
}

static void work_deferred(void *user) {
        struct session *session = user;

        session->scheduled = false;
        if (session->context)
                work(session);
        session_unref(session);
}

void session_schedule(struct session *session) {
        if (session->scheduled || session->handling)
                return;
        session->scheduled = true;
        session->references++;
        loop_defer(session->context->loop, work_deferred, session);
}

static void on_io(int fd, unsigned ready, void *user) {
        struct session *session = user;

        if (ready & LOOP_READ)
                receive(session);
        work(session);
}

int session_new(struct session **ret, struct control_context *context, int fd, struct peer *peer,
                session_closed_fn closed, void *user) {
        struct session *session = NEW(struct session);
        int r;

        *session = (struct session){
                .context = context,
                .references = 1,
                .fd = fd,
                .peer = *peer,
                .right = rights_of(&context->rights, peer),
                .in = BUF_INIT(SESSION_IN_MAX),
                .out = BUF_INIT(SESSION_OUT_MAX),
                .closed = closed,
                .user_data = user,
        };
        LIST_INIT(&session->requests);
        LIST_INIT(&session->streams);
        r = loop_io_new(context->loop, &session->io, fd, LOOP_READ, on_io, session);
        if (r < 0) {
                (void)close(fd);
                peer_done(&session->peer);
                session_unref(session);
                return r;
        }
        *ret = session;
        return 0;
}

void session_close(struct session *session) {
        flush(session);
        release(session);
}
