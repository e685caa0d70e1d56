#include "selector.h"

#include <inttypes.h>

#include "engine_internal.h"
#include "xalloc.h"

char *selector_text(const struct jval *params, const char *key) {
        const struct jval *value = jval_get(params, key);

        if (jval_type_of(value) == JVAL_INTEGER)
                return xasprintf("%" PRId64, jval_int(value, 0));
        return xstrdup_or_null(jval_str(value));
}

char *selector_or_active(const struct engine *engine, const struct jval *params) {
        char *selector = selector_text(params, "run");

        if (!selector && engine->runs)
                selector = xstrdup(engine->runs->record.run_id);
        return selector;
}
