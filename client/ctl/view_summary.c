/* What came of a run as tables. */
#include <inttypes.h>
#include <stdio.h>

#include "macro.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "view.h"
#include "xalloc.h"

static const struct table_column step_columns[] = {
        {.title = "STEP", .name = true},
        {.title = "ITEMS", .right = true},
        {.title = "SUCCESS", .right = true},
        {.title = "FAILED", .right = true},
        {.title = "SKIPPED", .right = true},
        {.title = "OPEN", .right = true, .optional = true},
        {.title = "DURATION", .right = true},
        {.title = "USUALLY", .right = true},
        {.title = "RECORDS", .right = true},
        {.title = "USUALLY", .right = true, .optional = true},
        {.title = "COUNTERS", .flexible = true, .optional = true},
};

/* Whole numbers without a fraction. */
static char *text_number(char ret[static TEXT_SIZE], double value) {
        if (value == (double)(int64_t)value)
                (void)snprintf(ret, TEXT_SIZE, "%" PRIi64, (int64_t)value);
        else
                (void)snprintf(ret, TEXT_SIZE, "%.1f", value);
        return ret;
}

static void add_number(struct table *table, const struct jval *object, const char *key) {
        char text[TEXT_SIZE];
        enum jval_type type = jval_type_of(jval_get(object, key));
        bool is_there = type == JVAL_INTEGER || type == JVAL_REAL;
        table_add(table, STYLE_PLAIN, is_there ? text_number(text, jval_get_real(object, key, 0)) : NULL);
}

static void add_count(struct table *table, int64_t count, enum style style) {
        table_addf(table, count > 0 ? style : STYLE_PLAIN, "%" PRIi64, count);
}

/* What goes on, or was cancelled before it came to an end. */
static int64_t open_items(const struct jval *step) {
        return jval_get_int(step, "pending", 0) + jval_get_int(step, "running", 0) + jval_get_int(step, "cancelled", 0);
}

static void add_step(struct table *table, const struct jval *step) {
        const struct jval *median = jval_get(step, "median");
        char text[TEXT_SIZE];
        int64_t open = open_items(step);
        _cleanup_free_ char *counters = text_members(jval_get(step, "metrics"));
        table_add(table, STYLE_BOLD, jval_get_str(step, "step_name"));
        add_count(table, jval_get_int(step, "items", 0), STYLE_PLAIN);
        add_count(table, jval_get_int(step, "success", 0), style_of_status("success"));
        add_count(table, jval_get_int(step, "failed", 0), style_of_status("failed"));
        add_count(table, jval_get_int(step, "skipped", 0), style_of_status("skipped"));
        if (open > 0)
                table_addf(table, STYLE_PLAIN, "%" PRIi64, open);
        else
                table_add(table, STYLE_PLAIN, NULL);
        table_add(table, STYLE_PLAIN, text_duration(text, jval_get_real(step, "duration_seconds", -1)));
        table_add(table, STYLE_DIM, text_duration(text, jval_get_real(median, "duration_seconds", -1)));
        add_number(table, step, "records_processed");
        add_number(table, median, "records_processed");
        table_add(table, STYLE_PLAIN, counters);
}

static void append_took(const struct context *context, const struct jval *summary, struct buf *out) {
        const struct jval *run = jval_get(summary, "run"), *compared = jval_get(summary, "compared");
        const struct jval *totals = jval_get(summary, "totals");
        char started[TEXT_SIZE], took[TEXT_SIZE], usual[TEXT_SIZE], count[TEXT_SIZE];
        int64_t runs = jval_get_int(compared, "runs", 0);
        const char *mode = jval_get_str(run, "batch_mode"), *error = jval_get_str(run, "error_message");
        if (mode)
                append_labelled(out, &context->out, "mode", STYLE_PLAIN, mode);
        append_labelled(out, &context->out, "started", STYLE_PLAIN,
                        text_instant(started, run, "started_at", context->global.utc));
        _cleanup_free_ char *usually =
                runs > 0 ? xasprintf(" (usually %s: the median of %s)",
                                     text_duration(usual, jval_get_real(compared, "duration_seconds", -1)),
                                     text_count(count, runs, "earlier run"))
                         : xstrdup(" (no earlier run to compare with)");
        _cleanup_free_ char *line =
                xasprintf("%s%s", text_duration(took, jval_get_real(run, "duration_seconds", -1)), usually);
        append_labelled(out, &context->out, "took", STYLE_PLAIN, line);
        _cleanup_free_ char *items = xasprintf(
                "%" PRIi64 ": %" PRIi64 " success, %" PRIi64 " failed, %" PRIi64 " skipped%s",
                jval_get_int(totals, "items", 0), jval_get_int(totals, "success", 0), jval_get_int(totals, "failed", 0),
                jval_get_int(totals, "skipped", 0), open_items(totals) > 0 ? ", others open" : "");
        append_labelled(out, &context->out, "items", STYLE_PLAIN, items);
        _cleanup_free_ char *counters = text_members(jval_get(run, "metrics"));
        if (counters[0])
                append_labelled(out, &context->out, "counters", STYLE_PLAIN, counters);
        if (error && error[0])
                append_labelled(out, &context->out, "error", STYLE_RED, error);
}

