/* What a job file rules beyond the plain order of steps, in words. */
#include "view_rules.h"

#include <inttypes.h>

#include "strutil.h"
#include "text.h"
#include "xalloc.h"

static void begin_rule(struct buf *out) {
        if (out->len > 0)
                (void)buf_append_str(out, "; ");
}

static void append_words(struct buf *out, const struct jval *words) {
        for (size_t i = 0; i < jval_array_size(words); i++)
                (void)buf_appendf(out, " %s", str_or(jval_str(jval_at(words, i)), "?"));
}

static void append_command(struct buf *out, const char *what, const struct jval *words) {
        if (jval_array_size(words) == 0)
                return;
        begin_rule(out);
        (void)buf_append_str(out, what);
        append_words(out, words);
}

static void append_items(struct buf *out, const struct jval *step) {
        int64_t parallel = jval_get_int(step, "max_parallel", 0);
        double delay = jval_get_real(step, "item_delay_seconds", 0);
        char text[TEXT_SIZE];

        append_command(out, "for each of", jval_get(step, "for_each"));
        append_command(out, "for each line of", jval_get(step, "for_each_command"));
        if (parallel > 1)
                (void)buf_appendf(out, ", %" PRIi64 " at once", parallel);
        if (delay > 0)
                (void)buf_appendf(out, ", %s apart", text_duration(text, delay));
}

static void append_slots(struct buf *out, const struct jval *limits) {
        for (void *i = jval_iter(limits); i; i = jval_iter_next(limits, i)) {
                begin_rule(out);
                (void)buf_appendf(out, "takes %" PRIi64 " of limit %s", jval_int(jval_iter_value(i), 0),
                                  jval_iter_key(i));
        }
}

char *step_rules(const struct jval *step) {
        _cleanup_buf_ struct buf out = BUF_INIT(SCREEN_MAX);
        double heartbeat = jval_get_real(step, "heartbeat_seconds", -1);
        const char *fallback = jval_get_str(step, "fallback");
        char text[TEXT_SIZE];

        append_items(&out, step);
        append_command(&out, "if", jval_get(step, "condition"));
        if (heartbeat >= 0) {
                begin_rule(&out);
                (void)buf_appendf(&out, "a heartbeat each %s, else it is %s", text_duration(text, heartbeat),
                                  streq_null(jval_get_str(step, "heartbeat_action"), "kill") ? "ended" : "warned of");
        }
        if (fallback) {
                begin_rule(&out);
                (void)buf_appendf(&out, "%s instead when it fails", fallback);
        }
        append_slots(&out, jval_get(step, "limits"));
        return buf_steal(&out);
}

static void append_list(const struct context *context, const char *label, const struct jval *words, struct buf *out) {
        _cleanup_buf_ struct buf text = BUF_INIT(SCREEN_MAX);

        append_words(&text, words);
        if (text.len > 0)
                append_labelled(out, &context->out, label, STYLE_PLAIN, buf_data(&text) + 1);
}

static void append_deadline(const struct context *context, const struct jval *job, struct buf *out) {
        const struct jval *list = jval_get(job, "deadline");
        char next[TEXT_SIZE];

        for (size_t i = 0; i < jval_array_size(list); i++)
                append_labelled(out, &context->out, "deadline", STYLE_PLAIN, jval_str(jval_at(list, i)));
        if (jval_array_size(list) > 0)
                append_labelled(out, &context->out, "next one", STYLE_PLAIN,
                                text_instant(next, job, "next_deadline", context->global.utc));
}

void append_job_rules(const struct context *context, const struct jval *job, struct buf *out) {
        _cleanup_buf_ struct buf slots = BUF_INIT(SCREEN_MAX);

        append_deadline(context, job, out);
        append_list(context, "after jobs", jval_get(job, "after_jobs"), out);
        append_list(context, "ready when", jval_get(job, "ready_when"), out);
        append_list(context, "condition", jval_get(job, "condition"), out);
        append_list(context, "on failure", jval_get(job, "on_failure"), out);
        append_list(context, "recovery", jval_get(job, "on_recovery"), out);
        append_slots(&slots, jval_get(job, "limits"));
        if (slots.len > 0)
                append_labelled(out, &context->out, "limits", STYLE_PLAIN, buf_data(&slots));
        if (jval_get_bool(job, "restart_lost", false))
                append_labelled(out, &context->out, "lost runs", STYLE_PLAIN, "are started again");
}
