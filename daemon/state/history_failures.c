#include "history_failures.h"

#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "reason_text.h"
#include "rows.h"
#include "strutil.h"
#include "why_record.h"
#include "xalloc.h"

void run_look_done(struct run_look *look) {
        for (size_t i = 0; i < ELEMENTSOF(look->failures); i++)
                (void)attempt_record_free(look->failures[i]);
        rollup_done(&look->rollup);
}

/* Whether the failed command beside a step (STEP:condition, STEP:items) is why that step failed without having begun.
 */
static bool is_cause_of(const struct attempt_record *helper, const struct attempt_record *step) {
        size_t len = strcspn(helper->step_name, ":");

        return step->started_at == 0 && strlen(step->step_name) == len &&
               strncmp(step->step_name, helper->step_name, len) == 0 &&
               (!*helper->item || streq(helper->item, step->item));
}

/* A command that failed stands for the step that it kept from running: it said why. */
static bool take_cause(struct run_look *look, const struct attempt_record *helper) {
        for (size_t i = 0; i < ELEMENTSOF(look->failures) && look->failures[i]; i++)
                if (is_cause_of(helper, look->failures[i])) {
                        (void)attempt_record_free(look->failures[i]);
                        look->failures[i] = attempt_record_copy(helper);
                        return true;
                }
        return false;
}

/* Keeps those that failed first: what came later is often only what came of it. */
static void keep_failure(struct run_look *look, const struct attempt_record *attempt) {
        const size_t max = ELEMENTSOF(look->failures);
        size_t at = MIN((size_t)look->n_failures, max);

        look->n_failures++;
        while (at > 0 && look->failures[at - 1]->completed_at > attempt->completed_at)
                at--;
        if (at == max)
                return;
        (void)attempt_record_free(look->failures[max - 1]);
        memmove(&look->failures[at + 1], &look->failures[at], (max - 1 - at) * sizeof(look->failures[0]));
        look->failures[at] = attempt_record_copy(attempt);
}

static void take(const struct attempt_record *attempt, bool is_last, void *user) {
        bool is_helper = step_name_is_helper(attempt->step_name);
        struct run_look *look = user;

        if (!is_helper)
                rollup_add(&look->rollup, attempt, is_last);
        if (!is_last || step_name_is_nested(attempt->step_name))
                return;
        if (attempt->status == STEP_SKIPPED && attempt->reason >= 0)
                look->skipped[attempt->reason]++;
        if (attempt->status == STEP_FAILED && !(is_helper && take_cause(look, attempt)))
                keep_failure(look, attempt);
}

/* A step inside of one that did not fail is a failure of its own: its program went on, and nothing else tells of it. */
static int keep_failed_inside(sqlite3 *db, const char *run_id, struct run_look *look, char **ret_error) {
        static const char sql[] =
                "SELECT " ATTEMPT_COLUMNS_WITH("i.", "NULL") " FROM attempts AS i JOIN attempts AS o"
                                                             " ON o.run_id = i.run_id AND o.item = i.item"
                                                             " AND o.attempt = i.attempt AND o.step_name ="
                                                             " substr(i.step_name, 1, instr(i.step_name, '/') - 1)"
                                                             " WHERE i.run_id = :run_id AND i.status = 'failed'"
                                                             " AND instr(i.step_name, '/') > 0 AND o.status = 'success'"
                                                             " ORDER BY i.completed_at, i.ordinal";
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code, r = history_prepare(db, sql, &statement, ret_error);

        if (r < 0)
                return r;
        history_bind_text(statement, ":run_id", run_id);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                _cleanup_(attempt_record_freep) struct attempt_record *attempt = attempt_record_from_row(statement);

                keep_failure(look, attempt);
        }
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

int run_look_at(sqlite3 *db, const char *run_id, struct run_look *ret, char **ret_error) {
        int r = history_walk_attempts(db, run_id, take, ret, ret_error);

        return r < 0 ? r : keep_failed_inside(db, run_id, ret, ret_error);
}

