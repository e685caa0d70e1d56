#include "session.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "fileutil.h"
#include "macro.h"
#include "remote_link.h"
#include "sockutil.h"
#include "strutil.h"
#include "versions.h"
#include "xalloc.h"

#define SYSTEM_SOCKET "/run/batchd/control.sock"
/* How long a socket that nobody listens on is tried again: a killed daemon is back within a second. */
#define FIRST_PATIENCE (2 * USEC_PER_SEC)
/* How long a call waits for a daemon that it had reached before. */
#define CALL_PATIENCE (20 * USEC_PER_SEC)
/* How long an answer may take to a call that only asks. */
#define ANSWER_PATIENCE (30 * USEC_PER_SEC)
#define ACT_PATIENCE (10 * USEC_PER_MINUTE)
#define RETRY_INTERVAL (50 * USEC_PER_MSEC)

static char *find_socket(const struct context *context) {
        const char *environment = getenv("BATCHD_SOCKET"), *runtime = getenv("XDG_RUNTIME_DIR");
        if (context->global.socket)
                return xstrdup(context->global.socket);
        if (environment && environment[0] != '\0')
                return xstrdup(environment);
        if (runtime && runtime[0] == '/') {
                _cleanup_free_ char *own = xasprintf("%s/batchd/control.sock", runtime);
                if (access(own, F_OK) == 0)
                        return STEAL_PTR(own);
        }
        return xstrdup(SYSTEM_SOCKET);
}

/* A socket that was named goes before a URL of the environment. */
static const char *find_url(const struct context *context) {
        const char *environment = getenv("BATCHD_URL");
        if (context->global.url)
                return context->global.url;
        return environment && environment[0] != '\0' && !context->global.socket ? environment : NULL;
}

static void complain_unreachable(const struct session *session, int error) {
        const struct context *context = session->context;
        bool is_system = streq(session->path, SYSTEM_SOCKET);
        if (session->is_remote)
                context_complain(context, "install batch-http, which --url needs: it cannot be started (%s)",
                                 strerror(-error));
        else if (error == -EACCES)
                context_complain(context, "ask an administrator for access to %s: permission denied", session->path);
        else if (error == -ENAMETOOLONG)
                context_complain(context,
                                 "give a shorter path: a socket's path has at most 107 bytes, and %s is longer",
                                 session->path);
        else if (is_system)
                context_complain(context,
                                 "start the daemon with 'systemctl start batchd', or name its socket with --socket or "
                                 "BATCHD_SOCKET: nobody answers at %s (%s)",
                                 session->path, strerror(-error));
        else
                context_complain(context, "start batchd, or name the right socket: nobody answers at %s (%s)",
                                 session->path, strerror(-error));
}

/* Waits in between tries; -EINTR when a signal was let in. */
static int pause_for(const struct session *session, usec_t span) {
        struct timespec time = {.tv_sec = (time_t)(span / USEC_PER_SEC), .tv_nsec = (long)(span % USEC_PER_SEC * 1000)};
        return ppoll(NULL, 0, &time, session->mask) < 0 ? -errno : 0;
}

static bool is_worth_retrying(int error, bool was_connected) {
        /* A socket file without a listener is left by a daemon that was killed, and will be started again; none at all
         * means that there is no daemon, unless one was there a moment ago. */
        return error == -ECONNREFUSED || error == -EAGAIN || (was_connected && error == -ENOENT);
}

static int connect_patiently(struct session *session, usec_t patience, bool was_connected) {
        usec_t start = now_boottime();
        if (session->is_remote) {
                session->fd = remote_link_open(session->path, patience, &session->helper);
                return session->fd < 0 ? session->fd : 0;
        }
        for (;;) {
                int fd = unix_connect(session->path, SOCK_STREAM);
                if (fd >= 0) {
                        session->fd = fd;
                        return 0;
                }
                /* it is replaced in a moment, and there may be none for a moment */
                was_connected |= fd == -ECONNREFUSED;
                if (!is_worth_retrying(fd, was_connected) || now_boottime() - start >= patience)
                        return fd;
                int r = pause_for(session, RETRY_INTERVAL);
                if (r < 0)
                        return r;
        }
}

