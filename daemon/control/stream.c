#include "stream.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "xalloc.h"

static void on_ready(void *user) {
        struct stream *stream = user;

        stream->ready = true;
        if (stream->session)
                session_schedule(stream->session);
}

static const struct engine_watch_events events = {.ready = on_ready};

/* A stream of the request, to be opened with its answer. NULL: there are too many, which has been answered. */
static struct stream *add_stream(struct request *request) {
        if (session_n_streams(request->session) >= SESSION_STREAMS_MAX) {
                _cleanup_free_ char *message = xasprintf(
                        "open another connection: one connection follows at most %d runs", SESSION_STREAMS_MAX);

                request_answer(&(struct engine_error){.kind = ERROR_KIND_UNAVAILABLE, .message = message}, NULL,
                               request);
                return NULL;
        }
        request->stream = NEW(struct stream);
        return request->stream;
}

void stream_handle_tail(struct request *request) {
        struct stream *stream = add_stream(request);

        if (stream)
                engine_run_tail(session_context(request->session)->engine, request->rpc.params, &events, stream,
                                &stream->watch, request_answer, request);
}

void stream_handle_events(struct request *request) {
        struct stream *stream = add_stream(request);

        if (stream)
                engine_events_subscribe(session_context(request->session)->engine, request->rpc.params, &events, stream,
                                        &stream->watch, request_answer, request);
}

void stream_open(struct stream *stream, struct session *session) {
        if (!stream->watch) {
                stream_free(stream);
                return;
        }
        stream->session = session;
        stream->ready = true;
        session_add_stream(session, stream);
}

struct stream *stream_free(struct stream *stream) {
        if (!stream)
                return NULL;
        if (stream->watch)
                engine_watch_free(stream->watch);
        free(stream);
        return NULL;
}

bool stream_read(struct stream *stream, struct buf *out, bool *ret_ended) {
        int r;

        *ret_ended = false;
        /* Before the read: the watch may say ready within it. */
        stream->ready = false;
        r = engine_watch_read(stream->watch, out);
        if (r > 0) {
                stream->ready = true;
                return true;
        }
        if (r == 0 || r == -EINPROGRESS)
                return false;
        if (r != -EPIPE)
                log_warning("a run's lines cannot be followed any further: %s", strerror(-r));
        *ret_ended = true;
        return false;
}
