/* The three kinds of failure that the worker tells apart, as the negative errno values that its functions return, and
 * the exit statuses (sysexits.h) that they become. Every function here that takes `char **ret_error` explains its
 * failure there. */
#pragma once

#include <errno.h>
#include <sysexits.h>

enum {
        NFL_LATER = -EAGAIN,  /* the API, the network or the database; the same call may work later */
        NFL_DATA = -EBADMSG,  /* data that cannot be used; a repeat gives the same */
        NFL_CONFIG = -EINVAL, /* key, address, rights, schema, options: a person must change something */
        NFL_FINDINGS = 1,     /* no failure: what was looked for has been found */
};

static inline int nfl_exit_status(int result) {
        if (result >= 0)
                return result == NFL_FINDINGS ? 1 : EX_OK;
        if (result == NFL_DATA)
                return EX_DATAERR;
        if (result == NFL_CONFIG)
                return EX_CONFIG;
        return EX_TEMPFAIL;
}

static inline const char *nfl_error_class(int result) {
        return result == NFL_DATA || result == NFL_CONFIG ? "permanent" : "transient";
}
