#include "client.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "errortext.h"
#include "frame.h"
#include "macro.h"
#include "strutil.h"
#include "uuid.h"
#include "xalloc.h"

#define INPUT_ROOM ((size_t)64 * 1024)
#define INPUT_MAX (FRAME_HEADER_SIZE + FRAME_MAX + INPUT_ROOM)
/* Two of the longest calls may wait to be sent. */
#define OUTPUT_MAX (2 * (FRAME_HEADER_SIZE + FRAME_MAX))

struct call {
        int64_t id;
        enum method_id method;
        char *payload; /* JSON text */
};

struct client {
        struct buf input;
        struct buf output;
        struct call *calls; /* unanswered, oldest first */
        size_t n_calls;
        size_t calls_size;
        int64_t last_id;
};

static const char *const notification_names[] = {
        [NOTIFICATION_RUN_LINES] = "run.lines",
        [NOTIFICATION_RUN_STATE] = "run.state",
        [NOTIFICATION_RUN_END] = "run.end",
        [NOTIFICATION_RUN_CHANGED] = "run.changed",
        [NOTIFICATION_DAEMON_STOPPING] = "daemon.stopping",
        [NOTIFICATION_UNKNOWN] = "unknown",
};
static_assert(ELEMENTSOF(notification_names) == _NOTIFICATION_MAX, "a name for every notification");

static enum notification notification_from_string(const char *text) {
        for (size_t i = 0; i < NOTIFICATION_UNKNOWN; i++)
                if (streq(notification_names[i], text))
                        return (enum notification)i;
        return NOTIFICATION_UNKNOWN;
}

void client_message_done(struct client_message *message) {
        free(message->error_text);
        jval_unref(message->value);
        *message = (struct client_message){0};
}

struct client *client_new(void) {
        struct client *client = NEW(struct client);
        client->input = BUF_INIT(INPUT_MAX);
        client->output = BUF_INIT(OUTPUT_MAX);
        return client;
}

struct client *client_free(struct client *client) {
        if (!client)
                return NULL;
        for (size_t i = 0; i < client->n_calls; i++)
                free(client->calls[i].payload);
        free(client->calls);
        buf_done(&client->input);
        buf_done(&client->output);
        free(client);
        return NULL;
}

static char *call_payload(int64_t id, const struct method *method, struct jval *params) {
        _cleanup_jval_ struct jval *object = jval_object();
        jval_set_str(object, "jsonrpc", "2.0");
        jval_set_int(object, "id", id);
        jval_set_str(object, "method", method->name);
        if (params)
                jval_set(object, "params", jval_ref(params));
        return jval_dump(object);
}

int64_t client_call(struct client *client, enum method_id id, struct jval *params) {
        const struct method *method = method_by_id(id);
        _cleanup_jval_ struct jval *owned = params ? params : jval_object();
        if (method->acts && !jval_has(owned, "request_id")) {
                char request_id[UUID_SIZE];
                uuid_generate_text(request_id);
                jval_set_str(owned, "request_id", request_id);
        }
        _cleanup_free_ char *payload = call_payload(client->last_id + 1, method, owned);
        int r = frame_append(&client->output, payload, strlen(payload));
        if (r < 0)
                return r;
        GROW(client->calls, client->n_calls, client->calls_size);
        client->calls[client->n_calls++] =
                (struct call){.id = ++client->last_id, .method = id, .payload = STEAL_PTR(payload)};
        return client->last_id;
}

void client_reconnected(struct client *client) {
        buf_clear(&client->input);
        buf_clear(&client->output);
        for (size_t i = 0; i < client->n_calls; i++)
                (void)frame_append(&client->output, client->calls[i].payload, strlen(client->calls[i].payload));
}

size_t client_pending(const struct client *client) {
        return client->n_calls;
}

const char *client_output(const struct client *client, size_t *ret_len) {
        *ret_len = client->output.len;
        return buf_data(&client->output);
}

