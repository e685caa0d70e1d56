#include <inttypes.h>
#include <string.h>

#include "gates_text.h"
#include "item_counts.h"
#include "macro.h"
#include "progress.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "view.h"
#include "wait_text.h"
#include "xalloc.h"

static void append_times(const struct context *context, const struct jval *shown, const struct jval *run,
                         struct buf *out) {
        const struct term *term = &context->out;
        char instant[TEXT_SIZE], ago[TEXT_SIZE], duration[TEXT_SIZE];
        bool utc = context->global.utc;
        if (get_instant(run, "started_at") == 0) {
                _cleanup_free_ char *asked =
                        xasprintf("%s, %s", text_instant(instant, run, "created_at", utc),
                                  get_instant(run, "completed_at") ? "never started" : "not started yet");
                _cleanup_free_ char *wait = text_wait(jval_get(run, "waits_for"), utc);

                append_labelled(out, term, "asked for", STYLE_PLAIN, asked);
                if (wait)
                        append_labelled(out, term, "waits", STYLE_PLAIN, wait);
                return;
        }
        _cleanup_free_ char *started = xasprintf("%s (%s)", text_instant(instant, run, "started_at", utc),
                                                 text_ago(ago, run, "started_at", now_realtime()));
        append_labelled(out, term, "started", STYLE_PLAIN, started);
        if (get_instant(run, "completed_at") != 0) {
                _cleanup_free_ char *ended =
                        xasprintf("%s, after %s", text_instant(instant, run, "completed_at", utc),
                                  text_duration(duration, jval_get_real(run, "duration_seconds", -1)));
                append_labelled(out, term, "ended", STYLE_PLAIN, ended);
        } else {
                append_labelled(out, term, "elapsed", STYLE_PLAIN,
                                text_duration(duration, jval_get_real(shown, "elapsed_seconds", -1)));
        }
}

static void append_member(const struct context *context, const char *label, const char *text, struct buf *out) {
        if (text && text[0] != '\0')
                append_labelled(out, &context->out, label, STYLE_PLAIN, text);
}

void view_run_title(const struct context *context, const struct jval *run, struct buf *out) {
        const struct term *term = &context->out;
        enum style style = style_of_status(jval_get_str(run, "status"));
        _cleanup_free_ char *status = text_status(run);
        (void)buf_appendf(out, "%s%s #%" PRIi64 "%s  %s%s%s\n", term_begin(term, STYLE_BOLD),
                          str_or(jval_get_str(run, "job"), "run"), jval_get_int(run, "run_number", 0),
                          term_end(term, STYLE_BOLD), term_begin(term, style), status, term_end(term, style));
}

/* "day 2026-11-01 to 2026-11-20, 18 values, those that were missing, 2 at once" */
static void append_backfill(const struct context *context, const struct jval *backfill, struct buf *out) {
        if (!jval_is_object(backfill))
                return;
        char count[TEXT_SIZE];
        const char *only = str_or(jval_get_str(backfill, "only"), "");
        _cleanup_free_ char *text =
                xasprintf("%s %s to %s, %s%s, %" PRIi64 " at once", str_or(jval_get_str(backfill, "parameter"), "?"),
                          str_or(jval_get_str(backfill, "first"), "?"), str_or(jval_get_str(backfill, "last"), "?"),
                          text_count(count, jval_get_int(backfill, "total", 0), "value"),
                          streq(only, "missing")  ? " that were missing"
                          : streq(only, "failed") ? " that had failed"
                                                  : "",
                          jval_get_int(backfill, "parallel", 1));
        append_labelled(out, &context->out, "backfill", STYLE_PLAIN, text);
}

static void append_header(const struct context *context, const struct jval *shown, const struct jval *run,
                          struct buf *out) {
        _cleanup_free_ char *parameters = text_members(jval_get(run, "parameters"));
        const char *user = jval_get_str(run, "triggered_by_user");
        _cleanup_free_ char *trigger = xasprintf("%s%s%s", str_or(jval_get_str(run, "triggered_by"), "-"),
                                                 user ? " by " : "", str_or(user, ""));
        _cleanup_free_ char *skips = text_skipped_gates(run);
        view_run_title(context, run, out);
        append_member(context, "id", jval_get_str(run, "run_id"), out);
        append_member(context, "mode", jval_get_str(run, "batch_mode"), out);
        append_member(context, "parameters", parameters, out);
        append_member(context, "triggered", trigger, out);
        append_member(context, "skips gates", skips, out);
        append_backfill(context, jval_get(run, "backfill"), out);
        append_times(context, shown, run, out);
}

