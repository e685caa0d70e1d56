/* What came of one run, step by step and against earlier runs, and the quality of its data; on the reader's thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history_internal.h"
#include "macro.h"
#include "quality.h"
#include "rollup.h"
#include "rows.h"
#include "strutil.h"
#include "xalloc.h"

/* What is usual: the median of so many earlier runs of the same job in the same mode that did their work. Of so many
 * runs before this one: a mode that is never run again must not be looked for in all of the past. */
#define COMPARED_RUNS 20
#define COMPARED_AMONG 500
/* Steps, or targets, of one answer; a frame holds 1 MiB. */
#define STEPS_MAX 1000
#define TARGETS_MAX 5000
#define ITEMS_BYTES ((size_t)700 * 1024)

/* The numbers of one step in the runs that are compared with. */
struct usual {
        char *step_name;
        double seconds[COMPARED_RUNS], records[COMPARED_RUNS];
        size_t n_seconds, n_records;
};

struct comparison {
        double run_seconds[COMPARED_RUNS];
        size_t n_runs;
        struct usual *steps;
        size_t n_steps, capacity;
};

static void comparison_done(struct comparison *comparison) {
        for (size_t i = 0; i < comparison->n_steps; i++)
                free(comparison->steps[i].step_name);
        free(comparison->steps);
}

static struct usual *usual_of(struct comparison *comparison, const char *step_name) {
        for (size_t i = 0; i < comparison->n_steps; i++)
                if (streq(comparison->steps[i].step_name, step_name))
                        return &comparison->steps[i];
        return NULL;
}

static void take_usual(struct comparison *comparison, sqlite3_stmt *statement) {
        const char *step_name = str_or(history_text_at(statement, 0), "");
        int64_t began = sqlite3_column_int64(statement, 1), ended = sqlite3_column_int64(statement, 2);
        struct usual *usual = usual_of(comparison, step_name);

        if (!usual) {
                if (comparison->n_steps == STEPS_MAX)
                        return;
                GROW(comparison->steps, comparison->n_steps, comparison->capacity);
                usual = &comparison->steps[comparison->n_steps++];
                *usual = (struct usual){.step_name = xstrdup(step_name)};
        }
        if (began > 0 && ended >= began && usual->n_seconds < COMPARED_RUNS)
                usual->seconds[usual->n_seconds++] = (double)(ended - began) / (double)USEC_PER_SEC;
        if (sqlite3_column_type(statement, 3) != SQLITE_NULL && usual->n_records < COMPARED_RUNS)
                usual->records[usual->n_records++] = (double)sqlite3_column_int64(statement, 3);
}

