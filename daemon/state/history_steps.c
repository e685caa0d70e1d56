/* Questions about the steps of all runs, on the reader's thread. Those that have ended are found by name,
 * status and time through the index attempts_ended; where no name or status is given it is gone through name by name,
 * status by status, of which there are few. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errortext.h"
#include "history_internal.h"
#include "macro.h"
#include "rows.h"
#include "strutil.h"
#include "xalloc.h"

#define COUNTS_MAX 4000 /* names times statuses: what fits an answer */

struct step_filter {
        struct jval *asked; /* owns the texts */
        const char *step, *item, *job, *type, *status;
        usec_t since, until;
        int64_t before_at, before_row; /* the last one of the page before; 0: from the newest */
        unsigned limit;
};

static void step_filter_done(struct step_filter *filter) {
        (void)jval_unref(filter->asked);
}

static int take_filter(const struct question *question, struct step_filter *ret, char **ret_error) {
        struct jval *asked = history_asked(question);
        const char *before = jval_get_str(asked, "before");
        int end = 0;

        *ret = (struct step_filter){
                .asked = asked,
                .step = jval_get_str(asked, "step"),
                .item = jval_get_str(asked, "item"),
                .job = jval_get_str(asked, "job"),
                .type = jval_get_str(asked, "type"),
                .status = jval_get_str(asked, "status"),
                .since = history_instant(asked, "since"),
                .until = history_instant(asked, "until"),
                .limit = (unsigned)MIN(MAX(jval_get_int(asked, "limit", HISTORY_LIST_DEFAULT), 1), HISTORY_LIST_MAX),
        };
        if (before && (sscanf(before, "%" SCNd64 ".%" SCNd64 "%n", &ret->before_at, &ret->before_row, &end) != 2 ||
                       before[end] != '\0'))
                return error_set(ret_error, -EINVAL, "before is the `next` of the page before, not '%s'", before);
        return 0;
}

/* An attempt that was followed by another is no end of its step: steps are counted, not attempts. Only a failed one can
 * be, so that the others cost no further look. */
static void append_conditions(struct buf *sql, const struct step_filter *filter) {
        (void)buf_append_str(sql, " AND a.step_name = kinds.name AND a.status = kinds.status AND a.completed_at > 0"
                                  " AND (a.status <> 'failed' OR NOT EXISTS (SELECT 1 FROM attempts AS later"
                                  " WHERE later.run_id = a.run_id AND later.step_name = a.step_name"
                                  " AND later.item = a.item AND later.attempt > a.attempt))");
        if (filter->item)
                (void)buf_append_str(sql, " AND a.item = :item");
        if (filter->since > 0)
                (void)buf_append_str(sql, " AND a.completed_at >= :since");
        if (filter->until > 0)
                (void)buf_append_str(sql, " AND a.completed_at < :until");
        if (filter->before_at > 0)
                (void)buf_append_str(sql, " AND a.completed_at <= :before_at"
                                          " AND (a.completed_at < :before_at OR a.rowid < :before_row)");
        if (filter->job)
                (void)buf_append_str(sql, " AND EXISTS (SELECT 1 FROM runs WHERE runs.run_id = a.run_id"
                                          " AND runs.job = :job)");
        if (filter->type)
                (void)buf_append_str(sql, " AND EXISTS (SELECT 1 FROM runs JOIN run_types AS t ON t.batch_type = :type"
                                          " AND t.created_at = runs.created_at AND t.run_number = runs.run_number"
                                          " WHERE runs.run_id = a.run_id)");
}

/* A command beside a step has the mark ':' in its name (step_name_is_helper): it is told when it is asked for by that.
 */
#define NO_HELPERS " AND instr(names.name, ':') = 0"

/* Which names and statuses there are to look for: from one name to the next through the index, instead of over all
 * steps. */
