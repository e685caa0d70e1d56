/* From an address and a body to the params of a call. */
#pragma once

#include "http_conn.h"
#include "jval.h"
#include "route.h"

/* Values of the address and of its query become what the method's arguments take (7, true, ["a","b"]; params.week=7 is
 * a member of an object), those of a JSON body are as they are. 0 with a new object, or -EINVAL with *ret_error and,
 * for a parameter, *ret_parameter (both new). */
int api_params(const struct route_match *match, const struct http_request *request, struct jval **ret, char **ret_error,
               char **ret_parameter);
