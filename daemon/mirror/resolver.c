#include "resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "buf.h"
#include "cleanup.h"
#include "errortext.h"
#include "strutil.h"
#include "strv.h"
#include "thread.h"
#include "xalloc.h"

#define ADDRESSES_MAX 8 /* of one name */
#define LIST_MAX ((size_t)16 * 1024)

/* Shared by the loop and the thread; whoever lets go last frees it. */
struct resolution {
        pthread_mutex_t mutex;
        unsigned references;
        struct loop_io *io;
        int fd; /* written once, when the thread is done */
        char *hosts, *ports;
        resolution_fn fn;
        void *user;
        struct resolved result;
        char *error;
};

void resolved_done(struct resolved *resolved) {
        free(resolved->hosts);
        free(resolved->addresses);
        free(resolved->ports);
        *resolved = (struct resolved){0};
}

static void resolution_unref(struct resolution *resolution) {
        (void)pthread_mutex_lock(&resolution->mutex);
        bool last = --resolution->references == 0;
        (void)pthread_mutex_unlock(&resolution->mutex);
        if (!last)
                return;
        (void)pthread_mutex_destroy(&resolution->mutex);
        closep(&resolution->fd);
        resolved_done(&resolution->result);
        free(resolution->hosts);
        free(resolution->ports);
        free(resolution->error);
        free(resolution);
}

static bool is_name(const char *host) {
        unsigned char address[sizeof(struct in6_addr)];

        return host[0] != '/' && host[0] != '@' && inet_pton(AF_INET, host, address) != 1 &&
               inet_pton(AF_INET6, host, address) != 1;
}

/* strv_split drops empty elements, which a host list may have (the default socket); those go on as "". */
static char **split_list(const char *list) {
        char **items = NULL;
        size_t count = 0, capacity = 0;

        for (;;) {
                size_t len = strcspn(list, ",");
                if (count + 1 >= capacity) {
                        capacity = capacity ? 2 * capacity : 8;
                        items = xreallocarray(items, capacity, sizeof(char *));
                }
                items[count++] = xstrndup(list, len);
                items[count] = NULL;
                if (list[len] == '\0')
                        return items;
                list += len + 1;
        }
}

bool hosts_need_resolution(const char *hosts) {
        _cleanup_strv_ char **items = split_list(hosts);

        STRV_FOREACH (host, items)
                if (**host && is_name(*host))
                        return true;
        return false;
}

static void append_item(struct buf *list, bool first, const char *text) {
        if (!first)
                (void)buf_append_char(list, ',');
        (void)buf_append_str(list, text);
}

struct lists {
        struct buf hosts, addresses, ports;
        bool first;
};

static void append_server(struct lists *lists, const char *host, const char *address, const char *port) {
        append_item(&lists->hosts, lists->first, host);
        append_item(&lists->addresses, lists->first, address);
        append_item(&lists->ports, lists->first, port);
        lists->first = false;
}

static int look_up(struct lists *lists, const char *host, const char *port, char **ret_error) {
        struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
        unsigned n = 0;
        int r = getaddrinfo(host, NULL, &hints, &found);

        if (r != 0)
                return error_set(ret_error, -EHOSTUNREACH, "cannot find the database host \"%s\": %s", host,
                                 r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
        for (struct addrinfo *one = found; one && n < ADDRESSES_MAX; one = one->ai_next, n++) {
                char address[INET6_ADDRSTRLEN + 16];
                if (getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST) == 0)
                        append_server(lists, host, address, port);
        }
        freeaddrinfo(found);
        return 0;
}

static void *resolution_main(void *user) {
        struct resolution *resolution = user;
        _cleanup_strv_ char **hosts = split_list(resolution->hosts);
        _cleanup_strv_ char **ports = split_list(resolution->ports);
        struct lists lists = {BUF_INIT(LIST_MAX), BUF_INIT(LIST_MAX), BUF_INIT(LIST_MAX), true};
        size_t n_ports = strv_length(ports);
        char *error = NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && hosts[i]; i++) {
                const char *port = i < n_ports ? ports[i] : ports[n_ports - 1];
                if (*hosts[i] && is_name(hosts[i]))
                        r = look_up(&lists, hosts[i], port, &error);
                else
                        append_server(&lists, hosts[i], hosts[i][0] == '/' || hosts[i][0] == '@' ? "" : hosts[i], port);
        }
        (void)pthread_mutex_lock(&resolution->mutex);
        resolution->result =
                (struct resolved){buf_steal(&lists.hosts), buf_steal(&lists.addresses), buf_steal(&lists.ports)};
        resolution->error = error;
        (void)pthread_mutex_unlock(&resolution->mutex);
        /* The loop listens, or has cancelled: the descriptor lives as long as this reference. */
        (void)eventfd_write(resolution->fd, 1);
        resolution_unref(resolution);
        return NULL;
}

static void resolution_ready(int fd, unsigned ready, void *user) {
        struct resolution *resolution = user;

        (void)pthread_mutex_lock(&resolution->mutex);
        const char *error = resolution->error;
        const struct resolved result = resolution->result;
        (void)pthread_mutex_unlock(&resolution->mutex);
        /* They stay until this reference goes; the thread has written them for good. */
        resolution->io = loop_io_free(resolution->io);
        resolution->fn(error, &result, resolution->user);
}

int resolution_start(struct resolution **ret, struct loop *loop, const char *hosts, const char *ports, resolution_fn fn,
                     void *user) {
        struct resolution *resolution = NEW(struct resolution);
        pthread_t thread;
        int r;

        *resolution = (struct resolution){
                .references = 1,
                .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                .hosts = xstrdup(hosts),
                .ports = xstrdup(ports),
                .fn = fn,
                .user = user,
        };
        (void)pthread_mutex_init(&resolution->mutex, NULL);
        r = resolution->fd < 0
                    ? -errno
                    : loop_io_new(loop, &resolution->io, resolution->fd, LOOP_READ, resolution_ready, resolution);
        if (r >= 0) {
                resolution->references = 2;
                r = thread_start(&thread, "resolver", resolution_main, resolution);
                if (r < 0)
                        resolution->references = 1;
        }
        if (r < 0) {
                (void)resolution_cancel(resolution);
                return r;
        }
        (void)pthread_detach(thread);
        *ret = resolution;
        return 0;
}

struct resolution *resolution_cancel(struct resolution *resolution) {
        if (!resolution)
                return NULL;
        resolution->io = loop_io_free(resolution->io);
        resolution_unref(resolution);
        return NULL;
}