int session_open(struct session *session, const struct context *context) {
        const char *url = find_url(context);
        *session = (struct session){.context = context,
                                    .fd = -1,
                                    .path = url ? xstrdup(url) : find_socket(context),
                                    .is_remote = url != NULL,
                                    .client = client_new()};
        int r = connect_patiently(session, FIRST_PATIENCE, false);
        if (r == 0)
                return 0;
        complain_unreachable(session, r);
        return EXIT_UNREACHABLE;
}

void session_close(struct session *session) {
        for (size_t i = 0; i < session->n_stash; i++)
                client_message_done(&session->stash[i]);
        free(session->stash);
        if (session->fd >= 0)
                (void)close(session->fd);
        free(session->path);
        client_free(session->client);
        *session = SESSION_INIT;
}

int session_reconnect(struct session *session, usec_t patience) {
        if (session->fd >= 0)
                (void)close(steal_fd(&session->fd));
        if (session->is_remote && remote_link_gave_up(session->helper))
                return -ECONNREFUSED;
        if (session->stopping) {
                context_complain(session->context,
                                 "the daemon has been stopped; its record goes on when it is started again");
                return -ECONNREFUSED;
        }
        int r = connect_patiently(session, patience, true);
        if (r == -EINTR)
                return r;
        if (r < 0) {
                complain_unreachable(session, r);
                return -ECONNREFUSED;
        }
        client_reconnected(session->client);
        return 0;
}

