/* A whole request as batch-web takes it apart: head, address, cookies, who it is said to come from, and the params of
 * the call that it means. What is taken is what the method's table allows. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access_internal.h"
#include "api_params.h"
#include "cleanup.h"
#include "macro.h"
#include "strutil.h"

static void require(int condition) {
        if (!condition)
                abort();
}

static void check_origin(const struct http_request *request) {
        static struct sessions *sessions;
        struct address_net nets[2];
        struct web_config config = {.proxies = nets, .n_proxies = ELEMENTSOF(nets)};
        struct access access = {.config = &config};
        struct caller caller;

        require(address_net_parse("10.0.0.0/9", &nets[0]) == 0 && address_net_parse("2001:db8::/33", &nets[1]) == 0);
        if (!sessions)
                require(sessions_new(&sessions, USEC_PER_HOUR, -1) == 0);
        access.sessions = sessions;
        access_identify(&access, request, &caller);
        require(!caller.may_act && caller.name[0] == '\0');
        require(caller.origin.address[0] != '\0' && caller.origin.key[0] != '\0');
        (void)client_origin_is_own(request, &caller.origin);
}

static void check_params(const struct http_request *request, const char *below) {
        _cleanup_free_ char *error = NULL, *parameter = NULL, *allowed = NULL;
        struct route_match match = {0};
        struct jval *params = NULL;
        int r = route_find(request->head.method, below, &match, &allowed);

        require(r == 0 || (allowed != NULL) == (r == -ENOTSUP));
        if (r == 0 && match.route->kind == ROUTE_CALL) {
                r = api_params(&match, request, &params, &error, &parameter);
                require(r == 0 ? jval_is_object(params) : error != NULL);
                if (r == 0)
                        jval_unref(params);
        }
        route_match_done(&match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *copy = malloc(size + 1), *body = NULL;
        struct http_request request = {.address = "10.1.2.3"};
        const char *why = NULL, *below;
        int n;

        memcpy(copy, data, size);
        copy[size] = '\0';
        n = http_head_parse(copy, size, &request.head, &why);
        if (n <= 0)
                return 0;
        /* With a NUL behind it, and nothing more: a read behind it is seen. */
        request.body_len = MIN(size - (size_t)n, HTTP_BODY_MAX);
        request.body = body = malloc(request.body_len + 1);
        memcpy(body, copy + n, request.body_len);
        body[request.body_len] = '\0';
        if (http_target_parse(request.head.target, &request.target, &why) == 0) {
                check_origin(&request);
                below = startswith(request.target.path, API_PREFIX);
                if (below && *below == '/')
                        check_params(&request, below);
                http_target_done(&request.target);
        }
        http_head_done(&request.head);
        return 0;
}
