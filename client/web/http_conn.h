/* One connection of a client that speaks HTTP: reads a request at a time, within limits of size and time, and writes
 * its answer, or a stream that goes on until somebody ends it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "http_head.h"
#include "http_target.h"
#include "loop.h"

#define HTTP_BODY_MAX ((size_t)64 * 1024)
#define HTTP_REPLY_HEADERS_MAX 12
#define HTTP_ADDRESS_SIZE 64

struct http_conn;

/* Valid until the answer has been given. */
struct http_request {
        struct http_head head;
        struct http_target target;
        const char *body; /* NUL behind it */
        size_t body_len;
        char address[HTTP_ADDRESS_SIZE]; /* of the peer, as text, without the port */
};

/* Owes exactly one http_conn_reply or http_conn_stream, now or later; the connection stays until then. */
typedef void (*http_request_fn)(struct http_conn *conn, const struct http_request *request, void *user);
typedef void (*http_closed_fn)(struct http_conn *conn, void *user);

struct http_conn_settings {
        struct loop *loop;
        http_request_fn request;
        http_closed_fn closed;
        void *user;
};

/* Takes fd over. 0 or negative errno. */
int http_conn_new(struct http_conn **ret, const struct http_conn_settings *settings, int fd, const char *address);
/* Closes at once. The memory goes at the end of the loop's pass. */
void http_conn_close(struct http_conn *conn);

struct http_reply {
        int status;
        const char *type; /* Content-Type; NULL: none */
        struct http_header headers[HTTP_REPLY_HEADERS_MAX];
        size_t n_headers;
        const void *body;
        size_t len;
};
void http_reply_add(struct http_reply *reply, const char *name, const char *value);
/* body and headers are copied. */
void http_conn_reply(struct http_conn *conn, const struct http_reply *reply);

struct http_stream_ops {
        void (*writable)(void *user); /* what was written before has gone out */
        void (*closed)(void *user);   /* the connection is gone, or will be; not after http_conn_finish */
};
/* Answers with a head and no length; the body is what http_conn_write is given, the end of the connection ends it. For
 * a HEAD that is all, and `closed` has been called when this returns. */
void http_conn_stream(struct http_conn *conn, const struct http_reply *head, const struct http_stream_ops *ops,
                      void *user);
/* Sends what the socket takes now: that many bytes, 0 when it takes none (ops.writable tells when it does), or negative
 * errno when the connection is gone (ops.closed has been called). */
ssize_t http_conn_write(struct http_conn *conn, const struct iovec *parts, size_t n_parts);
/* The stream is complete. */
void http_conn_finish(struct http_conn *conn);

/* "Not Found" for 404. */
const char *http_status_text(int status);
