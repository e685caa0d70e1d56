#include "http_conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "jval.h"
#include "macro.h"
#include "strutil.h"
#include "xalloc.h"

#define READ_SIZE ((size_t)16 * 1024)
#define IN_MAX (HTTP_HEAD_MAX + HTTP_BODY_MAX + 2 * READ_SIZE)
/* The longest answer of the daemon, and a head. */
#define OUT_MAX ((size_t)4 * 1024 * 1024)
/* Between requests. */
#define IDLE_TIMEOUT (75 * USEC_PER_SEC)
/* From the first byte of a request to its last: a client that sends a byte a second is not waited for. */
#define HEAD_TIMEOUT (10 * USEC_PER_SEC)
#define BODY_TIMEOUT (30 * USEC_PER_SEC)
/* While an answer waits to be read and nothing of it is. */
#define WRITE_TIMEOUT (30 * USEC_PER_SEC)
/* After a refusal the client may still be sending: closing at once would take the refusal from it. */
#define LINGER_TIMEOUT (2 * USEC_PER_SEC)
/* A stream whose client takes nothing for so long is given up: the machine may be gone. */
#define STREAM_STALL_MILLISECONDS 120000u
#define STREAM_SEND_BUFFER (128 * 1024)
#define LINGER_BYTES ((size_t)1024 * 1024)

enum conn_state {
        CONN_HEAD,    /* waits for a request */
        CONN_BODY,    /* has its head */
        CONN_PENDING, /* the handler owes an answer */
        CONN_WRITING, /* an answer goes out */
        CONN_STREAM,
        CONN_LINGER, /* has said its last word */
        CONN_DEAD,
};

struct http_conn {
        struct http_conn_settings settings;
        int fd;
        struct loop_io *io;
        struct loop_timer *timer;
        enum conn_state state;
        struct buf in, out;
        struct http_request request;
        char *body; /* the request's */
        bool keep_alive, head_only, finishing;
        size_t lingered;
        const struct http_stream_ops *ops;
        void *ops_user;
};

static const char security_headers[] =
        "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src "
        "'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "X-Frame-Options: DENY\r\n"
        "Referrer-Policy: no-referrer\r\n"
        "Cross-Origin-Opener-Policy: same-origin\r\n"
        "Cross-Origin-Resource-Policy: same-origin\r\n";

static void forget_request(struct http_conn *conn) {
        http_head_done(&conn->request.head);
        http_target_done(&conn->request.target);
        free(STEAL_PTR(conn->body));
        conn->request.body = NULL;
        conn->request.body_len = 0;
}

static void destroy(void *user) {
        struct http_conn *conn = user;

        forget_request(conn);
        buf_done(&conn->in);
        buf_done(&conn->out);
        free(conn);
}

void http_conn_close(struct http_conn *conn) {
        const struct http_stream_ops *ops = STEAL_PTR(conn->ops);

        if (conn->state == CONN_DEAD)
                return;
        conn->state = CONN_DEAD;
        loop_io_free(conn->io);
        loop_timer_free(conn->timer);
        (void)close(conn->fd);
        if (ops)
                ops->closed(conn->ops_user);
        conn->settings.closed(conn, conn->settings.user);
        loop_defer(conn->settings.loop, destroy, conn);
}

/* Says what is left to say, then lets the client finish. */
static void linger(struct http_conn *conn) {
        conn->state = CONN_LINGER;
        (void)shutdown(conn->fd, SHUT_WR);
        loop_io_set_interest(conn->io, LOOP_READ);
        loop_timer_arm(conn->timer, LINGER_TIMEOUT);
}

static void process(struct http_conn *conn);

static void written(struct http_conn *conn) {
        if (conn->state == CONN_STREAM) {
                if (conn->finishing)
                        linger(conn);
                else
                        conn->ops->writable(conn->ops_user);
                return;
        }
        if (!conn->keep_alive) {
                linger(conn);
                return;
        }
        conn->state = CONN_HEAD;
        loop_io_set_interest(conn->io, LOOP_READ);
        loop_timer_arm(conn->timer, conn->in.len > 0 ? HEAD_TIMEOUT : IDLE_TIMEOUT);
        process(conn);
}

/* False: the connection is gone. */
static bool flush_out(struct http_conn *conn) {
        while (conn->out.len > 0) {
                ssize_t n = send(conn->fd, buf_data(&conn->out), conn->out.len, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno != EAGAIN) {
                        http_conn_close(conn);
                        return false;
                }
                if (n < 0)
                        return true;
                buf_consume(&conn->out, (size_t)n);
                if (conn->state == CONN_WRITING)
                        loop_timer_arm(conn->timer, WRITE_TIMEOUT);
        }
        return true;
}

