/* Week detection against the schedule table, and the week that a command works on. */
#pragma once

#include "worker.h"

/* The week at BATCH_NOW or the clock. With the table's answer *ret_fallback is NULL; else it explains why the calendar
 * answered (new string). db may be NULL (the database could not be reached): why says so. */
struct week week_detect(struct db *db, usec_t now, const char *why, char **ret_fallback);
/* What was asked for, completed by detection; what was detected is reported as parameter of the run, a fallback as a
 * warning. It becomes worker->touched. 0, or NFL_CONFIG when the parts that were given do not fit together. */
int week_resolve(struct worker *worker, struct week *ret, char **ret_error);
/* Reports the members of `week` that were not asked for as parameters of the run. */
void week_report(const struct week *asked, const struct week *week);
