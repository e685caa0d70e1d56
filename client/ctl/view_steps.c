/* Steps of all runs as tables. */
#include <inttypes.h>

#include "macro.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "view.h"

static const struct table_column step_columns[] = {
        {.title = "STEP", .name = true},
        {.title = "ITEM", .name = true},
        {.title = "STATUS", .flexible = true},
        {.title = "ENDED"},
        {.title = "DURATION", .right = true},
        {.title = "RECORDS", .right = true, .optional = true},
        {.title = "ATTEMPT", .right = true, .optional = true},
        {.title = "RUN", .right = true},
        {.title = "JOB", .name = true},
        {.title = "ERROR", .flexible = true},
};

static void add_positive(struct table *table, int64_t value, int64_t above) {
        if (value > above)
                table_addf(table, STYLE_PLAIN, "%" PRIi64, value);
        else
                table_add(table, STYLE_PLAIN, NULL);
}

static void add_step(struct table *table, const struct context *context, const struct jval *step) {
        char text[TEXT_SIZE];
        const char *item = str_or(jval_get_str(step, "item"), "");
        _cleanup_free_ char *words = text_status(step);
        table_add(table, STYLE_BOLD, jval_get_str(step, "step_name"));
        table_add(table, STYLE_PLAIN, item[0] ? item : NULL);
        table_add(table, style_of_status(jval_get_str(step, "status")), words);
        table_add(table, STYLE_PLAIN, text_instant(text, step, "completed_at", context->global.utc));
        table_add(table, STYLE_PLAIN, text_duration(text, jval_get_real(step, "duration_seconds", -1)));
        add_positive(table, jval_get_int(step, "records_processed", -1), -1);
        add_positive(table, jval_get_int(step, "attempt", 1), 1);
        table_addf(table, STYLE_PLAIN, "%" PRIi64, jval_get_int(step, "run_number", 0));
        table_add(table, STYLE_PLAIN, jval_get_str(step, "job"));
        table_add(table, STYLE_PLAIN, str_or(jval_get_str(step, "error_message"), ""));
}

void view_steps(const struct context *context, const struct jval *steps, struct buf *out) {
        _cleanup_table_ struct table table;
        table_init(&table, step_columns, ELEMENTSOF(step_columns));
        for (size_t i = 0; i < jval_array_size(steps); i++)
                add_step(&table, context, jval_at(steps, i));
        table_render(&table, &context->out, 0, out);
}

static const struct table_column count_columns[] = {
        {.title = "STEP", .name = true},     {.title = "TOTAL", .right = true},
        {.title = "SUCCESS", .right = true}, {.title = "FAILED", .right = true},
        {.title = "SKIPPED", .right = true}, {.title = "CANCELLED", .right = true, .optional = true},
        {.title = "LAST SUCCESS"},           {.title = "LAST FAILURE"},
};

static void add_counts(struct table *table, const struct context *context, const struct jval *step) {
        static const char *const statuses[] = {"success", "failed", "skipped", "cancelled"};
        const struct jval *counts = jval_get(step, "counts");
        char text[TEXT_SIZE];
        table_add(table, STYLE_BOLD, jval_get_str(step, "step_name"));
        table_addf(table, STYLE_PLAIN, "%" PRIi64, jval_get_int(step, "total", 0));
        for (size_t i = 0; i < ELEMENTSOF(statuses); i++) {
                int64_t count = jval_get_int(counts, statuses[i], 0);
                table_addf(table, count > 0 ? style_of_status(statuses[i]) : STYLE_PLAIN, "%" PRIi64, count);
        }
        table_add(table, STYLE_PLAIN, text_instant(text, step, "last_success_at", context->global.utc));
        table_add(table, STYLE_PLAIN, text_instant(text, step, "last_failure_at", context->global.utc));
}

void view_step_counts(const struct context *context, const struct jval *steps, struct buf *out) {
        _cleanup_table_ struct table table;
        table_init(&table, count_columns, ELEMENTSOF(count_columns));
        for (size_t i = 0; i < jval_array_size(steps); i++)
                add_counts(&table, context, jval_at(steps, i));
        table_render(&table, &context->out, 0, out);
}
