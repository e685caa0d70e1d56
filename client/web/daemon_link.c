#include "daemon_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "errortext.h"
#include "log.h"
#include "macro.h"
#include "sockutil.h"
#include "strutil.h"
#include "version.h"
#include "xalloc.h"

/* The daemon takes 32 at once on a connection. */
#define CALLS_IN_FLIGHT 24
#define CALLS_WAITING 4096
#define RECONNECT_FIRST (50 * USEC_PER_MSEC)
#define RECONNECT_MAX (2 * USEC_PER_SEC)
#define DEADLINE_CHECK (250 * USEC_PER_MSEC)
#define HELLO_TIMEOUT (10 * USEC_PER_SEC)
/* Messages taken in one pass, so that a flood does not hold up everything else. */
#define MESSAGES_PER_PASS 256

struct link_call {
        int64_t id; /* 0: not handed to the client yet */
        enum method_id method;
        struct jval *params;
        usec_t deadline;
        link_answer_fn fn;
        void *user;
};

struct socket_identity {
        dev_t device;
        ino_t inode;
        struct timespec changed;
};

struct daemon_link {
        struct loop *loop;
        char *path;
        struct link_events events;
        struct client *client;
        int fd;
        struct loop_io *io;
        struct loop_timer *reconnect, *deadlines;
        struct link_call *calls; /* oldest first */
        size_t n_calls, capacity;
        size_t n_flying;
        usec_t delay;
        char *why;    /* a sentence with what to do; NULL: up */
        bool greeted; /* on this connection: the daemon speaks this protocol */
        bool stopping, stopped, sweeping;
        struct socket_identity socket;
};

static struct socket_identity identify(const char *path) {
        struct stat status;

        if (stat(path, &status) < 0)
                return (struct socket_identity){0};
        return (struct socket_identity){status.st_dev, status.st_ino, status.st_ctim};
}

static bool same_socket(const struct socket_identity *a, const struct socket_identity *b) {
        return a->device == b->device && a->inode == b->inode && a->changed.tv_sec == b->changed.tv_sec &&
               a->changed.tv_nsec == b->changed.tv_nsec;
}

static void update_interest(struct daemon_link *link) {
        size_t waiting;

        if (!link->io)
                return;
        (void)client_output(link->client, &waiting);
        loop_io_set_interest(link->io, LOOP_READ | (waiting > 0 ? LOOP_WRITE : 0u));
}

/* Takes the call out of the list and answers it. */
static void finish_call(struct daemon_link *link, size_t index, const struct client_message *message, const char *why) {
        struct link_call call = link->calls[index];

        memmove(&link->calls[index], &link->calls[index + 1], (link->n_calls - index - 1) * sizeof(call));
        link->n_calls--;
        if (call.id > 0)
                link->n_flying--;
        jval_unref(call.params);
        call.fn(message, why, call.user);
}

static void send_waiting(struct daemon_link *link) {
        for (size_t i = 0; i < link->n_calls && link->n_flying < CALLS_IN_FLIGHT && link->fd >= 0;) {
                struct link_call *call = &link->calls[i];
                int64_t id = call->id;

                if (!link->greeted && call->method != METHOD_DAEMON_HELLO) {
                        i++;
                        continue;
                }
                if (id == 0)
                        id = client_call(link->client, call->method, STEAL_PTR(call->params));
                if (id < 0) {
                        finish_call(link, i, NULL, "the request is longer than a frame of the control protocol");
                        continue;
                }
                if (call->id == 0)
                        link->n_flying++;
                call->id = id;
                i++;
        }
        update_interest(link);
}

static void fail_all(struct daemon_link *link) {
        _cleanup_free_ char *why = xstrdup(str_or(link->why, "batchd does not answer"));

        for (size_t n = link->n_calls; n > 0; n--)
                finish_call(link, 0, NULL, why);
}

static void sweep(void *user) {
        struct daemon_link *link = user;

        link->sweeping = false;
        if (link->why && link->fd < 0)
                fail_all(link);
        else
                send_waiting(link);
}

