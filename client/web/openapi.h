/* The description of the API as an OpenAPI 3.1 document, made from the table of addresses and the table of methods:
 * what it says is what the server does. */
#pragma once

#include "jval.h"

/* A new object. prefix: the path below which the API is reached; NULL: none. */
struct jval *openapi_document(const char *prefix);
