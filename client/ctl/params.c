#include "params.h"

#include <string.h>

#include "exit_status.h"
#include "strv.h"
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
