/* Which function serves which method: one table. */
#pragma once

#include "request.h"

/* The request has been admitted. It is answered by request_answer, perhaps before this returns. */
void dispatch(struct request *request);
/* How many kinds of handlers a method has in the table; for the test that says exactly one. */
unsigned dispatch_handlers_of(enum method_id id);
