/* How the jobs have been doing, as tables. */
#include <inttypes.h>
#include <stdio.h>

#include "macro.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "view.h"
#include "xalloc.h"

static bool is_number(const struct jval *object, const char *key) {
        enum jval_type type = jval_type_of(jval_get(object, key));
        return type == JVAL_INTEGER || type == JVAL_REAL;
}

/* "5.8%"; "-" where nothing ended. */
static char *text_rate(char ret[static TEXT_SIZE], const struct jval *health) {
        if (is_number(health, "failure_rate"))
                (void)snprintf(ret, TEXT_SIZE, "%.1f%%", 100 * jval_get_real(health, "failure_rate", 0));
        else
                (void)snprintf(ret, TEXT_SIZE, "-");
        return ret;
}

static const struct table_column columns[] = {
        {.title = "JOB", .name = true},
        {.title = "RUNS", .right = true},
        {.title = "SUCCESS", .right = true},
        {.title = "PARTIAL", .right = true, .optional = true},
        {.title = "FAILED", .right = true},
        {.title = "SKIPPED", .right = true, .optional = true},
        {.title = "CANCELLED", .right = true, .optional = true},
        {.title = "FAIL RATE", .right = true},
        {.title = "MEDIAN", .right = true},
        {.title = "P95", .right = true},
        {.title = "ZERO", .right = true},
        {.title = "LAST SUCCESS"},
};

static void add_job(struct table *table, const struct context *context, const struct jval *job) {
        static const char *const statuses[] = {"success", "partial", "failed", "skipped", "cancelled"};
        char text[TEXT_SIZE];
        int64_t zeros = jval_get_int(job, "zero_record_runs", 0);
        table_add(table, STYLE_BOLD, jval_get_str(job, "job"));
        table_addf(table, STYLE_PLAIN, "%" PRIi64, jval_get_int(job, "runs", 0));
        for (size_t i = 0; i < ELEMENTSOF(statuses); i++) {
                int64_t count = jval_get_int(job, statuses[i], 0);
                table_addf(table, count > 0 ? style_of_status(statuses[i]) : STYLE_PLAIN, "%" PRIi64, count);
        }
        table_add(table, STYLE_PLAIN, text_rate(text, job));
        table_add(table, STYLE_PLAIN, text_duration(text, jval_get_real(job, "median_duration_seconds", -1)));
        table_add(table, STYLE_PLAIN, text_duration(text, jval_get_real(job, "p95_duration_seconds", -1)));
        table_addf(table, zeros > 0 ? STYLE_YELLOW : STYLE_PLAIN, "%" PRIi64, zeros);
        table_add(table, STYLE_PLAIN, text_instant(text, job, "last_success_at", context->global.utc));
}

static const struct table_column compare_columns[] = {
        {.title = "JOB", .name = true},        {.title = "RUNS", .right = true}, {.title = "FAILED", .right = true},
        {.title = "FAIL RATE", .right = true}, {.title = "ZERO", .right = true}, {.title = "MEDIAN", .right = true},
        {.title = "P95", .right = true},
};

/* "3 -> 0" */
static void add_pair(struct table *table, const char *before, const char *after) {
        _cleanup_free_ char *text = xasprintf("%s -> %s", before, after);
        table_add(table, streq(before, after) ? STYLE_PLAIN : STYLE_BOLD, text);
}

static void add_counts(struct table *table, const struct jval *job, const char *key) {
        char before[TEXT_SIZE], after[TEXT_SIZE];
        (void)snprintf(before, sizeof(before), "%" PRIi64, jval_get_int(jval_get(job, "before"), key, 0));
        (void)snprintf(after, sizeof(after), "%" PRIi64, jval_get_int(jval_get(job, "after"), key, 0));
        add_pair(table, before, after);
}

static void add_durations(struct table *table, const struct jval *job, const char *key) {
        char before[TEXT_SIZE], after[TEXT_SIZE];
        add_pair(table, text_duration(before, jval_get_real(jval_get(job, "before"), key, -1)),
                 text_duration(after, jval_get_real(jval_get(job, "after"), key, -1)));
}

static void add_comparison(struct table *table, const struct jval *job) {
        char before[TEXT_SIZE], after[TEXT_SIZE];
        table_add(table, STYLE_BOLD, jval_get_str(job, "job"));
        add_counts(table, job, "runs");
        add_counts(table, job, "failed");
        add_pair(table, text_rate(before, jval_get(job, "before")), text_rate(after, jval_get(job, "after")));
        add_counts(table, job, "zero_record_runs");
        add_durations(table, job, "median_duration_seconds");
        add_durations(table, job, "p95_duration_seconds");
}

void view_health(const struct context *context, const struct jval *health, struct buf *out) {
        const struct jval *jobs = jval_get(health, "jobs");
        bool compares = jval_has(health, "compare"), utc = context->global.utc;
        char since[TEXT_SIZE], date[TEXT_SIZE], until[TEXT_SIZE];
        if (jval_array_size(jobs) == 0) {
                (void)buf_append_str(out, "no runs in that time\n");
                return;
        }
        _cleanup_table_ struct table table;
        if (compares)
                table_init(&table, compare_columns, ELEMENTSOF(compare_columns));
        else
                table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(jobs); i++)
                if (compares)
                        add_comparison(&table, jval_at(jobs, i));
                else
                        add_job(&table, context, jval_at(jobs, i));
        if (compares)
                (void)buf_appendf(out, "before: %s to %s, after: until %s\n\n",
                                  text_instant(since, health, "since", utc), text_instant(date, health, "compare", utc),
                                  text_instant(until, health, "until", utc));
        table_render(&table, &context->out, 0, out);
}
