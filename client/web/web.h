/* batch-web as a whole: its parts, and what is done with each request. */
#pragma once

#include "access.h"
#include "assets.h"
#include "daemon_link.h"
#include "event_feed.h"
#include "http_server.h"
#include "loop.h"
#include "metrics.h"
#include "notify.h"
#include "run_feeds.h"
#include "web_config.h"

struct web {
        const struct web_config *config;
        struct loop *loop;
        struct notifier notifier;
        struct access *access;
        struct http_server *server;
        struct daemon_link *link; /* for calls; streams have their own */
        struct run_feeds *run_feeds;
        struct event_feed *event_feed;
        struct run_ends *run_ends;
        struct assets *assets; /* NULL: Page=no, or its folder cannot be read */
};

/* Serves until it is told to end; the process's exit status. */
int web_run(const struct web_config *config);

/* A request below API_PREFIX; path is what follows that. */
void api_handle(struct web *web, struct http_conn *conn, const struct http_request *request, const char *path);
/* /healthz: this process serves; /readyz: the daemon answers too. */
void health_handle(struct web *web, struct http_conn *conn, bool with_daemon);
