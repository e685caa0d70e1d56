/* How the jobs have been doing: counts, rates, durations, runs without a record; on the reader's thread. */
#include <errno.h>
#include <stdlib.h>

#include "history_internal.h"
#include "macro.h"
#include "rollup.h"
#include "strutil.h"
#include "xalloc.h"

#define JOBS_MAX 1000
/* Durations are of so many of the latest runs of a job: more would tell the same and take long to read. */
#define DURATIONS_MAX 1000

struct window {
        usec_t since, until; /* created_at from since on, before until */
};

static void bind_window(sqlite3_stmt *statement, const char *job, const struct window *window) {
        history_bind_text(statement, ":job", job);
        history_bind_int(statement, ":since", (int64_t)window->since);
        history_bind_int(statement, ":until", (int64_t)MIN(window->until, (usec_t)INT64_MAX));
}

/* The index runs_job has all that is counted here. */
static int count_statuses(sqlite3 *db, const char *job, const struct window *window, struct jval *health,
                          char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int64_t runs = 0, done, failed;
        int code, r = history_prepare(db,
                                      "SELECT status, count(*) FROM runs WHERE job = :job AND created_at >= :since"
                                      " AND created_at < :until GROUP BY status",
                                      &statement, ret_error);

        if (r < 0)
                return r;
        for (enum run_status status = 0; status < _RUN_STATUS_MAX; status++)
                jval_set_int(health, run_status_to_string(status), 0);
        bind_window(statement, job, window);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                jval_set_int(health, history_text_at(statement, 0), sqlite3_column_int64(statement, 1));
                runs += sqlite3_column_int64(statement, 1);
        }
        if (code != SQLITE_DONE)
                return history_db_error(db, ret_error);
        jval_set_int(health, "runs", runs);
        failed = jval_get_int(health, run_status_to_string(RUN_FAILED), 0);
        done = jval_get_int(health, run_status_to_string(RUN_SUCCESS), 0) +
               jval_get_int(health, run_status_to_string(RUN_PARTIAL), 0);
        /* Of those that came to an end of their own. */
        jval_set(health, "failure_rate",
                 done + failed > 0 ? jval_real((double)failed / (double)(done + failed)) : jval_null());
        return 0;
}

static int measure_durations(sqlite3 *db, const char *job, const struct window *window, struct jval *health,
                             char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_free_ double *seconds = xcalloc(DURATIONS_MAX, sizeof(*seconds));
        size_t n = 0;
        int code, r = history_prepare(db,
                                      "SELECT duration_usec FROM runs WHERE job = :job AND created_at >= :since"
                                      " AND created_at < :until AND status IN ('success', 'partial', 'failed')"
                                      " AND duration_usec >= 0 AND NOT " RUN_IS_BACKFILL
                                      " ORDER BY created_at DESC LIMIT :limit",
                                      &statement, ret_error);

        if (r < 0)
                return r;
        bind_window(statement, job, window);
        history_bind_int(statement, ":limit", DURATIONS_MAX);
        while (n < DURATIONS_MAX && (code = sqlite3_step(statement)) == SQLITE_ROW)
                seconds[n++] = (double)sqlite3_column_int64(statement, 0) / (double)USEC_PER_SEC;
        if (n < DURATIONS_MAX && code != SQLITE_DONE)
                return history_db_error(db, ret_error);
        jval_set_int(health, "durations", (int64_t)n);
        jval_set(health, "median_duration_seconds", n > 0 ? jval_real(median_of(seconds, n)) : jval_null());
        jval_set(health, "p95_duration_seconds", n > 0 ? jval_real(quantile_of(seconds, n, 0.95)) : jval_null());
        return 0;
}

