#include "remote.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "fileutil.h"
#include "frame.h"
#include "http_call.h"
#include "macro.h"
#include "sse.h"
#include "strutil.h"
#include "version.h"
#include "xalloc.h"

#define BODY_MAX ((size_t)8 * 1024 * 1024)
#define ROOM ((size_t)64 * 1024)
#define CONNECT_TIMEOUT_SECONDS 10L
/* A stream that says nothing at all for so long is dead: batch-web sends a comment each 15 s. */
#define SILENCE_SECONDS 60L
#define RETRY_INTERVAL (250 * USEC_PER_MSEC)

enum exchange_kind {
        EXCHANGE_CALL,
        EXCHANGE_TAIL,   /* the first part of following a run: where it stands */
        EXCHANGE_STREAM, /* the second: what comes */
};

struct exchange {
        struct exchange *next;
        struct remote *remote;
        enum exchange_kind kind;
        struct jval *id, *params;
        struct http_call call;
        CURL *easy; /* NULL: waits to be tried again */
        struct buf body;
        usec_t begun, retry_at;
        /* of a stream */
        struct sse sse;
        struct jval *answer; /* to be given when the stream has begun */
        bool ended;
};

struct remote {
        const struct remote_config *config;
        int fd;
        CURLM *multi;
        struct curl_slist *headers;
        struct buf in;
        struct exchange *exchanges;
        bool closing;
};

static void send_message(struct remote *remote, struct jval *message) {
        _cleanup_buf_ struct buf out = BUF_INIT(FRAME_HEADER_SIZE + FRAME_MAX);
        _cleanup_free_ char *text = jval_dump(message);

        jval_unref(message);
        if (frame_append(&out, text, strlen(text)) < 0 || write_all(remote->fd, buf_data(&out), out.len) < 0)
                remote->closing = true;
}

static struct jval *new_message(void) {
        struct jval *message = jval_object();

        jval_set_str(message, "jsonrpc", "2.0");
        return message;
}

/* key: result or error; takes value over. */
static void answer(struct exchange *exchange, const char *key, struct jval *value) {
        struct jval *message = new_message();

        jval_set(message, "id", jval_ref(exchange->id));
        jval_set(message, key, value);
        send_message(exchange->remote, message);
}

static void refuse(struct exchange *exchange, enum error_kind kind, const char *text) {
        struct jval *error = jval_object(), *data = jval_object();

        jval_set_str(data, "kind", error_kind_to_string(kind));
        jval_set_int(error, "code", error_kind_code(kind));
        jval_set_str(error, "message", text);
        jval_set(error, "data", data);
        answer(exchange, "error", error);
}

static void notify(struct remote *remote, const char *method, struct jval *params) {
        struct jval *message = new_message();

        jval_set_str(message, "method", method);
        jval_set(message, "params", params);
        send_message(remote, message);
}

static void free_exchange(struct exchange *exchange) {
        if (exchange->easy) {
                (void)curl_multi_remove_handle(exchange->remote->multi, exchange->easy);
                curl_easy_cleanup(exchange->easy);
        }
        jval_unref(exchange->id);
        jval_unref(exchange->params);
        jval_unref(exchange->answer);
        http_call_done(&exchange->call);
        buf_done(&exchange->body);
        sse_done(&exchange->sse);
        free(exchange);
}

/* Events */

