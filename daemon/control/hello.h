/* daemon.hello, whose shape never changes. */
#pragma once

#include "request.h"

void hello_handle(struct request *request);
