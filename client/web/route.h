/* The table of the API's addresses: which method of the control protocol each one is. Server, API document and the
 * helper of `batchctl --url` use it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "http_target.h"
#include "methods.h"

#define API_PREFIX "/api/v1"

enum route_kind {
        ROUTE_CALL,     /* a call of the method, its result as it is */
        ROUTE_SESSION,  /* who am I, log in, log out; no call of the daemon's */
        ROUTE_DOWNLOAD, /* the whole output of a run as a text file */
        ROUTE_EVENTS,   /* changes of all runs as they come */
        ROUTE_OPENAPI,  /* the description of the API */
        ROUTE_STREAM,   /* the lines and states of a run as they come */
};

struct route {
        const char *verb;    /* GET, POST, DELETE */
        const char *pattern; /* "/runs/{run}": behind API_PREFIX; {name} is the method's argument of that name */
        enum route_kind kind;
        enum method_id method;
        const char *summary; /* NULL: the method's help */
};

extern const struct route routes[];
extern const size_t n_routes;

enum { ROUTE_VALUES_MAX = 4 };

/* What stands in the address in place of {name}; copies. */
struct route_match {
        const struct route *route;
        struct http_pair values[ROUTE_VALUES_MAX];
        size_t n_values;
};

/* 0, -ENOENT: no such address; -ENOTSUP: not with this verb, and *ret_allowed (a new string) has those that there are.
 * HEAD counts as GET. path: behind API_PREFIX. */
int route_find(const char *verb, const char *path, struct route_match *ret, char **ret_allowed);
void route_match_done(struct route_match *match);