/* Steps of a run that did their work, by name: when the first item began, when the last one ended, and records. */
static int compare_steps(sqlite3 *db, const char *run_id, struct comparison *comparison, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code, r = history_prepare(db,
                                      "SELECT step_name, min(started_at), max(completed_at), sum(records_processed)"
                                      " FILTER (WHERE records_processed >= 0 AND status = 'success') FROM attempts"
                                      " WHERE run_id = :run_id AND started_at > 0 GROUP BY step_name",
                                      &statement, ret_error);

        if (r < 0)
                return r;
        history_bind_text(statement, ":run_id", run_id);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
                take_usual(comparison, statement);
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

static int compare_runs(sqlite3 *db, const struct run_record *run, struct comparison *comparison, char **ret_error) {
        static const char sql[] =
                "SELECT run_id, duration_usec FROM (SELECT run_id, duration_usec, status, batch_mode, options FROM runs"
                " WHERE job = :job AND created_at < :created ORDER BY created_at DESC LIMIT :among)"
                " WHERE status IN ('success', 'partial') AND batch_mode IS :mode AND NOT " RUN_IS_BACKFILL
                " LIMIT :limit";
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code, r = history_prepare(db, sql, &statement, ret_error);

        if (r < 0)
                return r;
        history_bind_text(statement, ":job", run->job);
        history_bind_text(statement, ":mode", run->batch_mode);
        history_bind_int(statement, ":created", (int64_t)run->created_at);
        history_bind_int(statement, ":among", COMPARED_AMONG);
        history_bind_int(statement, ":limit", COMPARED_RUNS);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                r = compare_steps(db, history_text_at(statement, 0), comparison, ret_error);
                if (r < 0)
                        return r;
                comparison->run_seconds[comparison->n_runs++] =
                        (double)sqlite3_column_int64(statement, 1) / (double)USEC_PER_SEC;
        }
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

static void set_median(struct jval *object, const char *key, double *values, size_t n) {
        jval_set(object, key, n > 0 ? jval_real(median_of(values, n)) : jval_null());
}

static struct jval *compared_json(struct comparison *comparison, const struct run_record *run) {
        struct jval *compared = jval_object();

        jval_set_int(compared, "runs", (int64_t)comparison->n_runs);
        jval_set_str(compared, "batch_mode", run->batch_mode);
        set_median(compared, "duration_seconds", comparison->run_seconds, comparison->n_runs);
        return compared;
}

static struct jval *steps_json(const struct rollup *rollup, struct comparison *comparison) {
        struct jval *steps = jval_array();

        for (size_t i = 0; i < MIN(rollup->n_steps, (size_t)STEPS_MAX); i++) {
                struct jval *step = step_rollup_to_json(&rollup->steps[i]), *median = jval_object();
                struct usual *usual = usual_of(comparison, rollup->steps[i].step_name);

                jval_set_int(median, "runs", usual ? (int64_t)usual->n_seconds : 0);
                set_median(median, "duration_seconds", usual ? usual->seconds : NULL, usual ? usual->n_seconds : 0);
                set_median(median, "records_processed", usual ? usual->records : NULL, usual ? usual->n_records : 0);
                jval_set(step, "median", median);
                jval_add(steps, step);
        }
        return steps;
}

struct parts {
        struct rollup rollup;
        struct quality quality;
};

static void parts_done(struct parts *parts) {
        rollup_done(&parts->rollup);
        quality_done(&parts->quality);
}

static void take_attempt(const struct attempt_record *attempt, bool is_last, void *user) {
        struct parts *parts = user;

        if (step_name_is_helper(attempt->step_name))
                return;
        rollup_add(&parts->rollup, attempt, is_last);
        if (is_last && parts->quality.n_targets < TARGETS_MAX)
                quality_add(&parts->quality, attempt);
}

int ask_run_summary(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                    char **ret_error) {
        _cleanup_(run_record_freep) struct run_record *run = NULL;
        _cleanup_(comparison_done) struct comparison comparison = {0};
        _cleanup_(parts_done) struct parts parts = {0};
        struct jval *answer;
        int r = history_find_run(db, question->selector, question->job, &run, ret_error);

        (void)state_dir;
        if (r >= 0)
                r = history_walk_attempts(db, run->run_id, take_attempt, &parts, ret_error);
        if (r >= 0)
                r = compare_runs(db, run, &comparison, ret_error);
        if (r < 0)
                return r;
        answer = jval_object();
        jval_set(answer, "run", run_record_to_json(run));
        jval_set(answer, "totals", rollup_totals_to_json(&parts.rollup));
        jval_set(answer, "steps", steps_json(&parts.rollup, &comparison));
        jval_set(answer, "compared", compared_json(&comparison, run));
        jval_set(answer, "quality", quality_to_json(&parts.quality, false));
        *ret_answer = answer;
        return 0;
}

/* As many items as fit an answer; all of them are counted. */
static void cut_items(struct jval *answer) {
        const struct jval *items = jval_get(answer, "items");
        struct jval *shown = jval_array();
        size_t bytes = 0;

        for (size_t i = 0; i < jval_array_size(items) && bytes < ITEMS_BYTES; i++) {
                _cleanup_free_ char *text = jval_dump(jval_at(items, i));

                bytes += strlen(text);
                if (bytes < ITEMS_BYTES)
                        jval_add(shown, jval_ref(jval_at(items, i)));
        }
        jval_set(answer, "items", shown);
}

int ask_run_quality(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                    char **ret_error) {
        _cleanup_(run_record_freep) struct run_record *run = NULL;
        _cleanup_(parts_done) struct parts parts = {0};
        struct jval *answer;
        int r = history_find_run(db, question->selector, question->job, &run, ret_error);

        (void)state_dir;
        if (r >= 0)
                r = history_walk_attempts(db, run->run_id, take_attempt, &parts, ret_error);
        if (r < 0)
                return r;
        answer = quality_to_json(&parts.quality, true);
        cut_items(answer);
        jval_set_int(answer, "run_number", run->run_number);
        jval_set_str(answer, "run_id", run->run_id);
        jval_set_str(answer, "job", run->job);
        jval_set_str(answer, "status", run_status_to_string(run->status));
        jval_set_time(answer, "started_at", run->started_at);
        jval_set_time(answer, "completed_at", run->completed_at);
        *ret_answer = answer;
        return 0;
}
