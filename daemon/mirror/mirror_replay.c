/* Batches: what waits in state.db goes to PostgreSQL, a transaction a batch; what it refuses for its data is halved
 * until the row is alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "macro.h"
#include "mirror_internal.h"
#include "strutil.h"
#include "xalloc.h"

#define BATCH_ROWS 1000
#define BATCH_TIMEOUT (30 * USEC_PER_SEC)
#define BUSY_PAUSE (100 * USEC_PER_MSEC)

/* A row is written by the daemon that owns it, and only forward. */
static const char upsert_runs[] =
        "INSERT INTO batch_runs AS t (%1$s) SELECT %1$s FROM mirror_runs ON CONFLICT (run_id) DO UPDATE SET"
        " batch_type = excluded.batch_type, batch_mode = excluded.batch_mode, triggered_by = excluded.triggered_by,"
        " triggered_by_user = excluded.triggered_by_user, status = excluded.status, reason = excluded.reason,"
        " created_at = excluded.created_at, started_at = excluded.started_at, completed_at = excluded.completed_at,"
        " duration_seconds = excluded.duration_seconds, error_message = excluded.error_message, parameters = excluded.parameters,"
        " metrics = excluded.metrics, warnings = excluded.warnings, notes = excluded.notes, retry_of = excluded.retry_of,"
        " parent_run_id = excluded.parent_run_id, due_at = excluded.due_at, definition_hash = excluded.definition_hash,"
        " host = excluded.host, version = excluded.version"
        " WHERE excluded.version > t.version AND excluded.instance = t.instance;";
static const char upsert_steps[] =
        "INSERT INTO batch_execution_steps AS t (%1$s) SELECT %1$s FROM mirror_steps"
        " ON CONFLICT (batch_run_id, step_name, item, attempt) DO UPDATE SET step_order = excluded.step_order,"
        " status = excluded.status, reason = excluded.reason, created_at = excluded.created_at, started_at = excluded.started_at,"
        " completed_at = excluded.completed_at, updated_at = excluded.updated_at, duration_seconds = excluded.duration_seconds,"
        " records_processed = excluded.records_processed, exit_status = excluded.exit_status,"
        " signal_number = excluded.signal_number, error_message = excluded.error_message, output_log = excluded.output_log,"
        " metrics = excluded.metrics, metadata = excluded.metadata, processes_ended = excluded.processes_ended,"
        " version = excluded.version WHERE excluded.version > t.version;";
static const char insert_audit[] =
        "INSERT INTO batch_audit (%1$s) SELECT %1$s FROM mirror_audit ON CONFLICT (instance, audit_id) DO NOTHING;";

static const char upsert_due[] =
        "INSERT INTO batch_due_times AS t (%1$s) SELECT %1$s FROM mirror_due ON CONFLICT (instance, job, due_at) DO UPDATE SET"
        " due_until = excluded.due_until, due_count = excluded.due_count, outcome = excluded.outcome, reason = excluded.reason,"
        " run_id = excluded.run_id, run_number = excluded.run_number, decided_at = excluded.decided_at, host = excluded.host,"
        " version = excluded.version WHERE excluded.version > t.version;";

static const struct target {
        const char *table;
        const char *columns;
        const char *upsert; /* %1$s: the columns */
} targets[_OUTBOX_MAX] = {
        {"mirror_runs", outbox_run_columns, upsert_runs},
        {"mirror_steps", outbox_attempt_columns, upsert_steps},
        {"mirror_audit", outbox_audit_columns, insert_audit},
        {"mirror_due", outbox_due_columns, upsert_due},
};

void replay_note_state(struct mirror *mirror, struct outbox_rows *rows) {
        mirror->waiting = rows->waiting;
        mirror->parked = rows->parked;
        mirror->oldest = rows->oldest;
        free(mirror->parked_error);
        mirror->parked_error = STEAL_PTR(rows->parked_error);
}

void replay_abandon(struct mirror *mirror) {
        mirror->rows = outbox_rows_free(mirror->rows);
        mirror->n_ranges = 0;
        mirror->sending = false;
        mirror->batch_under_way = false;
        mirror->wanted = true;
}

static void push_range(struct mirror *mirror, size_t from, size_t to) {
        GROW(mirror->ranges, mirror->n_ranges, mirror->capacity_ranges);
        mirror->ranges[mirror->n_ranges++] = (struct range){from, to};
}