static void sweep_later(struct daemon_link *link) {
        if (link->sweeping)
                return;
        link->sweeping = true;
        loop_defer(link->loop, sweep, link);
}

static void try_connect(void *user);

/* Takes the text over. */
static void go_down(struct daemon_link *link, char *why) {
        bool was_up = link->why == NULL;

        free(link->why);
        link->why = why;
        /* What was sent over the old connection is not sent over a later one: its callers are told now. */
        link->client = client_free(link->client);
        link->client = client_new();
        if (was_up)
                log_warning("%s", link->why);
        sweep_later(link);
        if (was_up && link->events.down)
                link->events.down(link->why, link->events.user);
        loop_timer_arm(link->reconnect, link->delay);
        link->delay = MIN(link->delay * 2, RECONNECT_MAX);
}

static void disconnect(struct daemon_link *link) {
        link->io = loop_io_free(link->io);
        if (link->fd >= 0)
                (void)close(link->fd);
        link->fd = -1;
}

static void is_understood(struct daemon_link *link) {
        link->greeted = true;
        link->delay = RECONNECT_FIRST;
        if (link->why)
                log_info("connected with batchd at %s", link->path);
        free(STEAL_PTR(link->why));
        if (link->events.up)
                link->events.up(link->events.user);
        sweep_later(link);
}

/* Nothing else is asked before: a daemon of another protocol might understand something else by it. It is tried again,
 * for what is to be done about that may be done any time. */
static void hello_answered(const struct client_message *message, const char *why, void *user) {
        struct daemon_link *link = user;
        const char *text = message && message->kind == CLIENT_REFUSAL ? message->error_text : why;

        if (link->fd < 0)
                return;
        if (message && message->kind != CLIENT_REFUSAL) {
                is_understood(link);
                return;
        }
        disconnect(link);
        if (link->why && !streq(link->why, text))
                log_error("batchd at %s: %s", link->path, text);
        go_down(link, xstrdup(text));
}

static void say_hello(struct daemon_link *link) {
        struct jval *params = jval_object();

        jval_set_str(params, "client", "batch-web " BATCHD_VERSION);
        jval_set_int(params, "protocol", PROTOCOL_VERSION);
        daemon_link_call(link, METHOD_DAEMON_HELLO, params, HELLO_TIMEOUT, hello_answered, link);
}

static void lost(struct daemon_link *link) {
        disconnect(link);
        if (link->stopping) {
                link->stopped = true;
                link->socket = identify(link->path);
                go_down(link, xstrdup("batchd was stopped; it is started again with: systemctl start batchd"));
                return;
        }
        try_connect(link);
}

void daemon_link_renew(struct daemon_link *link) {
        if (link->fd >= 0)
                lost(link);
}

static void take_message(struct daemon_link *link, const struct client_message *message) {
        if (message->kind == CLIENT_NOTIFICATION) {
                if (message->notification == NOTIFICATION_DAEMON_STOPPING)
                        link->stopping = streq_null(jval_get_str(message->value, "reason"), "stop");
                else if (link->events.notification)
                        link->events.notification(message, link->events.user);
                return;
        }
        for (size_t i = 0; i < link->n_calls; i++)
                if (link->calls[i].id == message->id && message->id > 0) {
                        finish_call(link, i, message, NULL);
                        return;
                }
}

static void take_messages(struct daemon_link *link) {
        struct client_message message;
        _cleanup_free_ char *error = NULL;
        int r;

        while ((r = client_next(link->client, &message, &error)) > 0) {
                take_message(link, &message);
                client_message_done(&message);
        }
        if (r < 0) {
                log_error("batchd at %s: %s", link->path, error);
                disconnect(link);
                go_down(link, xstrdup(error));
        } else {
                send_waiting(link);
        }
}

