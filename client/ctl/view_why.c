/* Why, on one screen: the sentence, the facts, the failure with what it said, what has changed, what to do. */
#include <inttypes.h>
#include <string.h>

#include "macro.h"
#include "strutil.h"
#include "table.h"
#include "text.h"
#include "view.h"
#include "xalloc.h"

/* The instants of a fact behind its text: " (since 12:00:00, 5min ago; until 13:00:00)". */
static void append_instants(struct buf *line, const struct jval *fact, bool utc) {
        static const struct {
                const char *key, *word;
        } instants[] = {{"due_at", ""},
                        {"since", "since "},
                        {"started_at", "begun "},
                        {"held_since", "said "},
                        {"until", "until "}};
        char text[TEXT_SIZE], ago[TEXT_SIZE];
        bool any = false;

        for (size_t i = 0; i < ELEMENTSOF(instants); i++) {
                usec_t instant = get_instant(fact, instants[i].key), now = now_realtime();
                if (instant == 0)
                        continue;
                (void)buf_appendf(line, "%s%s%s", any ? "; " : " (", instants[i].word,
                                  text_instant(text, fact, instants[i].key, utc));
                if (instant <= now)
                        (void)buf_appendf(line, ", %s", text_ago(ago, fact, instants[i].key, now));
                else
                        (void)buf_appendf(line, ", in %s",
                                          text_duration(text, (double)((instant - now) / USEC_PER_SEC)));
                any = true;
        }
        if (any)
                (void)buf_append_char(line, ')');
}

static void append_facts(const struct context *context, const struct jval *facts, struct buf *out) {
        if (jval_array_size(facts) == 0)
                return;
        view_heading(context, "FACTS", out);
        for (size_t i = 0; i < jval_array_size(facts); i++) {
                const struct jval *fact = jval_at(facts, i);
                int64_t run = jval_get_int(fact, "run_number", 0);
                _cleanup_buf_ struct buf line = BUF_INIT(SCREEN_MAX);
                (void)buf_append_str(&line, str_or(jval_get_str(fact, "text"), ""));
                if (run > 0 && streq_null(jval_get_str(fact, "kind"), "due_time"))
                        (void)buf_appendf(&line, ", #%" PRIi64, run);
                append_instants(&line, fact, context->global.utc);
                append_wrapped(out, &context->out, "- ", STYLE_PLAIN, 2, STYLE_PLAIN, buf_data(&line));
        }
}

/* "its command ended with an exit status that means failure: exit status 1"; of a step that only told that it failed,
 * what it said. */
static void append_meaning(const struct context *context, const struct jval *failure, struct buf *out) {
        bool has_reason = jval_get_str(failure, "reason");
        _cleanup_free_ char *meaning = xasprintf(
                "%s%s%s", has_reason ? str_or(jval_get_str(failure, "meaning"), "") : "", has_reason ? ": " : "",
                str_or(jval_get_str(failure, "error_message"), "nothing more is recorded"));

        append_wrapped(out, &context->out, "  ", STYLE_PLAIN, 2, STYLE_PLAIN, meaning);
}

/* Steps inside of the one that failed: what it did when it did. */
static void append_inner(const struct context *context, const struct jval *failure, struct buf *out) {
        const struct jval *inner = jval_get(failure, "inner");
        int64_t shown = (int64_t)jval_array_size(inner), total = jval_get_int(failure, "inner_total", shown);

        for (size_t i = 0; i < jval_array_size(inner); i++) {
                const struct jval *one = jval_at(inner, i);
                const char *name = str_or(jval_get_str(one, "step_name"), ""), *slash = strchr(name, '/');
                _cleanup_free_ char *text = xasprintf("inside of it, %s failed: %s", slash ? slash + 1 : name,
                                                      str_or(jval_get_str(one, "error_message"),
                                                             str_or(jval_get_str(one, "reason"), "it told no reason")));

                append_wrapped(out, &context->out, "  - ", STYLE_PLAIN, 4, STYLE_PLAIN, text);
        }
        if (total > shown)
                (void)buf_appendf(out, "  - and %" PRIi64 " more inside of it\n", total - shown);
}

/* "odds (KC)", "Condition= of step odds". */
static const char *name_of(const struct jval *failure) {
        const char *what = str_or(jval_get_str(failure, "what"), str_or(jval_get_str(failure, "step_name"), "step"));
        const char *step = startswith(what, "step ");

        return str_or(step, what);
}

static void append_failure(const struct context *context, const struct jval *failure, struct buf *out) {
        const char *before = term_begin(&context->out, STYLE_BOLD), *after = term_end(&context->out, STYLE_BOLD);
        const struct jval *lines = jval_get(failure, "lines");
        char took[TEXT_SIZE];
        double seconds = jval_get_real(failure, "duration_seconds", -1);

        (void)buf_appendf(out, "%s%s%s, attempt %" PRIi64 "%s%s: %s%s%s\n", before, name_of(failure), after,
                          jval_get_int(failure, "attempt", 1), seconds >= 0 ? ", after " : "",
                          seconds >= 0 ? text_duration(took, seconds) : "", term_begin(&context->out, STYLE_RED),
                          str_or(jval_get_str(failure, "reason"), "failed"), term_end(&context->out, STYLE_RED));
        append_meaning(context, failure, out);
        append_inner(context, failure, out);
        for (size_t i = 0; i < jval_array_size(lines); i++)
                append_wrapped(out, &context->out,
                               streq_null(jval_get_str(failure, "stream"), "stderr") ? "  ! " : "  | ", STYLE_PLAIN, 4,
                               STYLE_DIM, str_or(jval_str(jval_at(lines, i)), ""));
}

