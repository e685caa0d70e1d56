/* This batchctl and the daemon may be of different versions: after an upgrade, until the daemon is restarted. */
#pragma once

#include "session.h"

/* daemon.hello's parameters. */
struct jval *versions_hello(void);
/* The daemon refused what it does not know: when it is of another version it is said which is which, and what to do. */
void versions_explain(struct session *session);
