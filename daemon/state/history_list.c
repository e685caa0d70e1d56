/* run.list, on the reader's thread: runs newest first, by created_at, then by number.
 *
 * Every filter has a way of its own: entries of an index in the order of the list. Which one is walked makes all the
 * difference where a value is rare or unknown, and only the entries themselves tell, so those of each filter are
 * counted up to a limit first. The other filters are then looked at in the runs that the entries name. */
#include <stdlib.h>
#include <string.h>

#include "history_internal.h"
#include "macro.h"
#include "rows.h"
#include "xalloc.h"

/* So many entries are counted in about half a millisecond. */
#define COUNTED_MAX 20000

struct list_way {
        const char *entries;   /* what is walked: an index of runs, or a table that names runs */
        bool is_table;         /* called `entry` */
        const char *match;     /* the entries of the filter */
        const char *condition; /* the same said of runs; NULL: the list has it anyway */
};

/* clang-format off */
static const struct list_way ways[_LIST_BY_MAX] = {
        [LIST_BY_TIME] = {"runs INDEXED BY runs_created", false, "1", NULL},
        [LIST_BY_JOB] = {"runs INDEXED BY runs_job", false, "runs.job = :job", "runs.job = :job"},
        [LIST_BY_MODE] = {"runs INDEXED BY runs_mode", false, "runs.batch_mode = :mode", "runs.batch_mode = :mode"},
        [LIST_BY_STATUS] = {"runs INDEXED BY runs_status", false, "runs.status = :status", "runs.status = :status"},
        [LIST_BY_TRIGGER] = {"runs INDEXED BY runs_trigger", false,
                             "runs.triggered_by = :triggered_by", "runs.triggered_by = :triggered_by"},
        [LIST_BY_TYPE] = {"run_types AS entry", true, "entry.batch_type = :type",
                          "EXISTS (SELECT 1 FROM run_types AS t WHERE t.batch_type = :type"
                          " AND t.created_at = runs.created_at AND t.run_number = runs.run_number)"},
        [LIST_BY_PARAMETER] = {"run_parameters AS entry", true,
                               "entry.name = :name AND entry.value = " INDEXED_VALUE(":value"), NULL},
};
/* clang-format on */

/* All parameters, as values of any length. A member given as text or as a number is the same parameter. */
#define HAS_PARAMETERS                                                                                                 \
        " AND NOT EXISTS (SELECT 1 FROM json_each(:params) AS wanted WHERE NOT EXISTS"                                 \
        " (SELECT 1 FROM json_each(runs.parameters) AS own WHERE own.key = wanted.key"                                 \
        " AND CAST(own.atom AS TEXT) = CAST(wanted.atom AS TEXT)))"

static bool is_asked_for(const struct run_filter *filter, enum list_by by) {
        switch (by) {
        case LIST_BY_JOB:
                return filter->job;
        case LIST_BY_MODE:
                return filter->mode;
        case LIST_BY_STATUS:
                return filter->status;
        case LIST_BY_TRIGGER:
                return filter->triggered_by;
        case LIST_BY_TYPE:
                return filter->type;
        case LIST_BY_TIME:
        case LIST_BY_PARAMETER: /* for each parameter on its own */
        case _LIST_BY_MAX:
                break;
        }
        return false;
}

/* Whose created_at and run_number are those of the entries. */
static const char *order_of(const struct list_way *way) {
        return way->is_table ? "entry" : "runs";
}

/* FROM what, and WHERE, as far as the entries themselves tell. */
static void append_entries(struct buf *sql, const struct run_filter *filter, const struct list_way *way,
                           bool with_runs) {
        const char *order = order_of(way);

        (void)buf_appendf(sql, " FROM %s", way->entries);
        if (way->is_table && with_runs)
                (void)buf_append_str(sql, " CROSS JOIN runs ON runs.run_number = entry.run_number");
        (void)buf_appendf(sql, " WHERE %s", way->match);
        if (filter->since > 0)
                (void)buf_appendf(sql, " AND %s.created_at >= :since", order);
        if (filter->until > 0)
                (void)buf_appendf(sql, " AND %s.created_at < :until", order);
        if (filter->before > 0)
                (void)buf_appendf(sql, " AND (%s.created_at, %s.run_number) < (:before_at, :before)", order, order);
}

char *run_list_sql(const struct run_filter *filter, bool has_params, enum list_by by) {
        const struct list_way *way = &ways[by];
        struct buf sql = BUF_INIT(8192);

        (void)buf_append_str(&sql, "SELECT " RUN_COLUMNS_OF("runs."));
        append_entries(&sql, filter, way, true);
        for (int i = 0; i < _LIST_BY_MAX; i++)
                if (i != (int)by && is_asked_for(filter, (enum list_by)i))
                        (void)buf_appendf(&sql, " AND %s", ways[i].condition);
        if (has_params)
                (void)buf_append_str(&sql, HAS_PARAMETERS);
        (void)buf_appendf(&sql, " ORDER BY %s.created_at DESC, %s.run_number DESC LIMIT :limit", order_of(way),
                          order_of(way));
        return buf_steal(&sql);
}

static char *count_sql(const struct run_filter *filter, enum list_by by) {
        struct buf sql = BUF_INIT(8192);

        (void)buf_append_str(&sql, "SELECT count(*) FROM (SELECT 1");
        append_entries(&sql, filter, &ways[by], false);
        (void)buf_append_str(&sql, " LIMIT :limit)");
        return buf_steal(&sql);
}

/* What is asked, and the way that has been chosen. */
struct listing {
        const struct question *question;
        int64_t before_at; /* when the run `before` was created */
        enum list_by by;
        int64_t entries;    /* of that way; COUNTED_MAX: as many, or more */
        char *name, *value; /* of its parameter */
};

