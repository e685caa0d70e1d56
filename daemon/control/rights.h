/* Who may do what: rights of a peer by its uid and groups, as they were at connect. No I/O. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "methods.h"
#include "sockutil.h"

#define GID_NONE ((gid_t)-1)

struct rights_policy {
        gid_t watch_gid, act_gid; /* GID_NONE: there is no such group on this machine */
        const char *watch_group;  /* their names, for error texts */
        const char *act_group;
        uid_t own_uid;        /* the daemon's */
        const uid_t *trusted; /* clients that may speak on behalf of others */
        size_t n_trusted;
};

/* The greatest right that the peer has. */
enum method_right rights_of(const struct rights_policy *policy, const struct peer *peer);
/* Root and the daemon's own user: no rate limit, no cap on connections. */
bool rights_unlimited(const struct rights_policy *policy, uid_t uid);
bool rights_trusted(const struct rights_policy *policy, uid_t uid);
/* Why the user may not call the method and what would change that; a new string. user: the name of uid. */
char *rights_explain_refusal(const struct rights_policy *policy, const struct method *method, const char *user);
