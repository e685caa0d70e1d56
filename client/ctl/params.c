#include "params.h"

#include <string.h>

#include "exit_status.h"
#include "strv.h"
#include "when.h"
#include "xalloc.h"

int params_set(const struct context *context, char *const *given, struct jval *call) {
        if (!given)
                return EXIT_DONE;
        struct jval *params = jval_object();
        jval_set(call, "params", params);
        STRV_FOREACH (text, given) {
                const char *equals = strchr(*text, '=');
                if (!equals || equals == *text) {
                        context_complain(context,
                                         "write --param=NAME=VALUE, as in --param=week=12; '%s' has no name and value",
                                         *text);
                        return EXIT_USAGE;
                }
                _cleanup_free_ char *name = xstrndup(*text, (size_t)(equals - *text));
                jval_set_str(params, name, equals + 1);
        }
        return EXIT_DONE;
}

int params_set_instant(const struct context *context, struct jval *params, const char *key, const char *text) {
        usec_t instant;
        if (!text)
                return EXIT_DONE;
        if (when_parse(text, now_realtime(), context->global.utc, &instant) < 0) {
                context_complain(context, "--%s takes a time such as " WHEN_EXAMPLES ", not '%s'", key, text);
                return EXIT_USAGE;
        }
        jval_set_time(params, key, instant);
        return EXIT_DONE;
}

int params_set_period(const struct context *context, struct jval *params, const char *since, const char *until) {
        int status = params_set_instant(context, params, "since", since);

        return status == EXIT_DONE ? params_set_instant(context, params, "until", until) : status;
}