static void on_io(int fd, unsigned ready, void *user) {
        struct daemon_link *link = user;
        size_t size;
        ssize_t n;

        if (ready & LOOP_WRITE) {
                const char *data = client_output(link->client, &size);

                n = send(fd, data, size, MSG_NOSIGNAL);
                if (n > 0)
                        client_sent(link->client, (size_t)n);
        }
        if (ready & LOOP_READ) {
                char *room = client_input(link->client, &size);

                n = recv(fd, room, size, 0);
                if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
                        lost(link);
                        return;
                }
                if (n > 0) {
                        client_received(link->client, (size_t)n);
                        take_messages(link);
                }
        }
        update_interest(link);
}

static void connected(struct daemon_link *link, int fd) {
        link->fd = fd;
        link->greeted = link->stopping = link->stopped = false;
        if (loop_io_new(link->loop, &link->io, fd, LOOP_READ, on_io, link) < 0) {
                disconnect(link);
                go_down(link, xstrdup("the connection with batchd cannot be watched"));
                return;
        }
        client_reconnected(link->client);
        say_hello(link);
        update_interest(link);
}

static void try_connect(void *user) {
        struct daemon_link *link = user;
        struct socket_identity now = identify(link->path);
        int fd;

        if (link->stopped && same_socket(&now, &link->socket)) {
                loop_timer_arm(link->reconnect, RECONNECT_MAX / 4);
                return;
        }
        fd = unix_connect(link->path, SOCK_STREAM | SOCK_NONBLOCK);
        if (fd >= 0)
                connected(link, fd);
        else if (fd == -EACCES)
                go_down(link, xasprintf("batchd's socket %s may not be opened by this user", link->path));
        else
                go_down(link, xasprintf("batchd does not answer at %s (%s); see: systemctl status batchd", link->path,
                                        strerror(-fd)));
}

void daemon_link_wake(struct daemon_link *link) {
        if (!link->stopped)
                return;
        link->stopped = false;
        try_connect(link);
}

static void check_deadlines(void *user) {
        struct daemon_link *link = user;
        usec_t now = now_boottime();

        for (size_t i = 0; i < link->n_calls;) {
                if (link->calls[i].deadline <= now)
                        finish_call(link, i, NULL, "batchd has not answered in time; see: systemctl status batchd");
                else
                        i++;
        }
        if (link->n_calls > 0)
                loop_timer_arm(link->deadlines, DEADLINE_CHECK);
}

void daemon_link_call(struct daemon_link *link, enum method_id method, struct jval *params, usec_t timeout,
                      link_answer_fn fn, void *user) {
        usec_t deadline = link->n_calls >= CALLS_WAITING ? 0 : now_boottime() + timeout;

        GROW(link->calls, link->n_calls, link->capacity);
        link->calls[link->n_calls++] =
                (struct link_call){.method = method, .params = params, .deadline = deadline, .fn = fn, .user = user};
        sweep_later(link);
        if (!loop_timer_is_armed(link->deadlines))
                loop_timer_arm(link->deadlines, DEADLINE_CHECK);
}

int daemon_link_new(struct daemon_link **ret, struct loop *loop, const char *socket_path,
                    const struct link_events *events) {
        struct daemon_link *link = NEW(struct daemon_link);
        int r;

        *link = (struct daemon_link){.loop = loop, .fd = -1, .delay = RECONNECT_FIRST, .client = client_new()};
        link->path = xstrdup(socket_path);
        link->why = xstrdup("batchd has not answered yet");
        if (events)
                link->events = *events;
        r = loop_timer_new(loop, &link->reconnect, try_connect, link);
        if (r == 0)
                r = loop_timer_new(loop, &link->deadlines, check_deadlines, link);
        if (r < 0) {
                daemon_link_free(link);
                return r;
        }
        loop_timer_arm(link->reconnect, 0);
        *ret = link;
        return 0;
}

struct daemon_link *daemon_link_free(struct daemon_link *link) {
        if (!link)
                return NULL;
        disconnect(link);
        loop_timer_free(link->reconnect);
        loop_timer_free(link->deadlines);
        /* What a call holds is freed by who is told its answer. */
        while (link->n_calls > 0)
                finish_call(link, 0, NULL, "batch-web ends");
        free(link->calls);
        client_free(link->client);
        free(link->why);
        free(link->path);
        free(link);
        return NULL;
}
