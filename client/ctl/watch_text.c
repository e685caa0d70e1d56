#include "watch_text.h"

#include <inttypes.h>
#include <string.h>

#include "macro.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "utf8.h"
#include "xalloc.h"

#define STEP_WIDTH_MAX 32

static char *step_label(const struct jval *object, const char *step_key) {
        const char *step = str_or(jval_get_str(object, step_key), "-"), *item = jval_get_str(object, "item");
        _cleanup_free_ char *label = item && item[0] != '\0' ? xasprintf("%s[%s]", step, item) : xstrdup(step);
        return text_visible(label);
}

/* The clock part of an instant: within a run that is what people look for. */
static const char *clock_of(char text[static TEXT_SIZE], const struct jval *line, bool utc) {
        const char *instant = text_instant(text, line, "time", utc);
        const char *space = strchr(instant, ' ');
        return space ? space + 1 : instant;
}

void append_log_line(struct buf *out, const struct term *term, const struct jval *line, bool utc, size_t *step_width,
                     bool raw) {
        char time[TEXT_SIZE];
        bool is_stderr = streq_null(jval_get_str(line, "stream"), "stderr");
        _cleanup_free_ char *label = step_label(line, "step");
        const char *text = str_or(jval_get_str(line, "text"), "");
        _cleanup_free_ char *shown = raw ? xstrdup(text) : text_visible(text);
        enum style style = is_stderr ? STYLE_RED : STYLE_PLAIN;
        *step_width = MIN(MAX(*step_width, utf8_width(label)), (size_t)STEP_WIDTH_MAX);
        size_t padding = *step_width - MIN(utf8_width(label), *step_width);
        (void)buf_appendf(out, "%s%s %s%*s%s %s%c %s%s\n", term_begin(term, STYLE_DIM), clock_of(time, line, utc),
                          label, (int)padding, "", term_end(term, STYLE_DIM), term_begin(term, style),
                          is_stderr ? '!' : '|', shown, term_end(term, style));
}

void append_step_change(struct buf *out, const struct term *term, const struct jval *step) {
        const char *status = str_or(jval_get_str(step, "status"), "-");
        int64_t attempt = jval_get_int(step, "attempt", 0), records = jval_get_int(step, "records_processed", -1);
        double duration = jval_get_real(step, "duration_seconds", -1);
        const char *error = jval_get_str(step, "error_message");
        _cleanup_free_ char *label = step_label(step, "step_name");
        _cleanup_free_ char *words = text_status(step);
        enum style style = style_of_status(status);
        char text[TEXT_SIZE];
        (void)buf_appendf(out, "%s==%s %s%s%s: %s%s%s", term_begin(term, STYLE_DIM), term_end(term, STYLE_DIM),
                          term_begin(term, STYLE_BOLD), label, term_end(term, STYLE_BOLD), term_begin(term, style),
                          words, term_end(term, style));
        if (attempt > 1)
                (void)buf_appendf(out, ", attempt %" PRIi64, attempt);
        if (duration >= 0)
                (void)buf_appendf(out, " in %s", text_duration(text, duration));
        if (records >= 0)
                (void)buf_appendf(out, ", %s", text_count(text, records, "record"));
        if (error && !streq(status, "success")) {
                _cleanup_free_ char *shown = text_visible(error);
                (void)buf_appendf(out, ": %s", shown);
        }
        (void)buf_append_char(out, '\n');
}

void append_run_end(struct buf *out, const struct term *term, const struct jval *run) {
        const char *status = str_or(jval_get_str(run, "status"), "-"), *error = jval_get_str(run, "error_message");
        int64_t number = jval_get_int(run, "run_number", 0);
        double duration = jval_get_real(run, "duration_seconds", jval_get_real(run, "elapsed_seconds", -1));
        enum style style = style_of_status(status);
        _cleanup_free_ char *words = text_status(run);
        char text[TEXT_SIZE];
        (void)buf_appendf(out, "%s #%" PRIi64 ": %s%s%s", str_or(jval_get_str(run, "job"), "run"), number,
                          term_begin(term, style), words, term_end(term, style));
        if (duration >= 0)
                (void)buf_appendf(out, " in %s", text_duration(text, duration));
        if (error && error[0] != '\0') {
                _cleanup_free_ char *shown = text_visible(error);
                (void)buf_appendf(out, ": %s", shown);
        }
        (void)buf_append_char(out, '\n');
        if (streq(status, "failed") || streq(status, "partial"))
                (void)buf_appendf(out,
                                  "%sall of it: batchctl status %" PRIi64 ", output of the step: batchctl logs %" PRIi64
                                  "%s\n",
                                  term_begin(term, STYLE_DIM), number, number, term_end(term, STYLE_DIM));
}
