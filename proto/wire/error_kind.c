/* The kinds of errors, with the numbers of JSON-RPC. */
#include <assert.h>

#include "macro.h"
#include "methods.h"
#include "strutil.h"

static const struct {
        const char *name;
        int code;
} error_kinds[] = {
        /* JSON-RPC 2.0's own numbers, section 5.1 */
        [ERROR_KIND_PARSE] = {"parse_error", -32700},
        [ERROR_KIND_METHOD] = {"unknown_method", -32601},
        [ERROR_KIND_INVALID_PARAMS] = {"invalid_params", -32602},
        [ERROR_KIND_INTERNAL] = {"internal", -32603},
        /* those it leaves to servers */
        [ERROR_KIND_ALREADY_RUNNING] = {"already_running", -32000},
        [ERROR_KIND_NOT_FOUND] = {"not_found", -32001},
        [ERROR_KIND_RATE_LIMITED] = {"rate_limited", -32002},
        [ERROR_KIND_NOT_PERMITTED] = {"not_permitted", -32003},
        [ERROR_KIND_PAUSED] = {"paused", -32004},
        [ERROR_KIND_TOO_LARGE] = {"too_large", -32005},
        [ERROR_KIND_UNAVAILABLE] = {"unavailable", -32006},
        [ERROR_KIND_VERSION] = {"version_mismatch", -32007},
};
static_assert(ELEMENTSOF(error_kinds) == _ERROR_KIND_MAX, "a row for every kind");

const char *error_kind_to_string(enum error_kind kind) {
        assert(kind < _ERROR_KIND_MAX);
        return error_kinds[kind].name;
}

enum error_kind error_kind_from_string(const char *text) {
        for (size_t i = 0; text && i < ELEMENTSOF(error_kinds); i++)
                if (streq(error_kinds[i].name, text))
                        return (enum error_kind)i;
        return ERROR_KIND_INTERNAL;
}

int error_kind_code(enum error_kind kind) {
        assert(kind < _ERROR_KIND_MAX);
        return error_kinds[kind].code;
}
