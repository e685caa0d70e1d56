/* Why an attempt failed, in one line for people. */
#pragma once

#include "job.h"
#include "supervise.h"

/* "exit status 65 (bad data): what the step said last"; said may be NULL. New memory. */
char *attempt_message(const struct step *step, const struct attempt_result *result, const char *said);