static void append_head(struct http_conn *conn, const struct http_reply *reply, bool has_length) {
        struct buf *out = &conn->out;

        (void)buf_appendf(out, "HTTP/1.1 %d %s\r\n", reply->status, http_status_text(reply->status));
        if (reply->type)
                (void)buf_appendf(out, "Content-Type: %s\r\n", reply->type);
        if (has_length && reply->status != 304)
                (void)buf_appendf(out, "Content-Length: %zu\r\n", reply->len);
        for (size_t i = 0; i < reply->n_headers; i++)
                (void)buf_appendf(out, "%s: %s\r\n", reply->headers[i].name, reply->headers[i].value);
        (void)buf_append_str(out, security_headers);
        if (!conn->keep_alive)
                (void)buf_append_str(out, "Connection: close\r\n");
        (void)buf_append_str(out, "\r\n");
}

void http_reply_add(struct http_reply *reply, const char *name, const char *value) {
        if (reply->n_headers < HTTP_REPLY_HEADERS_MAX)
                reply->headers[reply->n_headers++] = (struct http_header){name, value};
}

static void on_written(void *user) {
        struct http_conn *conn = user;

        if (conn->state == CONN_WRITING && conn->out.len == 0)
                written(conn);
}

void http_conn_reply(struct http_conn *conn, const struct http_reply *reply) {
        if (conn->state == CONN_DEAD)
                return;
        append_head(conn, reply, true);
        if (!conn->head_only)
                (void)buf_append(&conn->out, reply->body, reply->len);
        conn->state = CONN_WRITING;
        forget_request(conn);
        loop_timer_arm(conn->timer, WRITE_TIMEOUT);
        if (!flush_out(conn))
                return;
        loop_io_set_interest(conn->io, conn->out.len > 0 ? LOOP_WRITE : 0);
        /* The next request that waits already is taken up from the loop, not from within the answer to this one. */
        if (conn->out.len == 0)
                loop_defer(conn->settings.loop, on_written, conn);
}

/* What cannot be understood is answered in JSON like everything else, and the connection ends: where the next request
 * begins is not known. */
static void refuse(struct http_conn *conn, int status, const char *why) {
        _cleanup_jval_ struct jval *body = jval_object();
        struct jval *error = jval_object(), *data = jval_object();
        _cleanup_free_ char *text = NULL;

        jval_set_str(data, "kind", status == 413 || status == 414 || status == 431 ? "too_large" : "parse_error");
        jval_set_int(error, "code", status == 413 || status == 414 || status == 431 ? -32005 : -32700);
        jval_set_str(error, "message", why);
        jval_set(error, "data", data);
        jval_set(body, "error", error);
        text = jval_dump(body);
        conn->keep_alive = conn->head_only = false;
        http_conn_reply(conn, &(struct http_reply){
                                      .status = status, .type = "application/json", .body = text, .len = strlen(text)});
}

static void hand_over(struct http_conn *conn) {
        struct http_request *request = &conn->request;
        const char *why;

        if (http_target_parse(request->head.target, &request->target, &why) < 0) {
                refuse(conn, 400, why);
                return;
        }
        conn->state = CONN_PENDING;
        loop_io_set_interest(conn->io, 0);
        loop_timer_disarm(conn->timer);
        conn->settings.request(conn, request, conn->settings.user);
}

static void process_body(struct http_conn *conn) {
        size_t length = (size_t)conn->request.head.content_length;

        if (conn->in.len < length)
                return;
        conn->body = xmalloc(length + 1);
        memcpy(conn->body, buf_data(&conn->in), length);
        conn->body[length] = '\0';
        buf_consume(&conn->in, length);
        conn->request.body = conn->body;
        conn->request.body_len = length;
        hand_over(conn);
}