/* The rows of the range from `at` on that are of one table: where they end. */
static size_t end_of_table(const struct outbox_rows *rows, size_t at, size_t to) {
        enum outbox_table table = rows->rows[at].key.table;

        while (at < to && rows->rows[at].key.table == table)
                at++;
        return at;
}

/* The format has one kind of conversion: the columns. */
static void append_upsert(struct buf *sql, const struct target *target) {
        for (const char *text = target->upsert, *hole; *text; text = hole) {
                hole = strstr(text, "%1$s");
                size_t len = hole ? (size_t)(hole - text) : strlen(text);
                (void)buf_append(sql, text, len);
                if (hole)
                        (void)buf_append_str(sql, target->columns);
                hole = hole ? hole + strlen("%1$s") : text + len;
        }
}

/* The statements for a range; its lines are where the outbox put them, those of one table together. All that the server
 * waits for from here goes first, into temporary tables: where the connection falls silent in the middle, the server
 * may wait for hours, and must not hold rows meanwhile that the next connection writes. */
static size_t make_batch(struct mirror *mirror, const struct range *range) {
        const struct outbox_rows *rows = mirror->rows;
        struct buf sql = BUF_INIT(64 * 1024);
        size_t n_copies = 0;

        for (size_t at = range->from, end; at < range->to; at = end) {
                const struct target *target = &targets[rows->rows[at].key.table];
                end = end_of_table(rows, at, range->to);
                const struct outbox_row *first = &rows->rows[at], *last = &rows->rows[end - 1];
                mirror->copies[n_copies++] = (struct copy_data){buf_data(&rows->text) + first->offset,
                                                                last->offset + last->len - first->offset};
                (void)buf_appendf(&sql, "COPY %s (%s) FROM STDIN;", target->table, target->columns);
        }
        for (size_t at = range->from; at < range->to; at = end_of_table(rows, at, range->to))
                append_upsert(&sql, &targets[rows->rows[at].key.table]);
        (void)buf_appendf(&sql,
                          "UPDATE batch_instances SET acknowledged = %lld, updated_at = now() WHERE instance = '%s'",
                          (long long)mirror->acknowledged + 1, store_instance(mirror->store));
        free(mirror->sql);
        mirror->sql = buf_steal(&sql);
        return n_copies;
}

static void batch_done(const struct query_result *result, void *user);

static void send_next(struct mirror *mirror) {
        if (mirror_query_continue(mirror))
                return;
        if (mirror->n_ranges == 0) {
                mirror->wanted |= mirror->rows->more;
                mirror->rows = outbox_rows_free(mirror->rows);
                mirror->sending = false;
                replay_continue(mirror);
                return;
        }
        size_t n_copies = make_batch(mirror, &mirror->ranges[mirror->n_ranges - 1]);
        mirror->batch_under_way = true;
        if (connection_query(mirror->connection, mirror->sql, mirror->copies, n_copies, BATCH_TIMEOUT, batch_done,
                             mirror) < 0)
                mirror_down(mirror, false, "the connection was lost");
}

/* What a row's data can cause: data exceptions, violated constraints, program limits, errors raised by triggers, and a
 * key twice (PostgreSQL manual, appendix A). */
static bool is_data_error(const char *sqlstate) {
        static const char *const classes[] = {"21", "22", "23", "44", "54", "P0"};

        for (size_t i = 0; i < ELEMENTSOF(classes); i++)
                if (strncmp(sqlstate, classes[i], 2) == 0)
                        return true;
        return false;
}

static void acknowledge(struct mirror *mirror, const struct range *range, const char *error) {
        if (!mirror->acks)
                mirror->acks = store_batch_new();
        for (size_t i = range->from; i < range->to; i++)
                outbox_acknowledge(mirror->acks, &mirror->rows->rows[i].key, error);
        mirror->n_acks += range->to - range->from;
        if (error) {
                mirror->n_parks++;
                free(mirror->parked_error);
                mirror->parked_error = xstrdup(error);
        }
}

static void refuse(struct mirror *mirror, const struct range *range, const struct query_result *result) {
        const struct outbox_row *row = &mirror->rows->rows[range->from];

        if (range->to - range->from > 1) {
                size_t middle = range->from + (range->to - range->from) / 2;
                push_range(mirror, middle, range->to);
                push_range(mirror, range->from, middle);
                return;
        }
        _cleanup_free_ char *error = xasprintf("%s: %s (SQLSTATE %s)", row->label, result->error, result->sqlstate);
        log_warning("PostgreSQL refuses a row for its data; it is set aside until it changes: %s", error);
        acknowledge(mirror, range, error);
}

