/* run.tail with follow, and events.subscribe: moves a watch's notifications into its session's send buffer, as fast as
 * the client takes them and no faster. The run's ring is the queue; a stream holds nothing but a cursor. */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "request.h"

struct stream {
        LIST_ENTRY(stream) link;
        struct session *session; /* set once the call is answered */
        struct engine_watch *watch;
        bool ready; /* there is something to read */
};

/* Handlers of run.tail and events.subscribe. */
void stream_handle_tail(struct request *request);
void stream_handle_events(struct request *request);
/* The request is answered: the stream goes into the session, or away when there is nothing to follow. */
void stream_open(struct stream *stream, struct session *session);
/* Appends one notification. True: there may be more; false: nothing for now, or the stream has ended and is freed
 * (*ret_ended). */
bool stream_read(struct stream *stream, struct buf *out, bool *ret_ended);
struct stream *stream_free(struct stream *stream);