static void process_head(struct http_conn *conn) {
        const char *why = NULL;
        int n = http_head_parse(buf_data(&conn->in), conn->in.len, &conn->request.head, &why);

        if (n == 0)
                return;
        if (n < 0) {
                refuse(conn, -n, why);
                return;
        }
        buf_consume(&conn->in, (size_t)n);
        conn->head_only = streq(conn->request.head.method, "HEAD");
        conn->keep_alive = conn->request.head.keep_alive;
        if (conn->request.head.content_length > HTTP_BODY_MAX) {
                refuse(conn, 413, "the body is longer than 64 KiB");
                return;
        }
        conn->state = CONN_BODY;
        loop_timer_arm(conn->timer, BODY_TIMEOUT);
        if (conn->request.head.expects_continue && conn->in.len < conn->request.head.content_length) {
                (void)buf_append_str(&conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
                (void)flush_out(conn);
        }
}

static void process(struct http_conn *conn) {
        if (conn->state == CONN_HEAD)
                process_head(conn);
        if (conn->state == CONN_BODY)
                process_body(conn);
}

static void discard_input(struct http_conn *conn, size_t len) {
        conn->lingered += len;
        if (conn->lingered > LINGER_BYTES)
                http_conn_close(conn);
}

static void on_readable(struct http_conn *conn) {
        char *room = buf_reserve(&conn->in, READ_SIZE);
        ssize_t n = room ? recv(conn->fd, room, READ_SIZE, 0) : -1;

        if (n < 0 && room && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0) {
                http_conn_close(conn);
                return;
        }
        if (conn->state == CONN_LINGER || conn->state == CONN_STREAM) {
                discard_input(conn, (size_t)n);
                return;
        }
        if (conn->state == CONN_HEAD && conn->in.len == 0)
                loop_timer_arm(conn->timer, HEAD_TIMEOUT);
        buf_commit(&conn->in, (size_t)n);
        process(conn);
}

static void on_writable(struct http_conn *conn) {
        if (!flush_out(conn) || conn->out.len > 0)
                return;
        loop_io_set_interest(conn->io, conn->state == CONN_STREAM ? LOOP_READ : 0);
        written(conn);
}

static void on_io(int fd, unsigned ready, void *user) {
        struct http_conn *conn = user;

        if (ready & LOOP_WRITE && conn->state != CONN_DEAD)
                on_writable(conn);
        if (ready & LOOP_READ && conn->state != CONN_DEAD)
                on_readable(conn);
}

static void on_timeout(void *user) {
        struct http_conn *conn = user;

        if ((conn->state == CONN_HEAD && conn->in.len > 0) || conn->state == CONN_BODY)
                refuse(conn, 408, "the request did not arrive whole in time");
        else
                http_conn_close(conn);
}

void http_conn_stream(struct http_conn *conn, const struct http_reply *head, const struct http_stream_ops *ops,
                      void *user) {
        conn->ops = ops;
        conn->ops_user = user;
        conn->keep_alive = false;
        if (conn->state == CONN_DEAD)
                return;
        append_head(conn, head, false);
        /* A client that reads slowly is to be behind by its place in what is streamed, not by megabytes in the kernel.
         */
        (void)setsockopt(conn->fd, SOL_SOCKET, SO_SNDBUF, &(int){STREAM_SEND_BUFFER}, sizeof(int));
        (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(unsigned){STREAM_STALL_MILLISECONDS},
                         sizeof(unsigned));
        conn->state = CONN_STREAM;
        forget_request(conn);
        loop_io_set_interest(conn->io, LOOP_READ | LOOP_WRITE);
        if (conn->head_only) {
                http_conn_finish(conn);
                ops->closed(user);
        }
}

ssize_t http_conn_write(struct http_conn *conn, const struct iovec *parts, size_t n_parts) {
        struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = n_parts};
        size_t total = 0;
        ssize_t n;

        if (conn->state == CONN_DEAD)
                return -EPIPE;
        if (conn->out.len > 0)
                return 0;
        for (size_t i = 0; i < n_parts; i++)
                total += parts[i].iov_len;
        do
                n = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0 && errno != EAGAIN) {
                n = -errno;
                http_conn_close(conn);
                return n;
        }
        if (n < (ssize_t)total)
                loop_io_set_interest(conn->io, LOOP_READ | LOOP_WRITE);
        return MAX(n, 0);
}

void http_conn_finish(struct http_conn *conn) {
        if (conn->state == CONN_DEAD)
                return;
        conn->ops = NULL;
        conn->finishing = true;
        if (conn->out.len == 0)
                linger(conn);
}

int http_conn_new(struct http_conn **ret, const struct http_conn_settings *settings, int fd, const char *address) {
        struct http_conn *conn = NEW(struct http_conn);
        int r;

        *conn = (struct http_conn){
                .settings = *settings, .fd = fd, .in = BUF_INIT(IN_MAX), .out = BUF_INIT(OUT_MAX), .state = CONN_HEAD};
        (void)snprintf(conn->request.address, sizeof(conn->request.address), "%s", address);
        /* Without it an answer in two writes waits for the client's delayed acknowledgement. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        r = loop_timer_new(settings->loop, &conn->timer, on_timeout, conn);
        if (r == 0)
                r = loop_io_new(settings->loop, &conn->io, fd, LOOP_READ, on_io, conn);
        if (r < 0) {
                loop_timer_free(conn->timer);
                (void)close(fd);
                destroy(conn);
                return r;
        }
        loop_timer_arm(conn->timer, HEAD_TIMEOUT);
        *ret = conn;
        return 0;
}
