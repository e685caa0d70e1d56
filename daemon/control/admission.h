/* Whether a request may reach its handler: known method, right, parameters, on_behalf, rate limit, in this order.
 * Decided in one place, before any handler. No I/O. */
#pragma once

#include <stdbool.h>

#include "rate_limit.h"
#include "rights.h"
#include "rpc.h"

struct admission_rules {
        const struct rights_policy *rights;
        struct rate_limit *limit;
};

/* Who calls. */
struct admission_caller {
        uid_t uid;
        enum method_right right;
        /* The name of uid for error texts; asked for only when it is needed. */
        const char *(*user)(void *data);
        void *data;
};

/* Why not. */
struct refusal {
        enum error_kind kind;
        char *message;
        struct jval *data; /* further members of the error's data, or NULL */
};
void refusal_done(struct refusal *refusal);

/* 0 with *ret_method set; or -EACCES with *ret filled (*ret_method is set when the method is known). */
int admission_check(const struct admission_rules *rules, const struct admission_caller *caller,
                    const struct rpc_request *request, usec_t now, const struct method **ret_method,
                    struct refusal *ret);