/* "and 7 more: odds (KC), odds (BUF), ..." */
static void append_more(const struct context *context, const struct jval *why, int64_t n, struct buf *out) {
        const struct jval *named = jval_get(why, "failures_more");
        _cleanup_buf_ struct buf line = BUF_INIT(SCREEN_MAX);

        (void)buf_appendf(&line, "and %" PRIi64 " more", n);
        for (size_t i = 0; i < jval_array_size(named); i++)
                (void)buf_appendf(&line, "%s%s", i > 0 ? ", " : ": ", name_of(jval_at(named, i)));
        if (jval_array_size(named) > 0 && n > (int64_t)jval_array_size(named))
                (void)buf_append_str(&line, ", ...");
        append_wrapped(out, &context->out, "", STYLE_PLAIN, 2, STYLE_PLAIN, buf_data(&line));
}

static void append_failures(const struct context *context, const struct jval *why, struct buf *out) {
        const struct jval *failures = jval_get(why, "failures"), *skipped = jval_get(why, "skipped");
        int64_t total = jval_get_int(why, "failures_total", 0), shown = (int64_t)jval_array_size(failures);

        if (shown > 0)
                view_heading(context, "FAILED", out);
        for (size_t i = 0; i < jval_array_size(failures); i++)
                append_failure(context, jval_at(failures, i), out);
        if (total > shown)
                append_more(context, why, total - shown, out);
        for (void *i = jval_is_object(skipped) ? jval_iter(skipped) : NULL; i; i = jval_iter_next(skipped, i)) {
                char count[TEXT_SIZE];

                if (shown > 0)
                        (void)buf_appendf(out, "%s skipped (%s)\n",
                                          text_count(count, jval_int(jval_iter_value(i), 0), "step"), jval_iter_key(i));
        }
}

static void append_lines(const struct context *context, const struct jval *lines, const char *mark, enum style style,
                         struct buf *out) {
        for (size_t i = 0; i < jval_array_size(lines); i++)
                append_wrapped(out, &context->out, mark, STYLE_PLAIN, 4, style,
                               str_or(jval_str(jval_at(lines, i)), ""));
}

static void append_changes(const struct context *context, const struct jval *why, struct buf *out) {
        const struct jval *changes = jval_get(why, "changes"), *success = jval_get(why, "last_success");
        char ended[TEXT_SIZE], ago[TEXT_SIZE];
        if (!jval_is_object(success))
                return;
        _cleanup_free_ char *heading =
                xasprintf("CHANGED SINCE #%" PRIi64 " (%s, %s, %s)", jval_get_int(success, "run_number", 0),
                          str_or(jval_get_str(success, "status"), "success"),
                          text_instant(ended, success, "completed_at", context->global.utc),
                          text_ago(ago, success, "completed_at", now_realtime()));
        view_heading(context, heading, out);
        if (jval_array_size(changes) == 0)
                (void)buf_append_str(out, "nothing that is recorded: its definition and parameters are the same\n");
        for (size_t i = 0; i < jval_array_size(changes); i++) {
                const struct jval *change = jval_at(changes, i);
                append_wrapped(out, &context->out, "- ", STYLE_PLAIN, 2, STYLE_PLAIN,
                               str_or(jval_get_str(change, "text"), ""));
                append_lines(context, jval_get(change, "removed"), "  - ", STYLE_RED, out);
                append_lines(context, jval_get(change, "added"), "  + ", STYLE_GREEN, out);
        }
}

static void append_next(const struct context *context, const struct jval *next, struct buf *out) {
        if (jval_array_size(next) == 0)
                return;
        view_heading(context, "NEXT", out);
        for (size_t i = 0; i < jval_array_size(next); i++) {
                const struct jval *step = jval_at(next, i);
                /* Never cut or wrapped: it is there to be copied. */
                _cleanup_free_ char *command = text_visible(str_or(jval_get_str(step, "command"), ""));
                append_wrapped(out, &context->out, "", STYLE_PLAIN, 0, STYLE_DIM,
                               str_or(jval_get_str(step, "text"), ""));
                (void)buf_appendf(out, "    %s%s%s\n", term_begin(&context->out, STYLE_BOLD), command,
                                  term_end(&context->out, STYLE_BOLD));
        }
}

void view_why(const struct context *context, const struct jval *why, struct buf *out) {
        const struct jval *run = jval_get(why, "run");
        const char *job = str_or(jval_get_str(why, "job"), "job"), *state = str_or(jval_get_str(why, "state"), "");
        if (jval_is_object(run) && !streq(state, "idle"))
                view_run_title(context, run, out);
        else
                (void)buf_appendf(out, "%s%s%s  %s\n", term_begin(&context->out, STYLE_BOLD), job,
                                  term_end(&context->out, STYLE_BOLD), state);
        /* Where the first fact is all that there is to say, it is said once. */
        if (!streq_null(jval_get_str(why, "summary"), jval_get_str(jval_at(jval_get(why, "facts"), 0), "text")))
                append_wrapped(out, &context->out, "", STYLE_PLAIN, 0, STYLE_PLAIN,
                               str_or(jval_get_str(why, "summary"), ""));
        append_facts(context, jval_get(why, "facts"), out);
        if (streq(state, "idle") && jval_array_size(jval_get(why, "failures")) > 0)
                (void)buf_appendf(out, "\nits latest run, #%" PRIi64 ":\n", jval_get_int(run, "run_number", 0));
        append_failures(context, why, out);
        append_changes(context, why, out);
        append_next(context, jval_get(why, "next"), out);
}