static void append_progress(const struct context *context, const struct jval *shown, const struct jval *run,
                            struct buf *out) {
        _cleanup_progress_ struct progress progress = {0};
        progress_take(&progress, shown, now_boottime());
        _cleanup_buf_ struct buf line = BUF_INIT(SCREEN_MAX);
        bar_append(&line, &context->out, progress.failed > 0 ? STYLE_RED : STYLE_GREEN, progress.percent, 20);
        (void)buf_appendf(&line, " %d%%  %" PRIi64 "/%" PRIi64 " done  %" PRIi64 " failed", (int)progress.percent,
                          progress.completed, progress.total, progress.failed);
        if (progress.status_text)
                (void)buf_appendf(&line, "  %s", progress.status_text);
        const char *status = str_or(jval_get_str(run, "status"), "");
        if (streq(status, "running") || streq(status, "queued"))
                (void)buf_appendf(out, "%s%12s%s  %s\n", term_begin(&context->out, STYLE_DIM), "progress",
                                  term_end(&context->out, STYLE_DIM), buf_data(&line));
        const char *error = jval_get_str(run, "error_message");
        /* Of one that is queued it is what the run waits for, which has been told. */
        if (error && error[0] != '\0' && !streq(status, "queued"))
                append_labelled(out, &context->out, "error", STYLE_RED, error);
}

static const struct table_column step_columns[] = {
        {.title = "#", .right = true},
        {.title = "STEP", .name = true},
        {.title = "ITEM", .name = true},
        {.title = "STATUS", .flexible = true},
        {.title = "ATTEMPT", .right = true, .optional = true},
        {.title = "DURATION", .right = true},
        {.title = "RECORDS", .right = true},
        {.title = "PROGRESS", .right = true, .optional = true},
        {.title = "DETAIL", .flexible = true},
};

/* "no sign of life for 5min 20s"; NULL while there are some. New string. */
static char *silence_text(const struct jval *step) {
        const struct jval *heartbeat = jval_get(jval_get(step, "metadata"), "heartbeat");
        usec_t since = get_instant(heartbeat, "missing_since"), now = now_realtime();
        char text[TEXT_SIZE];
        if (!since)
                return NULL;
        return xasprintf("no sign of life for %s",
                         text_duration(text, (double)(now > since ? now - since : 0) / (double)USEC_PER_SEC));
}

static void add_count(struct table *table, int64_t value, bool is_there) {
        if (is_there)
                table_addf(table, STYLE_PLAIN, "%" PRIi64, value);
        else
                table_add(table, STYLE_PLAIN, NULL);
}

static void add_step(struct table *table, const struct jval *step) {
        char text[TEXT_SIZE];
        const char *status = jval_get_str(step, "status"), *item = jval_get_str(step, "item");
        const struct jval *progress = jval_get(step, "progress");
        int64_t attempt = jval_get_int(step, "attempt", 0), records = jval_get_int(step, "records_processed", -1);
        double duration = jval_get_real(step, "duration_seconds", jval_get_real(step, "elapsed_seconds", -1));
        _cleanup_free_ char *words = text_status(step);
        const char *detail = jval_get_str(step, "error_message");
        if (!detail || streq_null(status, "success"))
                detail = jval_get_str(step, "status_text");
        _cleanup_free_ char *wait = text_wait(jval_get(step, "waits_for"), false);
        _cleanup_free_ char *waits = wait ? xasprintf("waits %s", wait) : NULL;
        _cleanup_free_ char *silence = streq_null(status, "running") ? silence_text(step) : NULL;
        const char *name = str_or(jval_get_str(step, "step_name"), "?"), *slash = strchr(name, '/');
        /* A step inside of a step stands below it. */
        if (slash) {
                table_add(table, STYLE_PLAIN, "");
                table_addf(table, STYLE_PLAIN, "  %s", slash + 1);
        } else {
                add_count(table, jval_get_int(step, "step_order", 0), true);
                table_add(table, STYLE_BOLD, name);
        }
        table_add(table, STYLE_PLAIN, item && item[0] != '\0' ? item : NULL);
        table_add(table, style_of_status(status), words);
        add_count(table, attempt, attempt > 1);
        table_add(table, STYLE_PLAIN, text_duration(text, duration));
        add_count(table, records, records >= 0);
        if (jval_get_int(progress, "total", 0) > 0)
                table_addf(table, STYLE_PLAIN, "%" PRIi64 "/%" PRIi64, jval_get_int(progress, "done", 0),
                           jval_get_int(progress, "total", 0));
        else
                table_add(table, STYLE_PLAIN, NULL);
        table_add(table, silence ? STYLE_YELLOW : STYLE_PLAIN, silence ? silence : waits ? waits : str_or(detail, ""));
}

