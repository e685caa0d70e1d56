#include "web.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "activation.h"
#include "api_reply.h"
#include "log.h"
#include "route.h"
#include "sessions.h"
#include "strutil.h"
#include "strv.h"
#include "xalloc.h"

static void page_handle(struct web *web, struct http_conn *conn, const struct http_request *request, const char *path) {
        const char *asset = startswith(path, "/assets/");

        if (!assets_reply(web->assets, streq(path, "/") ? "index.html" : asset ? asset : "", conn, request))
                api_reply_error(conn, ERROR_KIND_NOT_FOUND, NULL, "%s",
                                web->config->page ? "there is no such address; the API begins at " API_PREFIX
                                                  : "the status page is switched off here (Page=no); the API begins "
                                                    "at " API_PREFIX);
}

static void metrics_handle(struct web *web, struct http_conn *conn, const struct http_request *request) {
        struct web_counts counts = {.connections = http_server_connections(web->server),
                                    .run_streams = run_feeds_streams(web->run_feeds),
                                    .event_streams = event_feed_streams(web->event_feed)};
        struct caller caller;

        if (access_allows(web->access, ACCESS_READ, conn, request, &caller))
                metrics_open(web->link, web->run_ends, &counts, conn);
}

/* The path behind PathPrefix=, which a proxy may leave on or take off. NULL: the prefix itself, without the slash that
 * the page's relative addresses need. */
static const char *strip_prefix(const struct web *web, const char *path) {
        const char *prefix = web->config->path_prefix, *below = prefix ? startswith(path, prefix) : NULL;

        if (!below || (*below != '/' && *below != '\0'))
                return path;
        return *below ? below : NULL;
}

static void redirect_to_folder(const struct web *web, struct http_conn *conn) {
        _cleanup_free_ char *location = xasprintf("%s/", web->config->path_prefix);
        struct http_reply reply = {.status = 302};

        http_reply_add(&reply, "Location", location);
        http_conn_reply(conn, &reply);
}

static void on_request(struct http_conn *conn, const struct http_request *request, void *user) {
        struct web *web = user;
        const char *path = strip_prefix(web, request->target.path), *below = path ? startswith(path, API_PREFIX) : NULL;
        bool reads = streq(request->head.method, "GET") || streq(request->head.method, "HEAD");

        if (!path)
                redirect_to_folder(web, conn);
        else if (below && (*below == '/' || *below == '\0'))
                api_handle(web, conn, request, below);
        else if (!reads)
                api_reply_wrong_verb(conn, "GET, HEAD");
        else if (streq(path, "/healthz") || streq(path, "/readyz"))
                health_handle(web, conn, streq(path, "/readyz"));
        else if (streq(path, "/metrics"))
                metrics_handle(web, conn, request);
        else
                page_handle(web, conn, request, path);
}

static void on_terminate(void *user) {
        loop_exit(user, EXIT_SUCCESS);
}

static void load_page(struct web *web) {
        _cleanup_free_ char *error = NULL;
        struct assets *fresh = NULL;

        if (!web->config->page)
                return;
        if (assets_load(&fresh, web->config->page_folder, &error) < 0) {
                log_error("the status page cannot be served: %s", error);
                return;
        }
        assets_free(web->assets);
        web->assets = fresh;
        log_info("the page has %zu bytes compressed", assets_compressed_size(fresh));
}

static void on_hangup(void *user) {
        struct web *web = user;

        load_page(web);
        access_reload(web->access);
}

/* Of the sessions' memory in the service manager's store. */
#define SESSIONS_NAME "sessions"

/* Each stream is a descriptor. */
static void raise_descriptor_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
                limit.rlim_cur = limit.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &limit);
        }
}

static int listen_all(struct web *web) {
        STRV_FOREACH (address, web->config->listen) {
                _cleanup_free_ char *error = NULL;
                int r = http_server_listen(web->server, *address, &error);

                if (r < 0) {
                        log_error("%s", error);
                        return r;
                }
        }
        return 0;
}

/* Those of an earlier batch-web, which the service manager has kept, and from now on ours. */
static int open_access(struct web *web, int kept_fd) {
        int r = access_new(&web->access, web->config, web->loop, kept_fd);

        if (r < 0)
                return r;
        if (kept_fd < 0)
                (void)notifier_remove_fd(&web->notifier, SESSIONS_NAME); /* one that this version does not understand */
        if (notifier_store_fd(&web->notifier, access_sessions_fd(web->access), SESSIONS_NAME) < 0)
                log_warning("sessions will not outlive this process: the service manager does not keep them");
        return 0;
}

static int set_up(struct web *web, int kept_fd) {
        int r = open_access(web, kept_fd);

        if (r == 0)
                r = daemon_link_new(&web->link, web->loop, web->config->socket, NULL);
        if (r == 0)
                r = run_feeds_new(&web->run_feeds, web->loop, web->config->socket);
        if (r == 0)
                r = event_feed_new(&web->event_feed, web->loop, web->config->socket, web->run_ends);
        if (r == 0)
                r = http_server_new(&web->server, web->loop, on_request, web);
        return r == 0 ? listen_all(web) : r;
}

int web_run(const struct web_config *config) {
        struct web web = {.config = config};
        struct loop_signal *terminate = NULL, *interrupt = NULL, *hangup = NULL;
        int kept_fd = -1, r;

        (void)activation_take_fd(SESSIONS_NAME, sessions_fd_is_usable, &kept_fd, NULL);
        (void)notifier_init(&web.notifier);
        r = loop_new(&web.loop);
        if (r < 0)
                return EXIT_FAILURE;
        raise_descriptor_limit();
        (void)signal(SIGPIPE, SIG_IGN);
        web.run_ends = run_ends_new();
        load_page(&web);
        r = set_up(&web, kept_fd);
        if (r == 0)
                r = loop_signal_new(web.loop, &terminate, SIGTERM, on_terminate, web.loop);
        if (r == 0)
                r = loop_signal_new(web.loop, &interrupt, SIGINT, on_terminate, web.loop);
        if (r == 0)
                r = loop_signal_new(web.loop, &hangup, SIGHUP, on_hangup, &web);
        if (r == 0)
                (void)notifier_ready(&web.notifier, NULL);
        r = r < 0 ? EXIT_FAILURE : loop_run(web.loop);
        http_server_free(web.server);
        run_feeds_free(web.run_feeds);
        event_feed_free(web.event_feed);
        daemon_link_free(web.link);
        loop_signal_free(terminate);
        loop_signal_free(interrupt);
        loop_signal_free(hangup);
        run_ends_free(web.run_ends);
        access_free(web.access);
        notifier_done(&web.notifier);
        assets_free(web.assets);
        /* What closed connections have left is freed by one more pass. */
        loop_defer(web.loop, on_terminate, web.loop);
        (void)loop_run(web.loop);
        loop_free(web.loop);
        return r < 0 ? EXIT_FAILURE : r;
}
