#include <string.h>

#include "web.h"

#define ANSWER_TIMEOUT (2 * USEC_PER_SEC)

static void say(struct http_conn *conn, int status, const char *text) {
        struct http_reply reply = {
                .status = status, .type = "text/plain; charset=utf-8", .body = text, .len = strlen(text)};

        http_reply_add(&reply, "Cache-Control", "no-store");
        http_conn_reply(conn, &reply);
}

static void answered(const struct client_message *message, const char *why, void *user) {
        if (!message)
                say(user, 503, why);
        else if (message->kind == CLIENT_REFUSAL)
                say(user, 503, message->error_text);
        else
                say(user, 200, "ready\n");
}

void health_handle(struct web *web, struct http_conn *conn, bool with_daemon) {
        if (with_daemon)
                daemon_link_call(web->link, METHOD_DAEMON_STATUS, NULL, ANSWER_TIMEOUT, answered, conn);
        else
                say(conn, 200, "ok\n");
}