int run_look_read_output(sqlite3 *db, struct attempt_record *attempt, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code, r = history_prepare(db,
                                      "SELECT output_log FROM attempts WHERE run_id = :run_id AND step_name = :step"
                                      " AND item = :item AND attempt = :attempt",
                                      &statement, ret_error);

        if (r < 0)
                return r;
        history_bind_text(statement, ":run_id", attempt->run_id);
        history_bind_text(statement, ":step", attempt->step_name);
        history_bind_text(statement, ":item", attempt->item);
        history_bind_int(statement, ":attempt", attempt->attempt);
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
                attempt->output_log = xstrdup_or_null(history_text_at(statement, 0));
        return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

/* The members of an attempt that name a failure in a line. */
static struct jval *name_failure(const struct attempt_record *attempt) {
        static const char *const members[] = {"step_name", "item",          "status",
                                              "reason",    "error_message", "duration_seconds"};
        _cleanup_jval_ struct jval *all = attempt_record_to_json(attempt);
        _cleanup_free_ char *what = step_name_to_text(attempt->step_name, attempt->item);
        struct jval *failure = jval_object();

        jval_set_str(failure, "what", what);
        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                jval_set(failure, members[i], jval_ref(jval_get(all, members[i])));
        jval_set_str(failure, "meaning", reason_meaning(attempt->reason));
        return failure;
}

/* The steps inside of the attempt that failed, the first of them. */
static int set_inner(sqlite3 *db, const struct attempt_record *attempt, struct jval *failure, char **ret_error) {
        static const char sql[] =
                "SELECT " ATTEMPT_COLUMNS_LEAN " FROM attempts WHERE run_id = :run_id AND step_name > :step || '/' AND"
                " step_name < :step || '0' AND item = :item AND attempt = :attempt"
                " AND status = 'failed' ORDER BY completed_at, ordinal";
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        struct jval *inner = jval_array();
        int64_t total = 0;
        int code, r;

        jval_set(failure, "inner", inner);
        r = history_prepare(db, sql, &statement, ret_error);
        if (r < 0)
                return r;
        history_bind_text(statement, ":run_id", attempt->run_id);
        history_bind_text(statement, ":step", attempt->step_name);
        history_bind_text(statement, ":item", attempt->item);
        history_bind_int(statement, ":attempt", attempt->attempt);
        for (; (code = sqlite3_step(statement)) == SQLITE_ROW; total++) {
                _cleanup_(attempt_record_freep) struct attempt_record *one = attempt_record_from_row(statement);

                if (total < FAILURES_INSIDE)
                        jval_add(inner, name_failure(one));
        }
        jval_set_int(failure, "inner_total", total);
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

static int tell_failure(sqlite3 *db, struct attempt_record *attempt, struct jval *failures, char **ret_error) {
        struct jval *failure;
        int r = run_look_read_output(db, attempt, ret_error);

        if (r < 0)
                return r;
        failure = why_failure(attempt);
        jval_add(failures, failure);
        return set_inner(db, attempt, failure, ret_error);
}

int run_look_tell(sqlite3 *db, struct run_look *look, struct jval *answer, char **ret_error) {
        struct jval *failures = jval_array(), *more = jval_array(), *skipped = jval_object();
        int r = 0;

        jval_set(answer, "failures", failures);
        jval_set_int(answer, "failures_total", look->n_failures);
        jval_set(answer, "failures_more", more);
        jval_set(answer, "skipped", skipped);
        for (enum reason reason = 0; reason < _REASON_MAX; reason++)
                if (look->skipped[reason] > 0)
                        jval_set_int(skipped, str_or(reason_to_string(reason), "none"), look->skipped[reason]);
        for (size_t i = 0; i < ELEMENTSOF(look->failures) && look->failures[i] && r >= 0; i++)
                if (i < FAILURES_SHOWN)
                        r = tell_failure(db, look->failures[i], failures, ret_error);
                else
                        jval_add(more, name_failure(look->failures[i]));
        return r;
}
