#include "control_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "fileutil.h"
#include "frame.h"
#include "sockutil.h"
#include "strutil.h"
#include "xalloc.h"

#define CLIENT_TIMEOUT_SEC 5

struct call {
        void (*fn)(void *user);
        void *user;
        sem_t done;
};

struct harness {
        struct loop *loop;
        struct loop_mailbox *mailbox;
        struct engine *engine;
        struct control_server *server;
        pthread_t thread;
        char folder[64];
        char *socket;
};

static void die(const char *what) {
        perror(what);
        abort();
}

static void on_message(void *message, void *user) {
        struct call *call = message;

        call->fn(call->user);
        if (sem_post(&call->done) < 0)
                die("sem_post");
}

void harness_on_loop(struct harness *harness, void (*fn)(void *user), void *user) {
        struct call call = {.fn = fn, .user = user};

        if (sem_init(&call.done, 0, 0) < 0)
                die("sem_init");
        loop_mailbox_post(harness->mailbox, &call);
        while (sem_wait(&call.done) < 0 && errno == EINTR)
                ;
        (void)sem_destroy(&call.done);
}

static void *run_loop(void *user) {
        struct harness *harness = user;

        (void)loop_run(harness->loop);
        return NULL;
}

struct harness *harness_new(const struct control_config *config) {
        struct harness *harness = NEW(struct harness);
        struct control_config chosen = {
                .watch_gid = (gid_t)-1, .act_gid = (gid_t)-1, .own_uid = geteuid(), .actions_per_minute = 5};
        char *error = NULL;

        if (config)
                chosen = *config;
        (void)snprintf(harness->folder, sizeof(harness->folder), "/tmp/batchd-control.XXXXXX");
        if (!mkdtemp(harness->folder) || chmod(harness->folder, 0755) < 0)
                die("mkdtemp");
        harness->socket = path_join(harness->folder, "control.sock");
        chosen.socket_path = harness->socket;
        chosen.listen_fd = -1;
        chosen.version = "9.8.7";
        chosen.host = "testhost";
        harness->engine = fake_engine_new();
        if (loop_new(&harness->loop) < 0 || loop_mailbox_new(harness->loop, &harness->mailbox, on_message, harness) < 0)
                die("loop");
        if (control_server_new(&harness->server, harness->loop, harness->engine, &chosen, &error) < 0)
                die(error);
        if (pthread_create(&harness->thread, NULL, run_loop, harness) != 0)
                die("pthread_create");
        return harness;
}

static void leave_loop(void *user) {
        loop_exit(user, 0);
}

struct harness *harness_free(struct harness *harness) {
        harness_on_loop(harness, leave_loop, harness->loop);
        (void)pthread_join(harness->thread, NULL);
        control_server_free(harness->server);
        fake_engine_free(harness->engine);
        loop_mailbox_free(harness->mailbox, NULL);
        loop_free(harness->loop);
        (void)remove_tree(harness->folder);
        free(harness->socket);
        free(harness);
        return NULL;
}

struct engine *harness_engine(struct harness *harness) {
        return harness->engine;
}

struct control_server *harness_server(struct harness *harness) {
        return harness->server;
}

const char *harness_socket(const struct harness *harness) {
        return harness->socket;
}

int client_connect(const struct harness *harness) {
        const struct timeval timeout = {.tv_sec = CLIENT_TIMEOUT_SEC};
        int fd = unix_connect(harness->socket, SOCK_STREAM);

        if (fd < 0) {
                errno = -fd;
                die("connect");
        }
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
                die("setsockopt");
        return fd;
}

void client_send(int fd, const void *data, size_t len) {
        const char *from = data;

        while (len > 0) {
                ssize_t n = send(fd, from, len, MSG_NOSIGNAL);

                if (n < 0)
                        return; /* the server may have closed: the test sees it by what it receives */
                from += n;
                len -= (size_t)n;
        }
}

void client_send_text(int fd, const char *json) {
        _cleanup_buf_ struct buf frame = BUF_INIT(FRAME_MAX + FRAME_HEADER_SIZE);

        if (frame_append(&frame, json, strlen(json)) < 0)
                die("frame");
        client_send(fd, buf_data(&frame), frame.len);
}

static bool receive_exactly(int fd, char *data, size_t len) {
        while (len > 0) {
                ssize_t n = recv(fd, data, len, 0);

                if (n <= 0)
                        return false;
                data += n;
                len -= (size_t)n;
        }
        return true;
}

struct jval *client_receive(int fd) {
        _cleanup_free_ char *payload = NULL;
        struct jval *reply = NULL;
        uint32_t header;

        if (!receive_exactly(fd, (char *)&header, sizeof(header)))
                return NULL;
        header = ntohl(header);
        if (header > FRAME_MAX)
                die("a frame that is too long");
        payload = xmalloc(header);
        if (!receive_exactly(fd, payload, header))
                return NULL;
        if (jval_parse(payload, header, &reply, NULL) < 0)
                die("a frame that is no JSON");
        return reply;
}

struct jval *client_call(int fd, const char *json) {
        client_send_text(fd, json);
        return client_receive(fd);
}

const char *reply_kind(const struct jval *reply) {
        const struct jval *error = reply ? jval_get(reply, "error") : NULL;
        const struct jval *data = error ? jval_get(error, "data") : NULL;

        return data ? str_or(jval_get_str(data, "kind"), "") : "";
}

const char *reply_message(const struct jval *reply) {
        const struct jval *error = reply ? jval_get(reply, "error") : NULL;

        return error ? str_or(jval_get_str(error, "message"), "") : "";
}