void client_sent(struct client *client, size_t len) {
        buf_consume(&client->output, len);
}

char *client_input(struct client *client, size_t *ret_size) {
        *ret_size = INPUT_ROOM;
        return buf_reserve(&client->input, INPUT_ROOM);
}

void client_received(struct client *client, size_t len) {
        buf_commit(&client->input, len);
}

static int take_notification(const struct jval *object, struct client_message *ret) {
        struct jval *params = jval_get(object, "params");
        ret->kind = CLIENT_NOTIFICATION;
        ret->notification = notification_from_string(jval_get_str(object, "method"));
        ret->value = jval_is_object(params) ? jval_ref(params) : jval_object();
        return 1;
}

static void take_error(const struct jval *error, struct client_message *ret) {
        struct jval *data = jval_get(error, "data");
        ret->kind = CLIENT_REFUSAL;
        ret->error_kind = error_kind_from_string(jval_get_str(data, "kind"));
        ret->error_text = xstrdup(str_or(jval_get_str(error, "message"), "the daemon gave no reason"));
        ret->value = data ? jval_ref(data) : NULL;
}

static struct call *find_call(struct client *client, int64_t id) {
        for (size_t i = 0; i < client->n_calls; i++)
                if (client->calls[i].id == id)
                        return &client->calls[i];
        return NULL;
}

static void forget_call(struct client *client, struct call *call) {
        free(call->payload);
        size_t index = (size_t)(call - client->calls);
        memmove(call, call + 1, (client->n_calls - index - 1) * sizeof(*call));
        client->n_calls--;
}

static int take_answer(struct client *client, const struct jval *object, struct client_message *ret, char **ret_error) {
        struct jval *result = jval_get(object, "result"), *error = jval_get(object, "error");
        if (!result == !jval_is_object(error))
                return error_set(ret_error, -EBADMSG, "the daemon sent an answer without a result or an error");
        int64_t id = jval_get_int(object, "id", 0);
        struct call *call = find_call(client, id);
        /* A refusal without an id is about bytes that the daemon could not read as a call. */
        if (!call && !(error && id == 0))
                return error_set(ret_error, -EBADMSG, "the daemon answered a call that was not made");
        if (error) {
                take_error(error, ret);
        } else {
                ret->kind = CLIENT_ANSWER;
                ret->value = jval_ref(result);
        }
        ret->id = id;
        if (call) {
                ret->method = call->method;
                forget_call(client, call);
        }
        return 1;
}

static int take_payload(struct client *client, const char *payload, size_t len, struct client_message *ret,
                        char **ret_error) {
        _cleanup_jval_ struct jval *object = NULL;
        _cleanup_free_ char *why = NULL;
        if (jval_parse(payload, len, &object, &why) < 0)
                return error_set(ret_error, -EBADMSG, "the daemon sent what is no JSON: %s", why);
        if (!streq_null(jval_get_str(object, "jsonrpc"), "2.0"))
                return error_set(ret_error, -EBADMSG, "the daemon sent what is no JSON-RPC 2.0");
        *ret = (struct client_message){0};
        if (jval_get_str(object, "method"))
                return take_notification(object, ret);
        return take_answer(client, object, ret, ret_error);
}

int client_next(struct client *client, struct client_message *ret, char **ret_error) {
        const char *payload;
        size_t len;
        int r = frame_peek(&client->input, &payload, &len);
        if (r == -E2BIG)
                return error_set(ret_error, -EBADMSG, "the daemon announced a frame of %zu bytes; %zu are allowed", len,
                                 FRAME_MAX);
        if (r < 0)
                return error_set(ret_error, -EBADMSG, "the daemon sent an empty frame");
        if (r == 0)
                return 0;
        struct client_message message = {0};
        r = take_payload(client, payload, len, &message, ret_error);
        if (r <= 0)
                return r;
        frame_consume(&client->input, len);
        *ret = message;
        return 1;
}