/* Of very many items those that are of interest: which run, failed, or wait. */
static bool is_left_out(const struct jval *totals, const struct jval *step) {
        const char *status = str_or(jval_get_str(step, "status"), "");
        return is_one_of_many(totals, step) && (streq(status, "success") || streq(status, "skipped"));
}

static void append_steps(const struct context *context, const struct jval *steps, struct buf *out) {
        if (jval_array_size(steps) == 0)
                return;
        _cleanup_jval_ struct jval *totals = count_items(steps);
        _cleanup_table_ struct table table;
        size_t left_out = 0;
        table_init(&table, step_columns, ELEMENTSOF(step_columns));
        for (size_t i = 0; i < jval_array_size(steps); i++)
                if (is_left_out(totals, jval_at(steps, i)))
                        left_out++;
                else
                        add_step(&table, jval_at(steps, i));
        (void)buf_append_char(out, '\n');
        table_render(&table, &context->out, 0, out);
        if (left_out > 0)
                (void)buf_appendf(out, "%s%zu items that succeeded or were skipped are not listed%s\n",
                                  term_begin(&context->out, STYLE_DIM), left_out, term_end(&context->out, STYLE_DIM));
}

/* Of a run that goes on. */
static void append_items(const struct context *context, const struct jval *items, struct buf *out) {
        static const struct table_column columns[] = {
                {.title = "STEP", .name = true},     {.title = "ITEMS", .right = true},
                {.title = "DONE", .right = true},    {.title = "FAILED", .right = true},
                {.title = "SKIPPED", .right = true}, {.title = "RUNNING", .right = true},
        };
        static const char *const members[] = {"total", "completed", "failed", "skipped", "running"};
        if (jval_array_size(items) == 0)
                return;
        _cleanup_table_ struct table table;
        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(items); i++) {
                const struct jval *step = jval_at(items, i);
                bool known = jval_get_bool(step, "known", false);
                table_add(&table, STYLE_BOLD, jval_get_str(step, "step_name"));
                for (size_t k = 0; k < ELEMENTSOF(members); k++)
                        add_count(&table, jval_get_int(step, members[k], 0), known);
        }
        (void)buf_append_char(out, '\n');
        table_render(&table, &context->out, 0, out);
}

/* The runs that this one has brought about. */
static void append_children(const struct context *context, const struct jval *children, struct buf *out) {
        static const struct table_column columns[] = {
                {.title = "RUN", .right = true},           {.title = "JOB", .name = true},
                {.title = "PARAMETERS", .flexible = true}, {.title = "STATUS", .flexible = true},
                {.title = "STARTED", .optional = true},    {.title = "DURATION", .right = true},
                {.title = "ERROR", .flexible = true},
        };
        _cleanup_table_ struct table table = {0};
        char text[TEXT_SIZE];
        if (jval_array_size(children) == 0)
                return;
        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(children); i++) {
                const struct jval *child = jval_at(children, i);
                _cleanup_free_ char *parameters = text_members(jval_get(child, "parameters"));
                _cleanup_free_ char *status = text_status(child);
                const char *error = jval_get_str(child, "error_message");
                table_addf(&table, STYLE_PLAIN, "%" PRIi64, jval_get_int(child, "run_number", 0));
                table_add(&table, STYLE_BOLD, jval_get_str(child, "job"));
                table_add(&table, STYLE_PLAIN, parameters);
                table_add(&table, style_of_status(jval_get_str(child, "status")), status);
                table_add(&table, STYLE_PLAIN, text_instant(text, child, "started_at", context->global.utc));
                table_add(&table, STYLE_PLAIN, text_duration(text, jval_get_real(child, "duration_seconds", -1)));
                table_add(&table, STYLE_PLAIN, str_or(error, ""));
        }
        view_heading(context, "RUNS IT BROUGHT ABOUT", out);
        table_render(&table, &context->out, 0, out);
}

