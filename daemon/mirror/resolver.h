/* Names of database servers, looked up on a thread of their own: libpq would look them up inside PQconnectStart and
 * hold the loop for as long as a name server does not answer. */
#pragma once

#include "loop.h"

struct resolution;

/* Lists as libpq takes them, of the same length: hosts and ports with their addresses, a name with several addresses
 * several times. */
struct resolved {
        char *hosts, *addresses, *ports;
};
void resolved_done(struct resolved *resolved);

/* Called once, on the loop. Either error is NULL and resolved is filled (borrowed), or error says which name could not
 * be found. */
typedef void (*resolution_fn)(const char *error, const struct resolved *resolved, void *user);

/* hosts and ports: comma lists as in a conninfo; ports may be empty or hold one for all. Folders of Unix sockets and
 * addresses are kept as they are. */
int resolution_start(struct resolution **ret, struct loop *loop, const char *hosts, const char *ports, resolution_fn fn,
                     void *user);
/* fn is not called any more. The thread ends by itself when the name server has answered or given up. */
struct resolution *resolution_cancel(struct resolution *resolution);
/* Whether a host list holds a name at all; without one there is nothing to look up. */
bool hosts_need_resolution(const char *hosts);