/* run.lines has what an event has, but for the run. */
static void take_event(const char *event, const char *data, size_t len, void *user) {
        static const char *const names[][2] = {{"lines", "run.lines"}, {"state", "run.state"}, {"end", "run.end"}};
        struct exchange *exchange = user;
        struct jval *params = NULL;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                if (!streq(event, names[i][0]) || jval_parse(data, len, &params, NULL) < 0)
                        continue;
                if (!jval_has(params, "run_id"))
                        jval_set_str(params, "run_id", jval_get_str(exchange->params, "run_id"));
                notify(exchange->remote, names[i][1], params);
                exchange->ended |= streq(event, "end");
                return;
        }
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *user) {
        struct exchange *exchange = user;
        long status = 0;

        (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
        if (exchange->kind != EXCHANGE_STREAM || status != 200)
                return buf_append(&exchange->body, bytes, size * count) < 0 ? 0 : size * count;
        if (exchange->answer)
                answer(exchange, "result", STEAL_PTR(exchange->answer));
        return sse_feed(&exchange->sse, bytes, size * count) < 0 ? 0 : size * count;
}

/* Requests */

static void set_limits(struct exchange *exchange) {
        CURL *easy = exchange->easy;

        (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_SECONDS);
        (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        if (exchange->kind == EXCHANGE_STREAM) {
                (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
                (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, SILENCE_SECONDS);
        }
}

static void begin(struct exchange *exchange) {
        const struct remote_config *config = exchange->remote->config;
        size_t base = strlen(config->url);
        _cleanup_free_ char *url = NULL;

        while (base > 0 && config->url[base - 1] == '/')
                base--;
        url = xasprintf("%.*s%s", (int)base, config->url, exchange->call.path);
        exchange->easy = curl_easy_init();
        if (!exchange->easy)
                abort();
        buf_clear(&exchange->body);
        (void)curl_easy_setopt(exchange->easy, CURLOPT_URL, url);
        (void)curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->remote->headers);
        (void)curl_easy_setopt(exchange->easy, CURLOPT_USERAGENT, "batchctl " BATCHD_VERSION);
        (void)curl_easy_setopt(exchange->easy, CURLOPT_WRITEFUNCTION, take_bytes);
        (void)curl_easy_setopt(exchange->easy, CURLOPT_WRITEDATA, exchange);
        (void)curl_easy_setopt(exchange->easy, CURLOPT_PRIVATE, exchange);
        if (config->ca_file)
                (void)curl_easy_setopt(exchange->easy, CURLOPT_CAINFO, config->ca_file);
        if (exchange->call.body)
                (void)curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDS, exchange->call.body);
        set_limits(exchange);
        (void)curl_multi_add_handle(exchange->remote->multi, exchange->easy);
}

static struct exchange *new_exchange(struct remote *remote, enum exchange_kind kind, struct jval *id,
                                     struct jval *params) {
        struct exchange *exchange = NEW(struct exchange);

        *exchange = (struct exchange){.remote = remote,
                                      .kind = kind,
                                      .id = id,
                                      .params = params ? params : jval_object(),
                                      .body = BUF_INIT(BODY_MAX),
                                      .begun = now_boottime(),
                                      .next = remote->exchanges};
        sse_init(&exchange->sse, take_event, exchange);
        remote->exchanges = exchange;
        return exchange;
}

static void drop(struct exchange *exchange) {
        for (struct exchange **link = &exchange->remote->exchanges; *link; link = &(*link)->next)
                if (*link == exchange) {
                        *link = exchange->next;
                        break;
                }
        free_exchange(exchange);
}

/* Answers */

/* The run goes on: its stream is the rest of the answer. */
static void follow(struct exchange *tail, struct jval *page) {
        struct exchange *stream;
        int64_t after = jval_get_int(tail->params, "after", -1), lines = jval_get_int(tail->params, "lines", -1);
        struct jval *params = jval_object();

        jval_set_str(params, "run_id", jval_get_str(page, "run_id"));
        stream = new_exchange(tail->remote, EXCHANGE_STREAM, jval_ref(tail->id), params);
        (void)http_call_stream(str_or(jval_get_str(page, "run_id"), ""), after, lines, &stream->call);
        stream->answer = page;
        jval_set_bool(page, "following", true);
        jval_set(page, "lines", jval_array());
        jval_set_int(page, "last", MAX(after, (int64_t)0));
        jval_remove(page, "next");
        begin(stream);
}

static bool goes_on(const struct jval *page) {
        const char *status = jval_get_str(page, "status");

        return streq_null(status, "running") || streq_null(status, "queued");
}

static void take_result(struct exchange *exchange, struct jval *result) {
        if (exchange->kind == EXCHANGE_TAIL && goes_on(result))
                follow(exchange, result);
        else
                answer(exchange, "result", result);
}

static void take_answer(struct exchange *exchange, long status) {
        struct jval *body = NULL;

        if (jval_parse(buf_data(&exchange->body), exchange->body.len, &body, NULL) == 0 && status == 200) {
                take_result(exchange, body);
                return;
        }
        if (jval_is_object(jval_get(body, "error"))) {
                answer(exchange, "error", jval_ref(jval_get(body, "error")));
        } else {
                _cleanup_free_ char *text =
                        xasprintf("check the URL: %s answered with status %ld and nothing that batch-web would say",
                                  exchange->remote->config->url, status);

                refuse(exchange, ERROR_KIND_UNAVAILABLE, text);
        }
        jval_unref(body);
}

static bool is_worth_retrying(const struct exchange *exchange, CURLcode code, long status) {
        return now_boottime() - exchange->begun < exchange->remote->config->patience &&
               (code == CURLE_COULDNT_CONNECT || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
                (code == CURLE_OK && status == 503));
}

static void retry_later(struct exchange *exchange) {
        (void)curl_multi_remove_handle(exchange->remote->multi, exchange->easy);
        curl_easy_cleanup(exchange->easy);
        exchange->easy = NULL;
        exchange->retry_at = now_boottime() + RETRY_INTERVAL;
}

static void finished(struct exchange *exchange, CURLcode code) {
        bool streamed = exchange->kind == EXCHANGE_STREAM && !exchange->answer;
        long status = 0;

        (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
        if (!streamed && is_worth_retrying(exchange, code, status)) {
                retry_later(exchange);
                return;
        }
        if (streamed) {
                /* A stream that breaks off is a lost connection: the client makes a new one and goes on behind its last
                 * line. */
                exchange->remote->closing |= !exchange->ended;
        } else if (code != CURLE_OK) {
                _cleanup_free_ char *text = xasprintf("check the URL and the network: %s: %s",
                                                      exchange->remote->config->url, curl_easy_strerror(code));

                refuse(exchange, ERROR_KIND_UNAVAILABLE, text);
        } else {
                take_answer(exchange, status);
        }
        drop(exchange);
}

static void take_call(struct remote *remote, const struct jval *object) {
        const struct method *method = method_by_name(str_or(jval_get_str(object, "method"), ""));
        struct jval *params = jval_get(object, "params"), *id = jval_get(object, "id");
        bool follows = method && method->id == METHOD_RUN_TAIL && jval_get_bool(params, "follow", false);
        struct exchange *exchange =
                new_exchange(remote, follows ? EXCHANGE_TAIL : EXCHANGE_CALL, id ? jval_ref(id) : jval_null(),
                             params ? jval_deep_copy(params) : NULL);

        if (follows)
                jval_remove(exchange->params, "follow");
        if (!method || http_call_make(method->id, exchange->params, &exchange->call) < 0) {
                refuse(exchange, ERROR_KIND_METHOD, "this cannot be asked over HTTP; ask on the machine itself");
                drop(exchange);
                return;
        }
        begin(exchange);
}

/* 1: the connection goes on; 0: it is closed, or what came is no frame. */
static int read_client(struct remote *remote) {
        char *room = buf_reserve(&remote->in, ROOM);
        ssize_t n = room ? read(remote->fd, room, ROOM) : -1;
        const char *payload;
        size_t len;

        if (n < 0 && room && errno == EINTR)
                return 1;
        if (n <= 0)
                return 0;
        buf_commit(&remote->in, (size_t)n);
        while (frame_peek(&remote->in, &payload, &len) > 0) {
                _cleanup_jval_ struct jval *object = NULL;

                if (jval_parse(payload, len, &object, NULL) < 0)
                        return 0;
                take_call(remote, object);
                frame_consume(&remote->in, len);
        }
        return 1;
}

static void take_finished(struct remote *remote) {
        struct CURLMsg *message;
        int left;

        while ((message = curl_multi_info_read(remote->multi, &left))) {
                struct exchange *exchange = NULL;
                CURLcode code = message->data.result;

                if (message->msg != CURLMSG_DONE)
                        continue;
                (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
                finished(exchange, code);
        }
}

/* Tries again what waits for it; milliseconds until the next is to be tried. */
static int retry_due(struct remote *remote) {
        usec_t now = now_boottime();
        int wait = 60000;

        for (struct exchange *exchange = remote->exchanges; exchange; exchange = exchange->next) {
                if (exchange->easy)
                        continue;
                if (exchange->retry_at <= now)
                        begin(exchange);
                else
                        wait = MIN(wait, (int)((exchange->retry_at - now) / USEC_PER_MSEC) + 1);
        }
        return wait;
}

static int serve(struct remote *remote) {
        while (!remote->closing) {
                struct curl_waitfd client = {.fd = remote->fd, .events = CURL_WAIT_POLLIN};
                int running;

                if (curl_multi_perform(remote->multi, &running) != CURLM_OK)
                        return EXIT_FAILURE;
                take_finished(remote);
                if (remote->closing)
                        break;
                if (curl_multi_poll(remote->multi, &client, 1, retry_due(remote), NULL) != CURLM_OK)
                        return EXIT_FAILURE;
                if (client.revents && read_client(remote) == 0)
                        return EXIT_SUCCESS;
        }
        return EXIT_SUCCESS;
}

int remote_serve(const struct remote_config *config, int fd) {
        struct remote remote = {.config = config, .fd = fd, .in = BUF_INIT(FRAME_HEADER_SIZE + FRAME_MAX + ROOM)};
        _cleanup_free_ char *authorization = NULL;
        int status;

        (void)curl_global_init(CURL_GLOBAL_DEFAULT);
        remote.multi = curl_multi_init();
        remote.headers = curl_slist_append(NULL, "Content-Type: application/json");
        if (config->token) {
                authorization = xasprintf("Authorization: Bearer %s", config->token);
                remote.headers = curl_slist_append(remote.headers, authorization);
        }
        status = serve(&remote);
        while (remote.exchanges)
                drop(remote.exchanges);
        curl_slist_free_all(remote.headers);
        (void)curl_multi_cleanup(remote.multi);
        curl_global_cleanup();
        buf_done(&remote.in);
        return status;
}