static void append_metrics(const struct context *context, const struct jval *metrics, struct buf *out) {
        static const struct table_column columns[] = {{.title = "COUNTER"}, {.title = "VALUE", .right = true}};
        if (!jval_is_object(metrics) || jval_object_size(metrics) == 0)
                return;
        _cleanup_table_ struct table table;
        table_init(&table, columns, ELEMENTSOF(columns));
        for (void *i = jval_iter(metrics); i; i = jval_iter_next(metrics, i)) {
                _cleanup_free_ char *value = jval_dump(jval_iter_value(i));
                table_add(&table, STYLE_PLAIN, jval_iter_key(i));
                table_add(&table, STYLE_PLAIN, value);
        }
        (void)buf_append_char(out, '\n');
        table_render(&table, &context->out, 0, out);
}

static void append_warnings(const struct context *context, const struct jval *warnings, struct buf *out) {
        if (jval_array_size(warnings) == 0)
                return;
        view_heading(context, "WARNINGS", out);
        for (size_t i = 0; i < jval_array_size(warnings); i++) {
                const struct jval *w = jval_at(warnings, i);
                const char *step = jval_get_str(w, "step"), *item = jval_get_str(w, "item");
                int64_t count = jval_get_int(w, "count", 1);
                _cleanup_buf_ struct buf first = BUF_INIT(SCREEN_MAX), text = BUF_INIT(SCREEN_MAX);
                (void)buf_append_str(&first, str_or(jval_get_str(w, "category"), "warning"));
                if (step)
                        (void)buf_appendf(&first, " (%s%s%s)", step, item && item[0] ? " " : "", str_or(item, ""));
                (void)buf_append_str(&first, ": ");
                (void)buf_append_str(&text, str_or(jval_get_str(w, "text"), ""));
                if (count > 1)
                        (void)buf_appendf(&text, " (%" PRIi64 " times)", count);
                append_wrapped(out, &context->out, buf_data(&first), STYLE_YELLOW, 2, STYLE_PLAIN, buf_data(&text));
        }
}

static void append_notes(const struct context *context, const struct jval *notes, struct buf *out) {
        if (jval_array_size(notes) == 0)
                return;
        view_heading(context, "NOTES", out);
        for (size_t i = 0; i < jval_array_size(notes); i++) {
                const struct jval *note = jval_at(notes, i);
                _cleanup_free_ char *text =
                        text_visible(str_or(str_or(jval_str(note), jval_get_str(note, "text")), ""));
                (void)buf_appendf(out, "%s\n", text);
        }
}

/* The rest is behind the rows that a screen begins to show. */
static void append_more(const struct context *context, const struct jval *shown, const struct jval *run,
                        struct buf *out) {
        if (jval_get_int(shown, "next", 0) > 0)
                (void)buf_appendf(
                        out, "%sthere are more items than are listed; batchctl summary %" PRIi64 " counts them all%s\n",
                        term_begin(&context->out, STYLE_DIM), jval_get_int(run, "run_number", 0),
                        term_end(&context->out, STYLE_DIM));
}

static void append_hint(const struct context *context, const struct jval *run, struct buf *out) {
        const char *status = str_or(jval_get_str(run, "status"), "");
        int64_t number = jval_get_int(run, "run_number", 0);
        const char *before = term_begin(&context->out, STYLE_DIM), *after = term_end(&context->out, STYLE_DIM);
        if (streq(status, "running") || streq(status, "queued"))
                (void)buf_appendf(out, "\n%swatch it: batchctl tail -f %" PRIi64 "%s\n", before, number, after);
        else if (jval_is_object(jval_get(run, "backfill")) && !streq(status, "success"))
                (void)buf_appendf(out, "\n%sthe same backfill again runs what is missing%s\n", before, after);
        else if (streq(status, "failed") || streq(status, "partial"))
                (void)buf_appendf(out, "\n%soutput of the step: batchctl logs %" PRIi64 "%s\n", before, number, after);
}

void view_run(const struct context *context, const struct jval *shown, struct buf *out) {
        const struct jval *run = jval_get(shown, "run");
        append_header(context, shown, run, out);
        append_progress(context, shown, run, out);
        append_items(context, jval_get(shown, "items"), out);
        append_steps(context, jval_get(shown, "steps"), out);
        append_more(context, shown, run, out);
        append_children(context, jval_get(shown, "children"), out);
        append_metrics(context, jval_get(run, "metrics"), out);
        append_warnings(context, jval_get(run, "warnings"), out);
        append_notes(context, jval_get(run, "notes"), out);
        append_hint(context, run, out);
}
