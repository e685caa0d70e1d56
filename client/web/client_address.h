/* Whose request it is: the peer's address, or what a trusted reverse proxy says of its peer. */
#pragma once

#include <stdbool.h>

#include "diagnostic.h"
#include "http_conn.h"

struct address_net {
        unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
        unsigned bits;
};

/* "10.0.0.0/8", "::1". 0 or -EINVAL. */
int address_net_parse(const char *text, struct address_net *ret);
bool address_net_has(const struct address_net *net, const char *address);

struct client_origin {
        char address[HTTP_ADDRESS_SIZE];
        /* What limits are counted by: the address, of IPv6 the network of 64 bits that one customer has. */
        char key[HTTP_ADDRESS_SIZE];
        bool secure;      /* TLS up to the proxy */
        const char *host; /* that the client asked for; NULL: none */
};

/* X-Forwarded-For is read from the right, over the proxies that are trusted; others' headers say nothing. */
void client_origin_find(const struct http_request *request, const struct address_net *proxies, size_t n_proxies,
                        struct client_origin *ret);
/* Whether a request that changes something may come from there: Origin, where a browser sends it, names this host. */
bool client_origin_is_own(const struct http_request *request, const struct client_origin *origin);
