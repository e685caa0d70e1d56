#include "rights.h"

#include "xalloc.h"

bool rights_unlimited(const struct rights_policy *policy, uid_t uid) {
        return uid == 0 || uid == policy->own_uid;
}

bool rights_trusted(const struct rights_policy *policy, uid_t uid) {
        for (size_t i = 0; i < policy->n_trusted; i++)
                if (policy->trusted[i] == uid)
                        return true;
        return false;
}

enum method_right rights_of(const struct rights_policy *policy, const struct peer *peer) {
        if (rights_unlimited(policy, peer->uid))
                return RIGHT_ACT;
        if (policy->act_gid != GID_NONE && peer_in_group(peer, policy->act_gid))
                return RIGHT_ACT;
        if (policy->watch_gid != GID_NONE && peer_in_group(peer, policy->watch_gid))
                return RIGHT_WATCH;
        return RIGHT_NONE;
}

char *rights_explain_refusal(const struct rights_policy *policy, const struct method *method, const char *user) {
        bool acts = method->right == RIGHT_ACT;
        const char *group = acts ? policy->act_group : policy->watch_group;
        gid_t gid = acts ? policy->act_gid : policy->watch_gid;

        if (gid == GID_NONE)
                return xasprintf("create group %s and add user %s to it (groupadd --system %s; usermod -aG %s %s), "
                                 "restart batchd, and connect "
                                 "again: %s needs it, or root, or the daemon's own user",
                                 group, user, group, group, user, method->name);
        return xasprintf("add user %s to group %s (usermod -aG %s %s) and log in again: %s needs it, or root, or the "
                         "daemon's own user",
                         user, group, group, user, method->name);
}