static void append_kinds(struct buf *sql, const struct step_filter *filter) {
        (void)buf_append_str(sql, filter->step ? "WITH RECURSIVE names (name) AS (SELECT :step)"
                                               : "WITH RECURSIVE names (name) AS (SELECT min(step_name) FROM attempts"
                                                 " WHERE completed_at > 0 UNION ALL SELECT (SELECT min(step_name)"
                                                 " FROM attempts WHERE completed_at > 0 AND step_name > names.name)"
                                                 " FROM names WHERE names.name IS NOT NULL)");
        (void)buf_appendf(sql,
                          ", statuses (status) AS (%s), kinds (name, status) AS (SELECT names.name, statuses.status"
                          " FROM names CROSS JOIN statuses WHERE names.name IS NOT NULL%s)",
                          filter->status ? "SELECT :status"
                                         : "VALUES ('success'), ('failed'), ('skipped'), ('cancelled')",
                          filter->step ? "" : NO_HELPERS);
}

/* Of each kind the newest that fit, of those the newest. */
static char *list_sql(const struct step_filter *filter) {
        struct buf sql = BUF_INIT(8192);

        append_kinds(&sql, filter);
        (void)buf_append_str(&sql,
                             " SELECT " ATTEMPT_COLUMNS_WITH(
                                     "s.", "NULL") ", r.run_number, r.job, r.batch_type, r.batch_mode, s.rowid"
                                                   " FROM kinds CROSS JOIN attempts AS s ON s.rowid IN (SELECT a.rowid"
                                                   " FROM attempts AS a INDEXED BY attempts_ended WHERE 1");
        append_conditions(&sql, filter);
        (void)buf_append_str(&sql, " ORDER BY a.completed_at DESC, a.rowid DESC LIMIT :limit)"
                                   " CROSS JOIN runs AS r ON r.run_id = s.run_id"
                                   " ORDER BY s.completed_at DESC, s.rowid DESC LIMIT :limit");
        return buf_steal(&sql);
}

static void bind(sqlite3_stmt *statement, const struct step_filter *filter, int64_t limit) {
        history_bind_text(statement, ":step", filter->step);
        history_bind_text(statement, ":item", filter->item);
        history_bind_text(statement, ":job", filter->job);
        history_bind_text(statement, ":type", filter->type);
        history_bind_text(statement, ":status", filter->status);
        history_bind_int(statement, ":since", (int64_t)filter->since);
        history_bind_int(statement, ":until", (int64_t)filter->until);
        history_bind_int(statement, ":before_at", filter->before_at);
        history_bind_int(statement, ":before_row", filter->before_row);
        history_bind_int(statement, ":limit", limit);
}

static struct jval *step_from_row(sqlite3_stmt *statement) {
        _cleanup_(attempt_record_freep) struct attempt_record *record = attempt_record_from_row(statement);
        struct jval *step;

        step = attempt_record_to_json(record);
        jval_remove(step, "output_log");
        jval_set_int(step, "run_number", sqlite3_column_int64(statement, ATTEMPT_COLUMNS_COUNT));
        jval_set_str(step, "job", history_text_at(statement, ATTEMPT_COLUMNS_COUNT + 1));
        jval_set_str(step, "batch_type", history_text_at(statement, ATTEMPT_COLUMNS_COUNT + 2));
        jval_set_str(step, "batch_mode", history_text_at(statement, ATTEMPT_COLUMNS_COUNT + 3));
        return step;
}

/* Up to filter->limit rows; *ret_next: the place of the last one when there are more. */
static int collect(sqlite3 *db, sqlite3_stmt *statement, const struct step_filter *filter, struct jval *steps,
                   char **ret_next, char **ret_error) {
        int64_t last_at = 0, last_row = 0;
        size_t total = 0;
        int code;

        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                if (jval_array_size(steps) == filter->limit || total > HISTORY_LIST_BYTES) {
                        *ret_next = xasprintf("%" PRId64 ".%" PRId64, last_at, last_row);
                        return 0;
                }
                jval_add(steps, step_from_row(statement));
                total += history_weight(jval_at(steps, jval_array_size(steps) - 1));
                last_at = sqlite3_column_int64(statement, 11);
                last_row = sqlite3_column_int64(statement, ATTEMPT_COLUMNS_COUNT + 4);
        }
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

