/* What failed in a run: the steps and items, the commands beside them that kept them from running, the steps inside
 * them; on the reader's thread. */
#pragma once

#include "history_internal.h"
#include "rollup.h"

/* Told with what they said, and by their names alone; how many steps inside of one. */
#define FAILURES_SHOWN 5
#define FAILURES_NAMED 20
#define FAILURES_INSIDE 5

struct run_look {
        struct rollup rollup;
        struct attempt_record *failures[FAILURES_SHOWN + FAILURES_NAMED]; /* copies, the first to fail first */
        int64_t n_failures;
        int64_t skipped[_REASON_MAX]; /* by their reason */
};
void run_look_done(struct run_look *look);
/* ret is {0}. -EIO with a text. */
int run_look_at(sqlite3 *db, const char *run_id, struct run_look *ret, char **ret_error);
/* Sets failures: [why_failure, with inner: [{what, step_name, status, reason, meaning, error_message,
 * duration_seconds}] and inner_total], failures_total, failures_more: [{what, step_name, item, reason, error_message}],
 * skipped: {reason: n}. */
int run_look_tell(sqlite3 *db, struct run_look *look, struct jval *answer, char **ret_error);
/* What the attempt (by its run, name, item and number) printed last, into output_log; NULL when nothing is kept. */
int run_look_read_output(sqlite3 *db, struct attempt_record *attempt, char **ret_error);