static void batch_done(const struct query_result *result, void *user) {
        struct mirror *mirror = user;
        char number[32];

        mirror->batch_under_way = false;
        if (result->error && !is_data_error(result->sqlstate)) {
                _cleanup_free_ char *text = xasprintf("%s (SQLSTATE %s)", result->error, result->sqlstate);
                mirror_down(mirror, false, text);
                return;
        }
        struct range range = mirror->ranges[--mirror->n_ranges];
        if (result->error)
                refuse(mirror, &range, result);
        else {
                acknowledge(mirror, &range, NULL);
                (void)snprintf(number, sizeof(number), "%lld", (long long)++mirror->acknowledged);
                store_batch_put_setting(mirror->acks, "mirror_acknowledged", number);
        }
        send_next(mirror);
}

void replay_resume(struct mirror *mirror) {
        if (mirror->sending)
                send_next(mirror);
        else
                (void)mirror_query_continue(mirror);
}

static void rows_read(int error, const char *error_text, struct outbox_rows *rows, void *user) {
        struct mirror *mirror = mirror_link_take(user);

        if (!mirror) {
                (void)outbox_rows_free(rows);
                return;
        }
        mirror->reading = false;
        if (error < 0) {
                log_warning("the mirror cannot read what waits for it: %s", error_text ? error_text : strerror(-error));
                mirror->wanted = true;
                loop_timer_arm(mirror->pause, USEC_PER_SEC);
                return;
        }
        replay_note_state(mirror, rows);
        if (!mirror->up || rows->count == 0) {
                (void)outbox_rows_free(rows);
                if (mirror->up)
                        replay_continue(mirror);
                return;
        }
        mirror->rows = rows;
        mirror->sending = true;
        push_range(mirror, 0, rows->count);
        send_next(mirror);
}

static void acknowledged(void *user) {
        struct mirror *mirror = mirror_link_take(user);

        if (!mirror)
                return;
        mirror->acknowledging = false;
        replay_continue(mirror);
}

static void submit_acks(struct mirror *mirror) {
        struct mirror_link *link = mirror_link_ref(mirror);

        store_batch_on_release(mirror->acks, mirror_link_release);
        if (store_submit(mirror->store, mirror->acks, acknowledged, link) < 0) {
                store_batch_on_release(mirror->acks, NULL);
                (void)mirror_link_take(link);
                loop_timer_arm(mirror->pause, BUSY_PAUSE);
                return;
        }
        mirror->acks = NULL;
        mirror->acknowledging = true;
        mirror->waiting = MAX(mirror->waiting - (int64_t)mirror->n_acks, (int64_t)0);
        mirror->oldest = mirror->waiting > 0 ? mirror->oldest : 0;
        /* A run that arrives takes its attempts along that were refused for want of it. */
        mirror->wanted |= mirror->parked > 0;
        mirror->parked += (int64_t)mirror->n_parks;
        mirror->n_acks = mirror->n_parks = 0;
}

/* Rows are read again only when the acknowledgements of the last ones are durable: else they would be sent twice. */
void replay_continue(struct mirror *mirror) {
        if (mirror->sending || mirror->reading || mirror->acknowledging)
                return;
        if (mirror->acks) {
                submit_acks(mirror);
                return;
        }
        if (!mirror->wanted)
                return;
        struct mirror_link *link = mirror_link_ref(mirror);
        /* While PostgreSQL is away only the figures are wanted. */
        if (outbox_read(mirror->store, mirror->host, mirror->up ? BATCH_ROWS : 0, rows_read, link) < 0) {
                (void)mirror_link_take(link);
                loop_timer_arm(mirror->pause, BUSY_PAUSE);
                return;
        }
        mirror->reading = true;
        mirror->wanted = false;
}

static void counted(int error, const char *error_text, struct outbox_rows *rows, void *user) {
        struct mirror *mirror = mirror_link_take(user);

        (void)error;
        (void)error_text;
        if (mirror) {
                mirror->reading = false;
                if (rows)
                        replay_note_state(mirror, rows);
                if (!mirror->sending)
                        replay_continue(mirror);
        }
        (void)outbox_rows_free(rows);
}

void replay_count(struct mirror *mirror) {
        struct mirror_link *link;

        if (mirror->reading)
                return;
        link = mirror_link_ref(mirror);
        if (outbox_read(mirror->store, mirror->host, 0, counted, link) < 0)
                (void)mirror_link_take(link);
        else
                mirror->reading = true;
}