int ask_step_list(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                  char **ret_error) {
        _cleanup_(step_filter_done) struct step_filter filter = {0};
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_jval_ struct jval *steps = jval_array();
        _cleanup_free_ char *sql = NULL, *next = NULL;
        int r = take_filter(question, &filter, ret_error);

        (void)state_dir;
        if (r < 0)
                return r;
        sql = list_sql(&filter);
        r = history_prepare(db, sql, &statement, ret_error);
        if (r < 0)
                return r;
        bind(statement, &filter, (int64_t)filter.limit + 1);
        r = collect(db, statement, &filter, steps, &next, ret_error);
        if (r < 0)
                return r;
        *ret_answer = jval_object();
        jval_set(*ret_answer, "steps", STEAL_PTR(steps));
        if (next)
                jval_set_str(*ret_answer, "next", next);
        return 0;
}

/* A row a kind. */
static char *counts_sql(const struct step_filter *filter) {
        struct buf sql = BUF_INIT(16384);

        append_kinds(&sql, filter);
        (void)buf_append_str(&sql, " SELECT kinds.name, kinds.status, (SELECT count(*) FROM attempts AS a"
                                   " INDEXED BY attempts_ended WHERE 1");
        append_conditions(&sql, filter);
        (void)buf_append_str(&sql, "), (SELECT a.completed_at FROM attempts AS a INDEXED BY attempts_ended WHERE 1");
        append_conditions(&sql, filter);
        (void)buf_append_str(&sql,
                             " ORDER BY a.completed_at DESC LIMIT 1) FROM kinds ORDER BY kinds.name LIMIT :limit");
        return buf_steal(&sql);
}

/* The object of this name: the last one of the array, or a new one behind it. */
static struct jval *counts_of(struct jval *steps, const char *name) {
        size_t n = jval_array_size(steps);
        struct jval *step = n > 0 ? jval_at(steps, n - 1) : NULL;

        if (step && streq_null(jval_get_str(step, "step_name"), name))
                return step;
        step = jval_object();
        jval_set_str(step, "step_name", name);
        jval_set_int(step, "total", 0);
        jval_set(step, "counts", jval_object());
        jval_set(step, "last_completed_at", jval_null());
        jval_set(step, "last_success_at", jval_null());
        jval_set(step, "last_failure_at", jval_null());
        jval_add(steps, step);
        return step;
}

static void add_counts(struct jval *steps, sqlite3_stmt *statement) {
        const char *status = history_text_at(statement, 1);
        int64_t count = sqlite3_column_int64(statement, 2);
        usec_t last = (usec_t)sqlite3_column_int64(statement, 3), latest = 0;
        struct jval *step;

        if (count == 0)
                return;
        step = counts_of(steps, history_text_at(statement, 0));
        jval_set_int(step, "total", jval_get_int(step, "total", 0) + count);
        jval_set_int(jval_get(step, "counts"), status, count);
        latest = history_instant(step, "last_completed_at");
        jval_set_time(step, "last_completed_at", MAX(last, latest));
        if (streq(status, "success"))
                jval_set_time(step, "last_success_at", last);
        else if (streq(status, "failed"))
                jval_set_time(step, "last_failure_at", last);
}

int ask_step_counts(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                    char **ret_error) {
        _cleanup_(step_filter_done) struct step_filter filter = {0};
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_jval_ struct jval *steps = jval_array();
        _cleanup_free_ char *sql = NULL;
        int code, r = take_filter(question, &filter, ret_error);

        (void)state_dir;
        if (r < 0)
                return r;
        sql = counts_sql(&filter);
        r = history_prepare(db, sql, &statement, ret_error);
        if (r < 0)
                return r;
        bind(statement, &filter, COUNTS_MAX);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
                add_counts(steps, statement);
        if (code != SQLITE_DONE)
                return history_db_error(db, ret_error);
        *ret_answer = jval_object();
        jval_set(*ret_answer, "steps", STEAL_PTR(steps));
        return 0;
}
