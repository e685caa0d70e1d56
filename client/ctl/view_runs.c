#include <inttypes.h>

#include "macro.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "view.h"
#include "xalloc.h"

static const struct table_column columns[] = {
        {.title = "RUN", .right = true},
        {.title = "JOB", .name = true},
        {.title = "MODE", .optional = true},
        {.title = "STATUS", .flexible = true},
        {.title = "STARTED"},
        {.title = "DURATION", .right = true},
        {.title = "TRIGGER", .optional = true},
        {.title = "PARAMETERS", .flexible = true, .optional = true},
        {.title = "ERROR", .flexible = true},
};

/* "week=12", and of a backfill what it goes through: "backfill day=2026-11-01..2026-11-20 team=BOS". New string. */
static char *parameters_text(const struct jval *run) {
        const struct jval *backfill = jval_get(run, "backfill");
        char *own = text_members(jval_get(run, "parameters"));
        if (!jval_is_object(backfill))
                return own;
        _cleanup_free_ char *rest = own;
        return xasprintf("backfill %s=%s..%s%s%s", str_or(jval_get_str(backfill, "parameter"), "?"),
                         str_or(jval_get_str(backfill, "first"), "?"), str_or(jval_get_str(backfill, "last"), "?"),
                         rest[0] ? " " : "", rest);
}

static void add_run(struct table *table, const struct context *context, const struct jval *run) {
        char text[TEXT_SIZE];
        const char *status = jval_get_str(run, "status");
        double duration = jval_get_real(run, "duration_seconds", jval_get_real(run, "elapsed_seconds", -1));
        _cleanup_free_ char *words = text_status(run);
        _cleanup_free_ char *parameters = parameters_text(run);
        table_addf(table, STYLE_BOLD, "%" PRIi64, jval_get_int(run, "run_number", 0));
        table_add(table, STYLE_PLAIN, jval_get_str(run, "job"));
        table_add(table, STYLE_PLAIN, jval_get_str(run, "batch_mode"));
        table_add(table, style_of_status(status), words);
        table_add(table, STYLE_PLAIN,
                  text_instant(text, run, get_instant(run, "started_at") ? "started_at" : "created_at",
                               context->global.utc));
        table_add(table, STYLE_PLAIN, text_duration(text, duration));
        table_add(table, STYLE_PLAIN, jval_get_str(run, "triggered_by"));
        table_add(table, STYLE_PLAIN, parameters);
        table_add(table, STYLE_PLAIN, str_or(jval_get_str(run, "error_message"), ""));
}

void view_runs(const struct context *context, const struct jval *runs, struct buf *out) {
        _cleanup_table_ struct table table;
        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(runs); i++)
                add_run(&table, context, jval_at(runs, i));
        table_render(&table, &context->out, 0, out);
}
