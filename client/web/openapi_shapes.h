/* Shapes of answers, in a short hand: blanks between members, each NAME:TYPE. A type is string, integer, number,
 * boolean, object, time (an instant as text), [TYPE] for an array of it, or the name of another shape; '?' behind it:
 * may be null or absent. */
#pragma once

#include <stddef.h>

#include "methods.h"

struct openapi_shape {
        const char *name;
        const char *members;
};

extern const struct openapi_shape openapi_shapes[];
extern const size_t n_openapi_shapes;

/* Members of a method's result. */
const char *openapi_result_of(enum method_id method);
