/* A control server over a fake engine on a thread of its own, and a blocking client to talk to it. */
#pragma once

#include <sys/types.h>

#include "control_server.h"
#include "fake_engine.h"
#include "jval.h"

struct harness;

/* config NULL: listens in a folder of its own, all rights to the caller's uid, 5 actions a minute. socket_path and
 * listen_fd are filled in. */
struct harness *harness_new(const struct control_config *config);
struct harness *harness_free(struct harness *harness);
/* Runs fn(user) on the loop's thread, between passes, and waits for it. */
void harness_on_loop(struct harness *harness, void (*fn)(void *user), void *user);
/* To be looked at on the loop's thread, or while nothing is on its way. */
struct engine *harness_engine(struct harness *harness);
struct control_server *harness_server(struct harness *harness);
const char *harness_socket(const struct harness *harness);

/* A connection with a receive timeout of 5 s; fails the program when there is none. */
int client_connect(const struct harness *harness);
void client_send(int fd, const void *data, size_t len);
/* One frame. */
void client_send_text(int fd, const char *json);
/* The next frame, or NULL at the end of the connection or after the timeout. */
struct jval *client_receive(int fd);
/* client_send_text, then client_receive. */
struct jval *client_call(int fd, const char *json);
/* data.kind of an error answer, or "". Borrowed. */
const char *reply_kind(const struct jval *reply);
const char *reply_message(const struct jval *reply);
