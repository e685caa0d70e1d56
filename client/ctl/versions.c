#include "versions.h"

#include "config.h"
#include "strutil.h"

struct jval *versions_hello(void) {
        struct jval *params = jval_object();
        jval_set_str(params, "client", "batchctl " VERSION);
        jval_set_int(params, "protocol", PROTOCOL_VERSION);
        return params;
}

void versions_explain(struct session *session) {
        /* One JSON document was written; and over HTTP nobody says hello. */
        if (context_json(session->context) || session->is_remote)
                return;
        _cleanup_jval_ struct jval *hello = NULL;
        /* One that speaks another protocol says so itself, and what to do. */
        if (session_call(session, METHOD_DAEMON_HELLO, versions_hello(), &hello) != EXIT_DONE)
                return;
        const char *version = str_or(jval_get_str(hello, "version"), "?");
        if (!streq(version, VERSION))
                context_complain(session->context,
                                 "restart batchd after an upgrade ('systemctl restart batchd'), or use the batchctl of "
                                 "its version: batchd is %s, this batchctl %s",
                                 version, VERSION);
}
