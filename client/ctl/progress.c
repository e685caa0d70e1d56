#include "progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "macro.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "utf8.h"
#include "xalloc.h"

#define BAR_MIN 10
#define BAR_MAX 40

void progress_done(struct progress *progress) {
        free(progress->job);
        free(progress->status);
        free(progress->step);
        free(progress->item);
        free(progress->status_text);
        *progress = (struct progress){0};
}

static void take_text(char **member, const struct jval *object, const char *key) {
        if (!jval_has(object, key))
                return;
        const char *text = jval_get_str(object, key);
        free(*member);
        *member = text && text[0] != '\0' ? text_visible(text) : NULL;
}

void progress_take(struct progress *progress, const struct jval *object, usec_t now_boot) {
        /* run.current has the counts beside the rest, the others in an object of their own */
        const struct jval *counts = jval_has(object, "progress") ? jval_get(object, "progress") : object;
        take_text(&progress->job, object, "job");
        take_text(&progress->status, object, "status");
        take_text(&progress->step, object, "current_step");
        take_text(&progress->item, object, "current_item");
        take_text(&progress->status_text, object, "status_text");
        progress->run_number = jval_get_int(object, "run_number", progress->run_number);
        progress->step_done = jval_get_int(object, "step_done", 0);
        progress->step_total = jval_get_int(object, "step_total", 0);
        progress->total = jval_get_int(counts, "total", progress->total);
        progress->completed = jval_get_int(counts, "completed", progress->completed);
        progress->failed = jval_get_int(counts, "failed", progress->failed);
        progress->percent =
                jval_get_real(counts, "percent", jval_get_real(object, "progress_percent", progress->percent));
        if (jval_has(object, "elapsed_seconds")) {
                progress->elapsed = jval_get_real(object, "elapsed_seconds", 0);
                progress->taken = now_boot;
        }
}

void bar_append(struct buf *out, const struct term *term, enum style style, double percent, size_t columns) {
        double share = percent < 0 ? 0 : percent > 100 ? 1 : percent / 100;
        size_t filled = (size_t)(share * (double)columns + 0.5);
        (void)buf_appendf(out, "%s", term_begin(term, style));
        for (size_t i = 0; i < filled; i++)
                (void)buf_append_str(out, term->unicode ? "█" : "#");
        (void)buf_appendf(out, "%s%s", term_end(term, style), term_begin(term, STYLE_DIM));
        for (size_t i = filled; i < columns; i++)
                (void)buf_append_str(out, term->unicode ? "░" : "-");
        (void)buf_append_str(out, term_end(term, STYLE_DIM));
}

static double elapsed_now(const struct progress *progress, usec_t now_boot) {
        if (progress->taken == 0 || now_boot < progress->taken)
                return progress->elapsed;
        return progress->elapsed + (double)(now_boot - progress->taken) / (double)USEC_PER_SEC;
}

/* "game_logs KC@BUF 3/15" */
static void append_where(struct buf *out, const struct progress *progress) {
        if (!progress->step) {
                (void)buf_appendf(out, "  %s", str_or(progress->status, "waiting"));
                return;
        }
        (void)buf_appendf(out, "  %s", progress->step);
        if (progress->item)
                (void)buf_appendf(out, " %s", progress->item);
        if (progress->step_total > 0)
                (void)buf_appendf(out, " %" PRIi64 "/%" PRIi64, progress->step_done, progress->step_total);
}

static void append_counts(struct buf *out, const struct progress *progress, usec_t now_boot) {
        char duration[TEXT_SIZE];
        (void)buf_appendf(out, "  %" PRIi64 "/%" PRIi64 " done  %" PRIi64 " failed  %s", progress->completed,
                          progress->total, progress->failed,
                          text_duration(duration, (double)(int64_t)elapsed_now(progress, now_boot)));
}

void progress_append_line(const struct progress *progress, const struct term *term, size_t columns, usec_t now_boot,
                          struct buf *out) {
        _cleanup_buf_ struct buf left = BUF_INIT(4096), where = BUF_INIT(SIZE_MAX / 4), counts = BUF_INIT(4096);
        (void)buf_appendf(&left, "%s #%" PRIi64 " ", str_or(progress->job, "run"), progress->run_number);
        (void)buf_appendf(&counts, " %3d%%", (int)progress->percent);
        append_where(&where, progress);
        _cleanup_buf_ struct buf rest = BUF_INIT(4096);
        append_counts(&rest, progress, now_boot);

        size_t fixed = utf8_width(buf_data(&counts)) + utf8_width(buf_data(&rest));
        size_t name = utf8_width(buf_data(&left)), place = utf8_width(buf_data(&where));
        if (fixed + place + name + BAR_MIN > columns && name < columns) {
                buf_clear(&left); /* the job's name goes first, then the bar, then the end of the place */
                name = 0;
        }
        size_t used = fixed + place + name;
        size_t bar = used + BAR_MIN <= columns ? MIN((size_t)BAR_MAX, columns - used) : 0;
        size_t room = columns > fixed + name + bar ? columns - fixed - name - bar : 0;
        _cleanup_buf_ struct buf line = BUF_INIT(SIZE_MAX / 4);
        (void)buf_append_str(&line, buf_data(&left));
        if (bar > 0)
                bar_append(&line, term, progress->failed > 0 ? STYLE_RED : STYLE_GREEN, progress->percent, bar);
        (void)buf_append_str(&line, buf_data(&counts));
        append_cut(&line, term, buf_data(&where), room);
        (void)buf_append_str(&line, buf_data(&rest));
        (void)buf_append(out, buf_data(&line), line.len);
}