static void listing_done(struct listing *listing) {
        free(listing->name);
        free(listing->value);
}

static void bind(sqlite3_stmt *statement, const struct listing *listing, int64_t limit) {
        const struct run_filter *filter = &listing->question->filter;

        history_bind_text(statement, ":job", filter->job);
        history_bind_text(statement, ":type", filter->type);
        history_bind_text(statement, ":mode", filter->mode);
        history_bind_text(statement, ":status", filter->status);
        history_bind_text(statement, ":triggered_by", filter->triggered_by);
        history_bind_int(statement, ":since", (int64_t)filter->since);
        history_bind_int(statement, ":until", (int64_t)filter->until);
        history_bind_text(statement, ":params", listing->question->params_text);
        history_bind_text(statement, ":name", listing->name);
        history_bind_text(statement, ":value", listing->value);
        history_bind_int(statement, ":before_at", listing->before_at);
        history_bind_int(statement, ":before", filter->before);
        history_bind_int(statement, ":limit", limit);
}

/* Takes the way when it is narrower than the one so far. The parameter's name and value are copied; NULL for what is
 * none. */
static int try_way(sqlite3 *db, struct listing *listing, enum list_by by, const char *name, const char *value,
                   char **ret_error) {
        _cleanup_free_ char *sql = count_sql(&listing->question->filter, by);
        struct listing other = *listing;
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = history_prepare(db, sql, &statement, ret_error);

        if (r < 0)
                return r;
        other.by = by;
        other.name = (char *)(uintptr_t)name;
        other.value = (char *)(uintptr_t)value;
        bind(statement, &other, listing->entries);
        if (sqlite3_step(statement) != SQLITE_ROW)
                return history_db_error(db, ret_error);
        other.entries = sqlite3_column_int64(statement, 0);
        if (listing->by != LIST_BY_TIME && other.entries >= listing->entries)
                return 0;
        listing_done(listing);
        *listing = other;
        listing->name = xstrdup_or_null(name);
        listing->value = xstrdup_or_null(value);
        return 0;
}

static int try_parameters(sqlite3 *db, struct listing *listing, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int code, r = history_prepare(db, "SELECT key, CAST(atom AS TEXT) FROM json_each(:params)", &statement,
                                      ret_error);

        if (r < 0)
                return r;
        history_bind_text(statement, ":params", listing->question->params_text);
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                r = try_way(db, listing, LIST_BY_PARAMETER, history_text_at(statement, 0),
                            history_text_at(statement, 1), ret_error);
                if (r < 0)
                        return r;
        }
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

static int choose_way(sqlite3 *db, struct listing *listing, char **ret_error) {
        int r = 0;

        listing->by = LIST_BY_TIME;
        listing->entries = COUNTED_MAX;
        for (int i = 0; i < _LIST_BY_MAX && r >= 0; i++)
                if (is_asked_for(&listing->question->filter, (enum list_by)i))
                        r = try_way(db, listing, (enum list_by)i, NULL, NULL, ret_error);
        return r >= 0 && listing->question->params_text ? try_parameters(db, listing, ret_error) : r;
}

/* When the run `before` (or the one below that number) was created: the place in the order. */
static int find_place(sqlite3 *db, int64_t before, int64_t *ret_at, char **ret_error) {
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = history_prepare(
                db, "SELECT created_at FROM runs WHERE run_number <= :before ORDER BY run_number DESC LIMIT 1",
                &statement, ret_error);

        if (r < 0)
                return r;
        history_bind_int(statement, ":before", before);
        *ret_at = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
        return 0;
}

/* *ret_next: the last run of the page when there are more. */
static int collect(sqlite3 *db, sqlite3_stmt *statement, unsigned limit, struct jval *runs, int64_t *ret_next,
                   char **ret_error) {
        int64_t last = 0;
        size_t total = 0;
        int code;

        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                _cleanup_(run_record_freep) struct run_record *record = NULL;
                struct jval *run;

                if (jval_array_size(runs) == limit || total > HISTORY_LIST_BYTES) {
                        *ret_next = last;
                        return 0;
                }
                record = run_record_from_row(statement);
                run = run_record_to_json(record);
                total += history_weight(run);
                jval_add(runs, run);
                last = record->run_number;
        }
        return code == SQLITE_DONE ? 0 : history_db_error(db, ret_error);
}

int ask_run_list(const struct question *question, sqlite3 *db, const char *state_dir, struct jval **ret_answer,
                 char **ret_error) {
        unsigned limit =
                question->filter.limit ? MIN(question->filter.limit, (unsigned)HISTORY_LIST_MAX) : HISTORY_LIST_DEFAULT;
        _cleanup_(listing_done) struct listing listing = {.question = question};
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_jval_ struct jval *runs = jval_array();
        _cleanup_free_ char *sql = NULL;
        int64_t next = 0;
        int r = 0;

        (void)state_dir;
        if (question->filter.before > 0)
                r = find_place(db, question->filter.before, &listing.before_at, ret_error);
        if (r >= 0)
                r = choose_way(db, &listing, ret_error);
        if (r < 0)
                return r;
        sql = run_list_sql(&question->filter, question->params_text != NULL, listing.by);
        r = history_prepare(db, sql, &statement, ret_error);
        if (r < 0)
                return r;
        bind(statement, &listing, (int64_t)limit + 1);
        r = collect(db, statement, limit, runs, &next, ret_error);
        if (r < 0)
                return r;
        *ret_answer = jval_object();
        jval_set(*ret_answer, "runs", STEAL_PTR(runs));
        if (next > 0)
                jval_set_int(*ret_answer, "next", next);
        return 0;
}
