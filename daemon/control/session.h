/* One client's connection: its buffers, its requests in flight and its streams.
 *
 * What a client can make the daemon hold is capped here: SESSION_IN_MAX received, SESSION_OUT_MAX to send,
 * SESSION_REQUESTS_MAX requests in flight, SESSION_STREAMS_MAX streams. A session that is at a cap is not read from
 * until it is below again, so a client that does not read stalls itself alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "control_context.h"
#include "frame.h"
#include "sockutil.h"

/* Of a client without any right, which has nothing to say but hello. */
#define SESSION_FRAME_MAX_STRANGER ((size_t)16 * 1024)
#define SESSION_IN_MAX (FRAME_HEADER_SIZE + FRAME_MAX + CONTEXT_SCRATCH_SIZE)
/* Streams add to the send buffer below this mark only. */
#define SESSION_OUT_LOW ((size_t)64 * 1024)
/* Requests are taken below this mark only. */
#define SESSION_OUT_HIGH ((size_t)256 * 1024)
/* An answer that comes when more than this waits is replaced by an error. */
#define SESSION_OUT_FULL ((size_t)2 * 1024 * 1024)
#define SESSION_OUT_MAX (SESSION_OUT_FULL + 2 * FRAME_MAX)
#define SESSION_REQUESTS_MAX 32
#define SESSION_STREAMS_MAX 256

struct session;
struct request;
struct stream;

/* Called once, when the connection is at its end; the session frees itself after it. */
typedef void (*session_closed_fn)(struct session *session, void *user);

/* Takes fd and peer over, also when it fails. context stays valid until the session is closed. */
int session_new(struct session **ret, struct control_context *context, int fd, struct peer *peer,
                session_closed_fn closed, void *user);
/* Tries once to send what waits, then closes; closed is not called. */
void session_close(struct session *session);
/* daemon.stopping: the last thing that the client is told before the connection ends. */
void session_notify_stopping(struct session *session, const char *reason);
uid_t session_uid(const struct session *session);
enum method_right session_right(const struct session *session);

/* For requests and streams of the session */
struct control_context *session_context(struct session *session);
const struct peer *session_peer(const struct session *session);
/* The name of the peer's uid. */
const char *session_user(struct session *session);
/* Send at the end of this pass. */
void session_answer(struct session *session, const struct jval *id, const struct jval *result);
void session_answer_error(struct session *session, const struct jval *id, enum error_kind kind, const char *message,
                          const struct jval *data);
void session_add_request(struct session *session, struct request *request);
void session_remove_request(struct session *session, struct request *request);
size_t session_n_streams(const struct session *session);
void session_add_stream(struct session *session, struct stream *stream);
/* At the end of this pass: requests that wait, streams with news, and what there is to send. */
void session_schedule(struct session *session);
