/* Due times as a table. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "macro.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "view.h"

/* "Tue 2026-11-24 06:00:00 -05:00" of "2026-11-24T06:00:00.000000-05:00"; "-" of anything else. */
static const char *local_text(char ret[static TEXT_SIZE], const char *local) {
        static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        struct tm tm = {0};

        if (!local || strlen(local) < sizeof("2026-11-24T06:00:00.000000-05:00") - 1 ||
            sscanf(local, "%4d-%2d-%2dT", &tm.tm_year, &tm.tm_mon, &tm.tm_mday) != 3)
                return "-";
        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
        (void)timegm(&tm); /* fills in the weekday */
        (void)snprintf(ret, TEXT_SIZE, "%s %.10s %.8s %.6s", weekdays[tm.tm_wday % 7], local, local + 11, local + 26);
        return ret;
}

static enum style style_of_outcome(const char *outcome) {
        if (!outcome || streq(outcome, "ran"))
                return STYLE_PLAIN;
        return streq(outcome, "missed") ? STYLE_RED : STYLE_BOLD;
}

/* What became of it, or what is to be known of it before. */
static void add_outcome(struct table *table, const struct jval *due) {
        const char *outcome = jval_get_str(due, "outcome"), *reason = jval_get_str(due, "reason");
        const char *change = jval_get_str(due, "clock_change");
        int64_t run = jval_get_int(due, "run_number", 0);
        _cleanup_buf_ struct buf out = BUF_INIT(SCREEN_MAX);
        char text[TEXT_SIZE];

        if (outcome)
                (void)buf_appendf(&out, "%s%s%s", outcome, reason ? ": " : "", str_or(reason, ""));
        else if (jval_get_bool(due, "paused", false))
                (void)buf_append_str(&out, "paused");
        if (run > 0)
                (void)buf_appendf(&out, " #%" PRIi64, run);
        if (jval_has(due, "due_until"))
                (void)buf_appendf(&out, ", and those until %s UTC", text_instant(text, due, "due_until", true));
        if (jval_get_int(due, "due_count", 0) > 0)
                (void)buf_appendf(&out, " (%" PRIi64 ")", jval_get_int(due, "due_count", 0));
        if (jval_get_str(due, "starts_at"))
                (void)buf_appendf(&out, "%sstarts %s UTC", out.len > 0 ? ", " : "",
                                  text_instant(text, due, "starts_at", true));
        if (change)
                (void)buf_appendf(&out, "%s%s", out.len > 0 ? ", " : "",
                                  streq(change, "gap") ? "clocks skip the local time: right after the change"
                                                       : "clocks show the local time twice: the first time");
        table_add(table, style_of_outcome(outcome), out.len > 0 ? buf_data(&out) : "");
}

void view_due_times(const struct context *context, const struct jval *result, struct buf *out) {
        static const struct table_column columns[] = {{.title = "DUE"},
                                                      {.title = "UTC"},
                                                      {.title = "JOB", .name = true},
                                                      {.title = "ZONE", .optional = true},
                                                      {.title = "", .flexible = true}};
        const struct jval *list = jval_get(result, "due_times");
        char text[TEXT_SIZE];

        if (jval_array_size(list) == 0) {
                (void)buf_append_str(out, "Nothing is due: no job has an OnCalendar= with a time to come.\n");
                return;
        }
        _cleanup_table_ struct table table;
        table_init(&table, columns, ELEMENTSOF(columns));
        for (size_t i = 0; i < jval_array_size(list); i++) {
                const struct jval *due = jval_at(list, i);

                table_add(&table, STYLE_PLAIN, local_text(text, jval_get_str(due, "local_at")));
                table_add(&table, STYLE_PLAIN, text_instant(text, due, "due_at", true));
                table_add(&table, STYLE_BOLD, jval_get_str(due, "job"));
                table_add(&table, STYLE_PLAIN, jval_get_str(due, "zone"));
                add_outcome(&table, due);
        }
        table_render(&table, &context->out, 0, out);
}
