/* The client's reader: bytes of a daemon that lies. Whatever comes, it is a whole message or a refusal with a text, and
 * the way in which the bytes are cut into reads makes no difference. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "follower.h"

static void require(int condition) {
        if (!condition)
                abort();
}

static void check(const struct client_message *message, struct follower *follower) {
        require((message->kind == CLIENT_REFUSAL) == (message->error_text != NULL));
        require(message->value || message->kind == CLIENT_REFUSAL);
        if (message->kind != CLIENT_ANSWER)
                return;
        follower_answered(follower, message->value);
        (void)follower_takes(follower, message->value);
        follower_covered(follower, message->value);
        jval_unref(follower_params(follower));
}

/* Feeds the bytes `chunk` at a time; returns how many messages came out, or that number negated and less one when it
 * ended in a refusal. */
static int feed(const uint8_t *data, size_t size, size_t chunk) {
        struct client *client = client_new();
        _cleanup_follower_ struct follower follower;
        int messages = 0, r = 0;

        follower_init(&follower, NULL, -1, true);
        for (int i = 0; i < 4; i++)
                require(client_call(client, METHOD_RUN_TAIL, follower_params(&follower)) > 0);
        for (size_t at = 0; at < size && r >= 0; at += chunk) {
                size_t room_size, len = size - at < chunk ? size - at : chunk;
                char *room = client_input(client, &room_size);
                require(room && room_size >= len);
                memcpy(room, data + at, len);
                client_received(client, len);
                for (;;) {
                        _cleanup_free_ char *error = NULL;
                        _cleanup_message_ struct client_message message = {0};
                        r = client_next(client, &message, &error);
                        require((r < 0) == (error != NULL));
                        if (r <= 0)
                                break;
                        check(&message, &follower);
                        messages++;
                }
        }
        client_reconnected(client);
        client_free(client);
        return r < 0 ? -messages - 1 : messages;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size > 4096)
                return 0;
        require(feed(data, size, 4096) == feed(data, size, 1));
        return 0;
}
