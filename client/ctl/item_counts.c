#include "item_counts.h"

#include <inttypes.h>

#include "strutil.h"

#define TENTHS 10

void item_counts_done(struct item_counts *counts) {
        jval_unref(counts->told);
        jval_unref(counts->totals);
}

static void append_counts(const struct jval *step, bool is_done, struct buf *out, const struct term *term) {
        int64_t total = jval_get_int(step, "total", 0), completed = jval_get_int(step, "completed", 0),
                failed = jval_get_int(step, "failed", 0), skipped = jval_get_int(step, "skipped", 0);

        (void)buf_appendf(out, "%s==%s %s%s%s: ", term_begin(term, STYLE_DIM), term_end(term, STYLE_DIM),
                          term_begin(term, STYLE_BOLD), str_or(jval_get_str(step, "step_name"), "-"),
                          term_end(term, STYLE_BOLD));
        if (is_done)
                (void)buf_appendf(out, "all %" PRIi64 " items done", total);
        else if (completed == 0)
                (void)buf_appendf(out, "%" PRIi64 " items", total);
        else
                (void)buf_appendf(out, "%" PRIi64 " of %" PRIi64 " items done", completed, total);
        if (failed > 0)
                (void)buf_appendf(out, ", %s%" PRIi64 " failed%s", term_begin(term, STYLE_RED), failed,
                                  term_end(term, STYLE_RED));
        if (skipped > 0)
                (void)buf_appendf(out, ", %" PRIi64 " skipped", skipped);
        (void)buf_append_char(out, '\n');
}

void item_counts_take(struct item_counts *counts, const struct jval *items, struct buf *out, const struct term *term) {
        for (size_t i = 0; i < jval_array_size(items); i++) {
                const struct jval *step = jval_at(items, i);
                const char *name = str_or(jval_get_str(step, "step_name"), "");
                int64_t total = jval_get_int(step, "total", 0), completed = jval_get_int(step, "completed", 0), tenth;

                if (!jval_get_bool(step, "known", false) || total <= ITEMS_IN_FULL)
                        continue;
                jval_set_int(counts->totals, name, total);
                tenth = completed == total ? TENTHS + 1 : completed * TENTHS / total;
                if (jval_get_int(counts->told, name, -1) >= tenth)
                        continue;
                jval_set_int(counts->told, name, tenth);
                append_counts(step, completed == total, out, term);
        }
}

bool is_one_of_many(const struct jval *totals, const struct jval *step) {
        const char *item = jval_get_str(step, "item");

        return item && item[0] != '\0' &&
               jval_get_int(totals, str_or(jval_get_str(step, "step_name"), ""), 0) > ITEMS_IN_FULL;
}

bool item_is_only_counted(const struct item_counts *counts, const struct jval *step) {
        return is_one_of_many(counts->totals, step) && !streq_null(jval_get_str(step, "status"), "failed");
}

struct jval *count_items(const struct jval *steps) {
        struct jval *totals = jval_object();

        for (size_t i = 0; i < jval_array_size(steps); i++) {
                const struct jval *step = jval_at(steps, i);
                const char *name = str_or(jval_get_str(step, "step_name"), ""), *item = jval_get_str(step, "item");

                if (item && item[0] != '\0')
                        jval_set_int(totals, name, jval_get_int(totals, name, 0) + 1);
        }
        return totals;
}