static int find_last_success(sqlite3 *db, const char *job, const struct window *window, struct jval *health,
                             char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code, r = history_prepare(
                          db,
                          "SELECT completed_at, run_number FROM runs WHERE job = :job AND created_at >= :since"
                          " AND created_at < :until AND status IN ('success', 'partial')"
                          " ORDER BY created_at DESC LIMIT 1",
                          &statement, ret_error);

        if (r < 0)
                return r;
        bind_window(statement, job, window);
        code = sqlite3_step(statement);
        jval_set(health, "last_success_at", jval_null());
        jval_set(health, "last_success_run", jval_null());
        if (code == SQLITE_ROW) {
                jval_set_time(health, "last_success_at", (usec_t)sqlite3_column_int64(statement, 0));
                jval_set_int(health, "last_success_run", sqlite3_column_int64(statement, 1));
        }
        return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

/* {job: n}: runs that did their work and said that it was on no record at all, without having declared that none was
 * right (EXPECTED=0). They are found from the few steps that said 0. */
static int count_zeros(sqlite3 *db, const char *job, const struct window *window, struct jval **ret, char **ret_error) {
        static const char sql[] =
                "SELECT r.job, count(*) FROM (SELECT DISTINCT run_id FROM attempts INDEXED BY attempts_zero"
                " WHERE records_processed = 0) AS z CROSS JOIN runs AS r ON r.run_id = z.run_id"
                " WHERE (:job IS NULL OR r.job = :job) AND r.created_at >= :since AND r.created_at < :until"
                " AND r.status IN ('success', 'partial') AND NOT EXISTS (SELECT 1 FROM attempts AS a"
                " WHERE a.run_id = z.run_id AND (a.records_processed > 0"
                " OR CAST(json_extract(a.metadata, '$.expected') AS INTEGER) = 0)) GROUP BY r.job";
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_jval_ struct jval *zeros = jval_object();
        int code, r = history_prepare(db, sql, &statement, ret_error);

        if (r < 0)
                return r;
        bind_window(statement, job, window);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
                jval_set_int(zeros, history_text_at(statement, 0), sqlite3_column_int64(statement, 1));
        if (code != SQLITE_DONE)
                return history_db_error(db, ret_error);
        *ret = STEAL_PTR(zeros);
        return 0;
}

static int tell_health(sqlite3 *db, const char *job, const struct window *window, const struct jval *zeros,
                       struct jval **ret, char **ret_error) {
        _cleanup_jval_ struct jval *health = jval_object();
        int r = count_statuses(db, job, window, health, ret_error);

        if (r >= 0)
                r = measure_durations(db, job, window, health, ret_error);
        if (r >= 0)
                r = find_last_success(db, job, window, health, ret_error);
        if (r < 0)
                return r;
        jval_set_int(health, "zero_record_runs", jval_get_int(zeros, job, 0));
        *ret = STEAL_PTR(health);
        return 0;
}

/* Every job that has runs, from one to the next through the index; or the one that is asked for. */
static int list_jobs(sqlite3 *db, const char *job, struct jval *jobs, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code, r;

        if (job) {
                jval_add(jobs, jval_string(job));
                return 0;
        }
        r = history_prepare(db,
                            "WITH RECURSIVE jobs (name) AS (SELECT min(job) FROM runs UNION ALL SELECT (SELECT min(job)"
                            " FROM runs WHERE job > jobs.name) FROM jobs WHERE jobs.name IS NOT NULL)"
                            " SELECT name FROM jobs WHERE name IS NOT NULL LIMIT :limit",
                            &statement, ret_error);
        if (r < 0)
                return r;
        history_bind_int(statement, ":limit", JOBS_MAX);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
                jval_add(jobs, jval_string(history_text_at(statement, 0)));
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

struct part {
        const char *name; /* of the member; NULL: the object itself */
        struct window window;
        struct jval *zeros;
};

struct parts {
        struct part items[2];
        size_t count;
};

static void parts_done(struct parts *parts) {
        for (size_t i = 0; i < parts->count; i++)
                (void)jval_unref(parts->items[i].zeros);
}

/* One window, or with `compare` the one before and the one after that instant: unless said they are equally long. */
static struct parts make_parts(const struct jval *asked) {
        usec_t compare = history_instant(asked, "compare"), since = history_instant(asked, "since"),
               until = history_instant(asked, "until"), now = now_realtime();

        if (compare == 0)
                return (struct parts){.items = {{.window = {since, until ? until : USEC_INFINITY}}}, .count = 1};
        until = until ? until : MAX(now, compare);
        if (since == 0 && until > compare)
                since = until - compare < compare ? compare - (until - compare) : 0;
        return (struct parts){.items = {{.name = "before", .window = {since, compare}},
                                        {.name = "after", .window = {compare, until}}},
                              .count = 2};
}

static int tell_job(sqlite3 *db, const char *job, const struct parts *parts, struct jval *list, char **ret_error) {
        _cleanup_jval_ struct jval *entry = jval_object();
        int64_t runs = 0;

        for (size_t i = 0; i < parts->count; i++) {
                const struct part *part = &parts->items[i];
                struct jval *health;
                int r = tell_health(db, job, &part->window, part->zeros, &health, ret_error);

                if (r < 0)
                        return r;
                runs += jval_get_int(health, "runs", 0);
                if (part->name) {
                        jval_set(entry, part->name, health);
                } else {
                        (void)jval_unref(entry);
                        entry = health;
                }
        }
        jval_set_str(entry, "job", job);
        if (runs > 0)
                jval_add(list, STEAL_PTR(entry));
        return 0;
}

int ask_job_health(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                   char **ret_error) {
        _cleanup_jval_ struct jval *asked = history_asked(question), *jobs = jval_array(), *list = jval_array();
        _cleanup_(parts_done) struct parts parts = make_parts(asked);
        const char *job = jval_get_str(asked, "job");
        int r = list_jobs(db, job, jobs, ret_error);

        (void)state_dir;
        for (size_t i = 0; r >= 0 && i < parts.count; i++)
                r = count_zeros(db, job, &parts.items[i].window, &parts.items[i].zeros, ret_error);
        for (size_t i = 0; r >= 0 && i < jval_array_size(jobs); i++)
                r = tell_job(db, jval_str(jval_at(jobs, i)), &parts, list, ret_error);
        if (r < 0)
                return r;
        *ret_answer = jval_object();
        jval_set(*ret_answer, "jobs", STEAL_PTR(list));
        if (parts.count == 2) {
                jval_set_time(*ret_answer, "compare", parts.items[1].window.since);
                jval_set_time(*ret_answer, "since", parts.items[0].window.since);
                jval_set_time(*ret_answer, "until", parts.items[1].window.until);
        }
        return 0;
}
