/* What a delivery is given: the facts, and where the message goes. Never a secret: batch-alert reads those from the
 * credentials of the service that it runs in. */
#pragma once

#include "alert.h"

/* NAME=value strings for a process. */
char **alert_environment(const struct alert *alert, const struct jval *facts);
