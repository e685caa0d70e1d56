/* What the words for "why" mean, for people. The words themselves are in status.h. */
#pragma once

#include "status.h"

/* "its command could not be started": the rest of a sentence that begins with a run or a step. Never NULL. */
const char *reason_meaning(enum reason reason);
/* What to do about it: a sentence without its point. NULL where there is nothing to be done. */
const char *reason_advice(enum reason reason);
/* Why a due time started nothing (`reason` of schedule.list), as the rest of a sentence; NULL for an unknown word. */
const char *due_reason_meaning(const char *word);