/* "positions 150 (mean 50, 10 to 90)" of each */
static void append_values(const struct context *context, const struct jval *values, struct buf *out) {
        static const struct table_column columns[] = {{.title = "VALUE"},
                                                      {.title = "SUM", .right = true},
                                                      {.title = "MEAN", .right = true},
                                                      {.title = "LEAST", .right = true},
                                                      {.title = "MOST", .right = true},
                                                      {.title = "TIMES", .right = true}};
        static const char *const keys[] = {"sum", "mean", "least", "most", "count"};
        if (!jval_is_object(values) || jval_object_size(values) == 0)
                return;
        _cleanup_table_ struct table table;
        table_init(&table, columns, ELEMENTSOF(columns));
        for (void *i = jval_iter(values); i; i = jval_iter_next(values, i)) {
                table_add(&table, STYLE_PLAIN, jval_iter_key(i));
                for (size_t k = 0; k < ELEMENTSOF(keys); k++)
                        add_number(&table, jval_iter_value(i), keys[k]);
        }
        (void)buf_append_char(out, '\n');
        table_render(&table, &context->out, 0, out);
}

/* "3: 2 full, 1 limited, 0 failed"; false when nobody said anything. */
static bool append_quality_line(const struct context *context, const struct jval *quality, struct buf *out) {
        int64_t targets = jval_get_int(quality, "targets", 0), unknown = jval_get_int(quality, "unknown", 0);
        if (targets == unknown)
                return false;
        _cleanup_free_ char *other = unknown > 0 ? xasprintf(", %" PRIi64 " unknown", unknown) : xstrdup("");
        _cleanup_free_ char *line =
                xasprintf("%" PRIi64 ": %" PRIi64 " full, %" PRIi64 " limited, %" PRIi64 " failed%s", targets,
                          jval_get_int(quality, "full", 0), jval_get_int(quality, "limited", 0),
                          jval_get_int(quality, "failed", 0), other);
        append_labelled(out, &context->out, "data quality", STYLE_PLAIN, line);
        return true;
}

void view_summary(const struct context *context, const struct jval *summary, struct buf *out) {
        const struct jval *steps = jval_get(summary, "steps"), *quality = jval_get(summary, "quality");
        view_run_title(context, jval_get(summary, "run"), out);
        append_took(context, summary, out);
        bool has_quality = append_quality_line(context, quality, out);
        _cleanup_table_ struct table table;
        table_init(&table, step_columns, ELEMENTSOF(step_columns));
        for (size_t i = 0; i < jval_array_size(steps); i++)
                add_step(&table, jval_at(steps, i));
        (void)buf_append_char(out, '\n');
        table_render(&table, &context->out, 0, out);
        if (has_quality)
                append_values(context, jval_get(quality, "values"), out);
}

static enum style style_of_quality(const char *quality) {
        if (streq(quality, "full"))
                return STYLE_GREEN;
        if (streq(quality, "limited"))
                return STYLE_YELLOW;
        return streq(quality, "failed") ? STYLE_RED : STYLE_DIM;
}

void view_quality(const struct context *context, const struct jval *quality, struct buf *out) {
        static const struct table_column columns[] = {
                {.title = "ITEM", .name = true}, {.title = "QUALITY"}, {.title = "MISSING", .flexible = true}};
        const struct jval *items = jval_get(quality, "items");
        view_run_title(context, quality, out);
        if (!append_quality_line(context, quality, out)) {
                (void)buf_append_str(out,
                                     "no step of it said how good its data is (QUALITY=full, limited or failed)\n");
                return;
        }
        _cleanup_table_ struct table table;
        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(items); i++) {
                const struct jval *item = jval_at(items, i);
                const char *word = str_or(jval_get_str(item, "quality"), "unknown");
                _cleanup_free_ char *missing = text_members(jval_get(item, "missing"));
                table_add(&table, STYLE_BOLD, jval_get_str(item, "item"));
                table_add(&table, style_of_quality(word), word);
                table_add(&table, STYLE_PLAIN, missing);
        }
        (void)buf_append_char(out, '\n');
        table_render(&table, &context->out, 0, out);
        append_values(context, jval_get(quality, "values"), out);
}
