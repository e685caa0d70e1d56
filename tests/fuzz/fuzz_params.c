/* The params of a call against every method's row in the table: what is refused has a text and the name of a parameter,
 * and what is accepted is accepted again after a round through text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "methods.h"

static void require(int condition) {
        if (!condition)
                abort();
}

static void check(const struct method *method, const struct jval *params) {
        _cleanup_free_ char *error = NULL, *parameter = NULL, *text = NULL;
        struct jval *again = NULL;
        int r = method_check_params(method, params, &error, &parameter);

        require((r < 0) == (error != NULL));
        require((r < 0) == (parameter != NULL));
        if (r < 0)
                return;
        text = jval_dump(params);
        require(jval_parse(text, strlen(text), &again, NULL) == 0);
        require(method_check_params(method, again, NULL, NULL) == 0);
        jval_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *error = NULL;
        struct jval *params = NULL;
        int r = jval_parse((const char *)data, size, &params, &error);

        require((r < 0) == (error != NULL));
        if (r < 0)
                return 0;
        for (unsigned id = 0; id < _METHOD_MAX; id++)
                check(method_by_id((enum method_id)id), params);
        jval_unref(params);
        return 0;
}
