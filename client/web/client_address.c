#include "client_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "strutil.h"
#include "xalloc.h"

static bool parse_bytes(const char *text, unsigned char ret[static 16]) {
        static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

        if (inet_pton(AF_INET6, text, ret) == 1)
                return true;
        memcpy(ret, mapped, sizeof(mapped));
        return inet_pton(AF_INET, text, ret + 12) == 1;
}

int address_net_parse(const char *text, struct address_net *ret) {
        _cleanup_free_ char *copy = xstrdup(text);
        char *slash = strchr(copy, '/');
        int64_t bits;
        bool is_v4;

        if (slash)
                *slash++ = '\0';
        is_v4 = strchr(copy, ':') == NULL;
        bits = is_v4 ? 32 : 128;
        if (!parse_bytes(copy, ret->bytes) || (slash && parse_int64_range(slash, 0, bits, &bits) < 0))
                return -EINVAL;
        ret->bits = (unsigned)bits + (is_v4 ? 96 : 0);
        return 0;
}

bool address_net_has(const struct address_net *net, const char *address) {
        unsigned char bytes[16];
        unsigned whole = net->bits / 8, rest = net->bits % 8;

        if (!parse_bytes(address, bytes) || memcmp(bytes, net->bytes, whole) != 0)
                return false;
        return rest == 0 || (bytes[whole] ^ net->bytes[whole]) >> (8 - rest) == 0;
}

static bool is_trusted(const struct address_net *proxies, size_t n_proxies, const char *address) {
        for (size_t i = 0; i < n_proxies; i++)
                if (address_net_has(&proxies[i], address))
                        return true;
        return false;
}

/* The last address of the list that no trusted proxy has, or the first of all. */
static void read_forwarded(const char *list, const struct address_net *proxies, size_t n_proxies,
                           char address[static HTTP_ADDRESS_SIZE]) {
        _cleanup_free_ char *copy = xstrdup(list);
        char *comma;

        do {
                unsigned char bytes[16];
                char *part;

                comma = strrchr(copy, ',');
                part = strstrip(comma ? comma + 1 : copy);
                if (!parse_bytes(part, bytes))
                        return;
                (void)snprintf(address, HTTP_ADDRESS_SIZE, "%s", part);
                if (comma)
                        *comma = '\0';
        } while (comma && is_trusted(proxies, n_proxies, address));
}

static void make_key(struct client_origin *origin) {
        unsigned char bytes[16];

        (void)snprintf(origin->key, sizeof(origin->key), "%s", origin->address);
        if (strchr(origin->address, ':') && parse_bytes(origin->address, bytes)) {
                memset(bytes + 8, 0, 8);
                (void)inet_ntop(AF_INET6, bytes, origin->key, sizeof(origin->key));
        }
}

void client_origin_find(const struct http_request *request, const struct address_net *proxies, size_t n_proxies,
                        struct client_origin *ret) {
        const char *list = http_head_get(&request->head, "X-Forwarded-For"),
                   *host = http_head_get(&request->head, "X-Forwarded-Host");

        *ret = (struct client_origin){.host = http_head_get(&request->head, "Host")};
        (void)snprintf(ret->address, sizeof(ret->address), "%s", request->address);
        if (is_trusted(proxies, n_proxies, request->address)) {
                if (list)
                        read_forwarded(list, proxies, n_proxies, ret->address);
                if (host)
                        ret->host = host;
                ret->secure = http_value_has(http_head_get(&request->head, "X-Forwarded-Proto"), "https");
        }
        make_key(ret);
}

bool client_origin_is_own(const struct http_request *request, const struct client_origin *origin) {
        const char *from = http_head_get(&request->head, "Origin"), *host = from ? strstr(from, "://") : NULL,
                   *site = http_head_get(&request->head, "Sec-Fetch-Site");

        if (site && !streq(site, "same-origin") && !streq(site, "none"))
                return false;
        return !from || (host && origin->host && strcasecmp(host + 3, origin->host) == 0);
}
