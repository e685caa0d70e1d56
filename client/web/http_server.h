/* Listens for HTTP and hands each request over. */
#pragma once

#include <stddef.h>

#include "http_conn.h"
#include "loop.h"

/* Connections of all clients, the streams among them. */
#define HTTP_CONNECTIONS_MAX 4096

struct http_server;

int http_server_new(struct http_server **ret, struct loop *loop, http_request_fn request, void *user);
/* Closes all connections. */
struct http_server *http_server_free(struct http_server *server);
/* address: "127.0.0.1:8420", "[::1]:8420"; port 0 takes any. 0, or negative errno and *ret_error. */
int http_server_listen(struct http_server *server, const char *address, char **ret_error);
size_t http_server_connections(const struct http_server *server);
