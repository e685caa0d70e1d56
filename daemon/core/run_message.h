/* One-line texts for why a run ended as it did. All return new memory. */
#pragma once

#include "run_machine.h"

/* "step game_logs failed after 3 attempts: exit status 65: what the step said last". */
char *run_message_step_failed(const struct step *step, const char *item, unsigned attempt,
                              const struct attempt_end *end);
/* The same from what a record keeps: "step game_logs failed after 3 attempts: exit". */
char *run_message_step_failed_before(const struct step *step, const struct task *task);
/* NULL for a reason that needs no words. */
char *run_message_cancelled(enum reason reason);
/* "...; 3 more failed". Takes message over. */
char *run_message_more(char *message, size_t more);
