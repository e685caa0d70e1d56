/* The facts that explain how a run ended, from what is recorded of it and of the one that it is compared with. */
#pragma once

#include "record.h"
#include "rollup.h"

/* A run with its steps and the sources of its job (JSON array of {path, text}; NULL: not kept any more). */
struct why_run {
        const struct run_record *record;
        const struct rollup *rollup;
        const char *sources;
};

/* What is different now from then: an array of {kind, text, ...}, kind `definition` (with `removed` and `added` lines
 * where both sources are there), `parameter`, `daemon`, `duration` and `records`. New reference. */
struct jval *why_changes(const struct why_run *now, const struct why_run *then);

/* {what, step_name, item, attempt, status, reason, meaning, exit_status, signal_number, error_message,
 * duration_seconds, completed_at, stream, lines}: a step that did not succeed with the last lines that it said of its
 * trouble, those of stderr where there are any. New reference. */
struct jval *why_failure(const struct attempt_record *attempt);

/* As one word of a POSIX shell: quoted where it has to be. New string. */
char *shell_word(const char *text);