static int send_pending(struct session *session) {
        size_t len;
        const char *data;
        while (data = client_output(session->client, &len), len > 0) {
                ssize_t n = send(session->fd, data, len, MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -ECONNRESET;
                client_sent(session->client, (size_t)n);
        }
        return 0;
}

static int receive(struct session *session, usec_t timeout_usec) {
        struct pollfd pollfd = {.fd = session->fd, .events = POLLIN};
        struct timespec time = {.tv_sec = (time_t)(timeout_usec / USEC_PER_SEC),
                                .tv_nsec = (long)(timeout_usec % USEC_PER_SEC * 1000)};
        int n = ppoll(&pollfd, 1, timeout_usec == USEC_INFINITY ? NULL : &time, session->mask);
        if (n < 0)
                return -errno;
        if (n == 0)
                return 0;
        size_t size;
        char *room = client_input(session->client, &size);
        ssize_t len = recv(session->fd, room, size, 0);
        if (len <= 0)
                return len < 0 && errno == EINTR ? -EINTR : -ECONNRESET;
        client_received(session->client, (size_t)len);
        return 1;
}

/* The daemon's farewell is kept for session_reconnect. */
static bool is_farewell(struct session *session, const struct client_message *message) {
        if (message->kind != CLIENT_NOTIFICATION || message->notification != NOTIFICATION_DAEMON_STOPPING)
                return false;
        session->stopping = streq_null(jval_get_str(message->value, "reason"), "stop");
        return true;
}

int session_next(struct session *session, usec_t timeout_usec, struct client_message *ret) {
        usec_t start = timeout_usec == USEC_INFINITY ? 0 : now_boottime();
        if (session->fd < 0)
                return -ECONNRESET;
        int r = send_pending(session);
        while (r >= 0) {
                _cleanup_free_ char *error = NULL;
                _cleanup_message_ struct client_message message = {0};
                r = client_next(session->client, &message, &error);
                if (r == -EBADMSG)
                        context_complain(session->context, "%s (at %s)", error, session->path);
                if (r < 0)
                        return r;
                if (r > 0 && !is_farewell(session, &message)) {
                        *ret = message;
                        message = (struct client_message){0};
                        return 1;
                }
                if (r > 0)
                        continue;
                usec_t passed = start == 0 ? 0 : now_boottime() - start;
                if (start != 0 && passed > timeout_usec)
                        passed = timeout_usec;
                r = receive(session, start == 0 ? USEC_INFINITY : timeout_usec - passed);
                if (r == 0)
                        return 0;
        }
        return r;
}

static int exit_status_of(enum error_kind kind) {
        switch (kind) {
        case ERROR_KIND_INVALID_PARAMS:
        case ERROR_KIND_TOO_LARGE:
                return EXIT_USAGE;
        case ERROR_KIND_ALREADY_RUNNING:
        case ERROR_KIND_PAUSED:
                return EXIT_HELD_BACK;
        case ERROR_KIND_NOT_FOUND:
                return EXIT_NOT_FOUND;
        case ERROR_KIND_RATE_LIMITED:
                return EXIT_RATE_LIMITED;
        case ERROR_KIND_NOT_PERMITTED:
                return EXIT_NOT_PERMITTED;
        case ERROR_KIND_UNAVAILABLE:
        case ERROR_KIND_VERSION:
                return EXIT_UNREACHABLE;
        case ERROR_KIND_PARSE:
        case ERROR_KIND_METHOD:
        case ERROR_KIND_INTERNAL:
        case _ERROR_KIND_MAX:
                return EXIT_RUN_FAILED;
        }
        return EXIT_RUN_FAILED;
}

int session_refused(const struct context *context, const struct client_message *message) {
        const struct jval *data = message->value;
        int64_t run = jval_get_int(data, "run_number", 0);
        if (context_json(context)) {
                _cleanup_jval_ struct jval *error = jval_object();
                jval_set_str(error, "error", message->error_text);
                jval_set_str(error, "kind", error_kind_to_string(message->error_kind));
                if (data)
                        jval_set(error, "data", jval_ref(message->value));
                context_show_json(error);
        }
        context_complain(context, "%s", message->error_text);
        if (message->error_kind == ERROR_KIND_ALREADY_RUNNING && run > 0)
                context_complain(context,
                                 "watch it with 'batchctl tail -f %" PRIi64 "', end it with 'batchctl cancel %" PRIi64
                                 "'",
                                 run, run);
        return exit_status_of(message->error_kind);
}

int64_t session_send(struct session *session, enum method_id method, struct jval *params) {
        /* What acts may take its time: a cancel lasts as long as the processes' grace. */
        session->patience = method_by_id(method)->acts ? ACT_PATIENCE : ANSWER_PATIENCE;
        return client_call(session->client, method, params);
}

/* Keeps an answer for the call that it belongs to; takes what the message holds. */
static void put_in_stash(struct session *session, const struct client_message *message) {
        GROW(session->stash, session->n_stash, session->stash_size);
        session->stash[session->n_stash++] = *message;
}

static bool take_from_stash(struct session *session, int64_t id, struct client_message *ret) {
        for (size_t i = 0; i < session->n_stash; i++) {
                if (session->stash[i].id != id)
                        continue;
                *ret = session->stash[i];
                session->stash[i] = session->stash[--session->n_stash];
                return true;
        }
        return false;
}

/* Waits for the answer to one call. After a silence it is sent again over a new connection; each silence may be twice
 * as long as the one before, since what acts and is sent again counts as one action more. 0, or an exit status. */
static int await(struct session *session, int64_t id, struct client_message *ret) {
        usec_t deadline = now_boottime() + session->patience, silence = SILENCE_MAX;
        while (!take_from_stash(session, id, ret)) {
                struct client_message message = {0};
                usec_t now = now_boottime(), left = deadline > now ? deadline - now : 0;
                bool may_ask_anew = silence < left && !session->is_remote;
                int r = session_next(session, may_ask_anew ? silence : left, &message);
                if (r == -ECONNRESET) /* the daemon begins anew, and so does the time */
                        deadline = now_boottime() + session->patience;
                if (r == 0 && may_ask_anew) {
                        silence *= 2;
                        r = -ECONNRESET;
                }
                if (r == -ECONNRESET && session_reconnect(session, CALL_PATIENCE) == 0)
                        continue;
                if (r == 0)
                        context_complain(session->context, "the daemon at %s has not answered for %" PRIu64 " seconds",
                                         session->path, session->patience / USEC_PER_SEC);
                if (r <= 0)
                        return EXIT_UNREACHABLE;
                if (message.kind == CLIENT_NOTIFICATION) {
                        client_message_done(&message);
                        continue;
                }
                if (message.id == 0)
                        message.id = id; /* a refusal of what could not be read: of the oldest call */
                put_in_stash(session, &message);
        }
        return 0;
}

int session_answer(struct session *session, int64_t id, struct jval **ret) {
        if (id < 0) {
                context_complain(session->context, "the request does not fit %zu bytes", (size_t)1024 * 1024);
                return EXIT_USAGE;
        }
        _cleanup_message_ struct client_message message = {0};
        int r = await(session, id, &message);
        if (r != 0)
                return r;
        if (message.kind == CLIENT_REFUSAL) {
                int status = session_refused(session->context, &message);
                bool is_unknown =
                        message.error_kind == ERROR_KIND_METHOD || message.error_kind == ERROR_KIND_INVALID_PARAMS;
                /* The explanation asks daemon.hello: what refuses that, too, explains itself. */
                if (is_unknown && message.method != METHOD_DAEMON_HELLO)
                        versions_explain(session);
                return status;
        }
        *ret = STEAL_PTR(message.value);
        return 0;
}

struct jval *session_answer_within(struct session *session, int64_t id, usec_t patience) {
        usec_t deadline = now_boottime() + patience;
        _cleanup_message_ struct client_message answer = {0};
        while (!take_from_stash(session, id, &answer)) {
                struct client_message message = {0};
                usec_t now = now_boottime();
                if (session_next(session, deadline > now ? deadline - now : 0, &message) <= 0)
                        return NULL;
                put_in_stash(session, &message);
        }
        return answer.kind == CLIENT_REFUSAL ? NULL : STEAL_PTR(answer.value);
}

int session_call(struct session *session, enum method_id method, struct jval *params, struct jval **ret) {
        return session_answer(session, session_send(session, method, params), ret);
}

static void append_page(struct jval *whole, const struct jval *page, const char *key) {
        struct jval *into = jval_get(whole, key);
        const struct jval *more = jval_get(page, key);
        for (size_t i = 0; i < jval_array_size(more); i++)
                jval_add(into, jval_ref(jval_at(more, i)));
}

/* Steps and items that a screen begins to show; the JSON has all. */
#define SCREEN_ROWS 2000

static int64_t next_page(const struct session *session, const struct jval *whole) {
        int64_t next = jval_get_int(whole, "next", 0);
        return context_json(session->context) || next < SCREEN_ROWS ? next : 0;
}

int session_show_run(struct session *session, const char *run, struct jval **ret) {
        _cleanup_jval_ struct jval *whole = NULL, *params = jval_object();
        if (run)
                jval_set_str(params, "run", run);
        int status = session_call(session, METHOD_RUN_SHOW, jval_deep_copy(params), &whole);
        /* Pages of one run belong together, though another one may have begun meanwhile. */
        const char *run_id = status == EXIT_DONE ? jval_get_str(jval_get(whole, "run"), "run_id") : NULL;
        for (int64_t next; run_id && (next = next_page(session, whole)) > 0;) {
                _cleanup_jval_ struct jval *page = NULL;
                jval_set_str(params, "run", run_id);
                jval_set_int(params, "after", next);
                status = session_call(session, METHOD_RUN_SHOW, jval_deep_copy(params), &page);
                if (status != EXIT_DONE)
                        return status;
                append_page(whole, page, "steps");
                append_page(whole, page, "attempts");
                jval_remove(whole, "next");
                if (jval_get_int(page, "next", 0) > next)
                        jval_set_int(whole, "next", jval_get_int(page, "next", 0));
        }
        if (status == EXIT_DONE)
                *ret = STEAL_PTR(whole);
        return status;
}
