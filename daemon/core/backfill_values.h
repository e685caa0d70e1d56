/* Which values of a parameter a backfill is for. Pure. */
#pragma once

#include "job.h"
#include "jval.h"

/* More than five years of days; who needs more does it in parts. */
#define BACKFILL_VALUES_MAX 2000

/* request: {parameter, from, to, values[], reverse}: a range (both ends are part of it) or a list, as texts. Without a
 * parameter the only one of the job that is a date is meant, else the only integer. 0 with the parameter and its values
 * as canonical texts, each once, in the order of the range or the list, the last one first with reverse; -EINVAL with
 * *ret_error and *ret_which (the member that is wrong). */
int backfill_values(const struct job *job, const struct jval *request, const struct parameter **ret_parameter,
                    char ***ret_values, char **ret_error, const char **ret_which);
